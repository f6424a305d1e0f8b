// The first view: how often a text occurs, its tokens, what comes next, and where it occurs.

import { ask } from "./api.mjs";
import { copyMenu } from "./copy.mjs";
import { choice, done, fill, heading, headline, make, number, plural, slot, tools, visible } from "./dom.mjs";
import { filterRow, foundDocuments, short } from "./documents.mjs";
import { exampleList, findExamples } from "./examples.mjs";
import { filters, link, matching } from "./state.mjs";
import { nextTokens, suffixSentence, tokenStrip } from "./tokens.mjs";

const MOST_ROWS = { top_k: 12 };
const OPERATOR = /(?<![^\s()"])(?:AND|OR)(?![^\s()"])/u; // makes a text a query of several terms

export const view = {
  prompt: "How often does a text occur, and what comes next?",
  placeholder: "Any text, of any length",
  hint: "Exact counts as you type, also inside words. AND and OR in capitals combine terms.",
  create() {
    const [count, tokens, next, documents] = [slot(), slot(), slot("part"), slot("part")];
    const columns = make("div", "columns", next, documents);
    const parts = { count, tokens, next, documents, columns };
    return { elements: [count, tokens, columns], update: (context) => update(parts, context) };
  },
};

/** Ask everything at once, so that an answer takes one round trip, and show each part when it arrives. */
function update(parts, { state, index, signal, limits }) {
  const hasText = index.tokenizer !== null;
  const isSeveral = hasText && OPERATOR.test(state.q);
  const query = hasText ? { query: state.q } : { token_ids: state.q.split(/[\s,]+/u).filter(Boolean).map(Number) };
  const options = hasText && state.q !== "" ? matching(state) : {};
  const post = (question, body) => ask(index.name, question, body, signal);
  parts.next.hidden = parts.tokens.hidden = isSeveral;
  parts.columns.classList.toggle("single", isSeveral);
  const page = pageOf(state, limits);
  const show = isSeveral ? showTerms : (query.query ?? query.token_ids).length === 0 ? showNothing : showText;
  return show(parts, { state, index, signal, query, options, post, page, limits });
}

/** Show a query of several terms: its form as parsed, its count and its documents. */
function showTerms(parts, { state, signal, query, options, post, page }) {
  const found = post("search", { ...query, ...options, ...page });
  done(parts.tokens);
  done(parts.next);
  return Promise.all([
    fill(parts.count, signal, found, (answer) => {
      const counts = `${plural(answer.count, "occurrence")} in ${plural(answer.document_count, "document")}`;
      return [make("div", "heading", headline(counts), tools(answer)), parsed(answer)];
    }),
    fill(parts.documents, signal, found, (answer) => [heading("Documents", copyMenu(answer)), ...foundDocuments(state, answer, "")]),
  ]);
}

/** How an AND of ORs was parsed. */
function parsed({ clauses }) {
  const term = (text) => make("bdi", "term", ...visible(text));
  const joined = (parts, operator) => parts.flatMap((part, n) => (n > 0 ? [make("span", "operator", ` ${operator} `), part] : [part]));
  const shown = clauses.map((terms) => make("span", "filter", ...joined(terms.map(term), "OR")));
  const note = clauses.length > 1 && "Counts occurrences of the first clause that have all others within 100 tokens.";
  return make("div", "parsed", make("p", "", "Searched as ", ...joined(shown, "AND")), make("p", "note", note));
}

/** Show the size of the index, its most frequent tokens, and examples. */
function showNothing(parts, { state, index, signal, query, post, limits }) {
  const next = post("infgram", { ...query, ...MOST_ROWS });
  done(parts.tokens);
  done(parts.count, headline(`${plural(index.n_tokens, "token")} in ${plural(index.n_documents, "document")}`));
  return Promise.all([
    fill(parts.next, signal, next, (answer) => [heading("Most frequent tokens", copyMenu(answer)), ...nextTokens(state, answer)]),
    fill(parts.documents, signal, findExamples(index, limits, signal, next), (found) => [filterRow(state), heading("Examples"), exampleList(state, index, found)]),
  ]);
}

function showText(parts, { state, signal, query, options, post, page }) {
  const count = post("count", { ...query, ...(options.any_tokenization ? { readings: true } : options) });
  const counted = count.catch(() => ({})); // the refusal is shown in the place of the count
  const search = (body) => post("search", { ...body, ...page });
  const found = state.reading || state.cursor ? null : search({ ...query, ...options }); // else its terms depend on the count
  const isString = !state.reading && Object.keys(options).length > 0;
  const ofString = isString ? post("next-token", { ...query, ...options, ...MOST_ROWS }) : null;
  const subject = !state.reading ? Promise.resolve(query) : counted.then(({ readings }) => {
    const ids = readings?.[state.reading]?.token_ids ?? [];
    return ids.length > 0 ? { token_ids: ids } : query;
  });
  const infgram = subject.then((tokens) => post("infgram", { ...tokens, ...MOST_ROWS }));
  const scores = subject.then((tokens) => post("score", tokens));

  const next = Promise.all([counted, ofString, infgram]).then(([{ readings, count: n }, string, tokens]) =>
    string && (readings ? readings.string_count !== 0 : n > 0) ? string : tokens);
  const documents = Promise.all([counted, subject, infgram, found]).then(async ([{ readings, count: n }, tokens, suffix, answer]) => {
    if (tokens !== query) return { ...(await search(tokens)), which: " with these tokens" };
    const { suffix_length: used, token_ids: ids } = suffix;
    const isAbsent = (readings ? readings.string_count : n) === 0;
    if (!isAbsent || used < 2 || used === ids.length) return answer ?? search({ ...query, ...options });
    return { ...(await search({ token_ids: ids.slice(-used) })), which: ` with its last ${used} tokens`, isAbsent };
  });

  return Promise.all([
    fill(parts.count, signal, state.where ? Promise.all([count, documents]) : count.then((answer) => [answer]), ([answer, filtered]) => {
      const unknown = answer.readings?.string_count === null ? " of the text as typed" : "";
      const total = answer.readings?.string_count ?? answer.count;
      const inDocuments = (n) => ` in ${plural(n, "document")}`;
      const head = headline(filtered && !filtered.which
        ? `${plural(filtered.count, "occurrence")}${inDocuments(filtered.document_count)}, of ${number(total)} in all`
        : plural(total, "occurrence") + unknown);
      documents.then(({ document_count: n, which }) => {
        if (!signal.aborted && !which && !unknown && !filtered && n > 0) head.lastChild.append(inDocuments(n));
      }, () => {}); // the refusal is shown in the place of the documents
      return [make("div", "heading", head, tools(answer, copyMenu(answer))), readingList(state, answer)];
    }),
    fill(parts.tokens, signal, Promise.all([infgram, scores]), (answers) => tokenStrip(...answers)),
    fill(parts.next, signal, next, (answer) => [
      heading("Next tokens", copyMenu(answer)),
      answer.asked.question === "next-token" && make("p", "note", stringSentence(answer)),
      ...nextTokens(state, answer),
    ]),
    fill(parts.documents, signal, documents, (answer) => [
      heading("Documents", copyMenu(answer)),
      answer.isAbsent && make("p", "note", "No document contains the whole text."),
      ...foundDocuments(state, answer, answer.which ?? ""),
    ]),
  ]);
}

const stringSentence = ({ context_count: n }) =>
  n > 0
    ? `Counted after the ${plural(n, "occurrence")} that end${n === 1 ? "s" : ""} at a token boundary.`
    : "Every occurrence ends inside a token, so no token comes next. A text should not end with a space.";

/** The options of a request for documents. */
function pageOf(state, limits) {
  const where = filters(state);
  return {
    limit: 5,
    snippet_tokens: Math.min(60, limits.snippet_tokens),
    ...(/^\d{1,15}$/u.test(state.seed) ? { seed: Number(state.seed) } : {}),
    ...(state.cursor ? { cursor: state.cursor } : {}),
    ...(Object.keys(where).length > 0 ? { where } : {}),
  };
}

const READINGS = [
  ["as_typed", "as typed"],
  ["after_space", "after a space"],
  ["other_tokenizations", "in other tokenizations"],
  ["other_case", "more with case ignored"],
];

/** The counts of the readings of a string. A click on one shows its tokens, what follows them and where they occur. */
function readingList(state, { readings }) {
  if (!readings) return null;
  const shown = READINGS.filter(([name]) => readings[name]?.count > 0);
  const isPlain = shown.length === 1 && readings.as_typed.count > 0;
  const links = shown.map(([name, label]) => [
    `${number(readings[name].count)} ${label}${name.startsWith("other") ? `, most often “${short(readings[name].text)}”` : ""}`,
    link(state, { reading: name === state.reading ? "" : name, seed: "", cursor: "" }),
    name === state.reading,
  ]);
  const unknown = !readings.is_exact && make("p", "note", "The string has too many other tokenizations to count here.");
  return make("div", "readings", !isPlain && links.length > 0 && choice("Counts by tokenization", links), unknown);
}
