// The first view: how often a text occurs, its tokens, what comes next, and where it occurs.

import { ask } from "./api.mjs";
import { copyMenu } from "./copy.mjs";
import { choice, done, fill, headline, make, number, plural, section, slot, title, tools, visible } from "./dom.mjs";
import { foundDocuments } from "./documents.mjs";
import { exampleList, findExamples } from "./examples.mjs";
import { nextTokens } from "./next.mjs";
import { filters, link, matching } from "./state.mjs";
import { suffixSentence, tokenStrip } from "./tokens.mjs";

const MOST_ROWS = { top_k: 12 };
const OPERATOR = /(?<![^\s()"])(?:AND|OR)(?![^\s()"])/u; // makes a text a query of several terms

export const view = {
  prompt: "How often does a text occur, and what comes next?",
  placeholder: "Any text, of any length",
  hint: "Exact counts as you type. AND and OR in capitals combine terms.",
  create() {
    const [count, tokens, next, documents] = [slot(), slot(), slot(), slot()];
    const [left, right] = [section("What comes next", next), section("Where it occurs", documents)];
    const columns = make("div", "columns", left, right);
    const parts = { count, tokens, next, documents, left, right, columns };
    return { elements: [count, tokens, columns], update: (context) => update(parts, context) };
  },
};

/** Ask everything at once, so that an answer takes one round trip, and show each part when it arrives. */
function update(parts, { state, index, signal }) {
  const hasText = index.tokenizer !== null;
  const isSeveral = hasText && OPERATOR.test(state.q);
  const query = hasText ? { query: state.q } : { token_ids: state.q.split(/[\s,]+/u).filter(Boolean).map(Number) };
  const options = hasText && state.q !== "" ? matching(state) : {};
  const post = (question, body) => ask(index.name, question, body, signal);
  parts.left.hidden = parts.tokens.hidden = isSeveral;
  parts.columns.classList.toggle("single", isSeveral);
  const show = isSeveral ? showTerms : (query.query ?? query.token_ids).length === 0 ? showNothing : showText;
  return show(parts, { state, index, signal, query, options, post });
}

/** Show a query of several terms: its form as parsed, its count and its documents. */
function showTerms(parts, { state, signal, query, options, post }) {
  const found = post("search", { ...query, ...options, ...page(state) });
  done(parts.tokens);
  done(parts.next);
  return Promise.all([
    fill(parts.count, signal, found, (answer) => {
      const counts = `${plural(answer.count, "occurrence")} in ${plural(answer.document_count, "document")}`;
      return [make("div", "heading", headline(answer.is_exact ? counts : `≈${counts}`), tools(answer)), parsed(answer)];
    }),
    fill(parts.documents, signal, found, (answer) => {
      title(parts.right, "Where it occurs", copyMenu(answer));
      return foundDocuments(state, answer, "");
    }),
  ]);
}

/** How an AND of ORs was parsed. */
function parsed({ clauses }) {
  const term = (text) => make("bdi", "term", ...visible(text));
  const joined = (parts, operator) => parts.flatMap((part, n) => (n > 0 ? [make("span", "operator", ` ${operator} `), part] : [part]));
  const shown = clauses.map((terms) => make("span", "clause", ...joined(terms.map(term), "OR")));
  const note = clauses.length > 1 && "The count is of the first clause where every other one occurs within 100 tokens.";
  return make("div", "parsed", make("p", "", "Searched as ", ...joined(shown, "AND")), make("p", "note", note));
}

/** Show the size of the index, its most frequent tokens, and examples. */
function showNothing(parts, { state, index, signal, query, post }) {
  const next = post("infgram", { ...query, ...MOST_ROWS });
  done(parts.tokens);
  done(parts.count, headline(`${plural(index.n_tokens, "token")} in ${plural(index.n_documents, "document")}`));
  title(parts.right, "Try");
  return Promise.all([
    fill(parts.next, signal, next, (answer) => {
      title(parts.left, "Most frequent tokens", copyMenu(answer));
      return nextTokens(state, answer);
    }),
    fill(parts.documents, signal, findExamples(index, next, signal), (found) => exampleList(state, found)),
  ]);
}

function showText(parts, { state, signal, query, options, post }) {
  const isString = Object.keys(options).length > 0;
  const count = post("count", { ...query, ...(options.any_tokenization ? { readings: true } : options) });
  const infgram = post("infgram", { ...query, ...MOST_ROWS });
  const scores = post("score", query);
  const ofString = isString ? post("next-token", { ...query, ...options, ...MOST_ROWS }) : null;
  const found = post("search", { ...query, ...options, ...page(state) });
  const counted = count.catch(() => ({})); // the refusal is shown in the place of the count
  const read = counted.then((answer) => answer.readings?.[state.reading]?.token_ids ?? []); // of the chosen reading

  const next = Promise.all([counted, read, ofString, infgram]).then(async ([{ readings, count: n }, ids, string, tokens]) => {
    if (ids.length > 0) return post("infgram", { token_ids: ids, ...MOST_ROWS });
    return string && (readings ? readings.string_count !== 0 : n > 0) ? string : tokens;
  });
  const documents = Promise.all([read, found, infgram]).then(async ([ids, answer, { suffix_length: used, token_ids: all }]) => {
    if (ids.length > 0) return { ...(await post("search", { token_ids: ids, ...page(state) })), which: " with these tokens" };
    const isAbsent = answer.document_count === 0 && Object.keys(filters(state)).length === 0;
    if (!isAbsent || used === 0 || used === all.length) return answer;
    const which = ` with its last ${used === 1 ? "token" : `${used} tokens`}`;
    return { ...(await post("search", { token_ids: all.slice(-used), ...page(state) })), which, isAbsent };
  });

  return Promise.all([
    fill(parts.count, signal, count, (answer) => {
      const unknown = answer.readings?.string_count === null ? " of the text as typed" : "";
      const head = headline(plural(answer.readings?.string_count ?? answer.count, "occurrence") + unknown);
      documents.then(({ document_count: many, which, isAbsent }) => {
        if (!signal.aborted && !isAbsent && !which) head.lastChild.append(` in ${plural(many, "document")}`);
      }, () => {}); // the refusal is shown in the place of the documents
      return [make("div", "heading", head, tools(answer, copyMenu(answer))), readingList(state, answer)];
    }),
    fill(parts.tokens, signal, Promise.all([infgram, scores]), (answers) => tokenStrip(...answers)),
    fill(parts.next, signal, next, (answer) => {
      title(parts.left, "What comes next", copyMenu(answer));
      const note = answer.asked.question === "next-token" ? stringSentence(answer) : "token_ids" in answer.asked.body ? suffixSentence(answer) : "";
      return [note && make("p", "note", note), ...nextTokens(state, answer)];
    }),
    fill(parts.documents, signal, documents, (answer) => {
      title(parts.right, "Where it occurs", copyMenu(answer));
      return [answer.isAbsent && make("p", "note", "No document contains the whole text."), ...foundDocuments(state, answer, answer.which ?? "")];
    }),
  ]);
}

const stringSentence = ({ context_count: n }) =>
  n > 0 ? `After ${plural(n, "occurrence")} ending at a token boundary.` : "Every occurrence ends inside a token, so no token comes next.";

/** The options of a request for documents. */
function page(state) {
  const where = filters(state);
  return {
    limit: 5,
    snippet_tokens: 60,
    ...(/^\d{1,15}$/u.test(state.seed) ? { seed: Number(state.seed) } : {}),
    ...(state.cursor ? { cursor: state.cursor } : {}),
    ...(Object.keys(where).length > 0 ? { where } : {}),
  };
}

const READINGS = [
  ["as_typed", "as typed"],
  ["after_space", "after a space"],
  ["other_tokenizations", "in other tokens"],
  ["other_case", "more in other case"],
];

/** The counts of the readings of a string. A click on one shows its tokens, what follows them and where they occur. */
function readingList(state, { readings }) {
  if (!readings) return null;
  const shown = READINGS.filter(([name]) => readings[name]?.count > 0);
  const isPlain = shown.length === 1 && readings.as_typed.count > 0;
  const links = shown.map(([name, label]) => [
    `${number(readings[name].count)} ${label}`,
    link(state, { reading: name === state.reading ? "" : name, seed: "", cursor: "" }),
    name === state.reading,
  ]);
  const unknown = !readings.is_exact && make("p", "note", "The string has too many other tokenizations to count here.");
  return make("div", "readings", !isPlain && links.length > 0 && choice("Counts by tokenization", links), unknown);
}
