// Show results in the page.

import { at, button, make, marked, number, percent, plural, size, tokenText } from "./dom.mjs";

const MOST_CHIPS = 400;

/** Show the count of the string or, if it is unknown or there is no text, of the tokens. */
export function showCount(answer, index) {
  const string = answer.readings?.string_count ?? null;
  const isEmpty = answer.token_ids.length === 0;
  const count = string ?? answer.count;
  const what = isEmpty
    ? `tokens in ${plural(index.n_documents, "document")}`
    : count === 1 ? "occurrence" : "occurrences";
  const how = answer.readings && string === null ? " of the text as typed" : "";
  at("count").replaceChildren(make("strong", "", number(count)), make("span", "", ` ${what}${how}`));
}

/** Show the count of an AND of ORs. */
export function showQueryCount(answer) {
  const noun = answer.count === 1 ? "occurrence" : "occurrences";
  const where = ` ${noun} in ${plural(answer.document_count, "document")}`;
  at("count").replaceChildren(make("strong", "", number(answer.count)), make("span", "", where));
}

/**
 * Show how an AND of ORs was parsed.
 * @param {string[][]} clauses none for a plain text
 */
export function showClauses(clauses) {
  const shown = clauses.flatMap((terms, place) => [
    ...(place > 0 ? [make("span", "operator", " AND ")] : []),
    ...(terms.length > 1 ? ["("] : []),
    ...terms.flatMap((term, n) => [...(n > 0 ? [make("span", "operator", " OR ")] : []), make("bdi", "chip used", term)]),
    ...(terms.length > 1 ? [")"] : []),
  ]);
  const note = "Matches of the first clause with a match of every other clause within 100 tokens.";
  at("clauses").hidden = clauses.length === 0;
  at("clauses").replaceChildren(make("p", "query", "Searched as: ", ...shown), make("p", "note", clauses.length > 1 ? note : ""));
}

/** Show the time of the requests: in the index, and in total. */
export function showTime(index_ms, total_ms) {
  const digits = index_ms < 1 ? 2 : index_ms < 100 ? 1 : 0;
  at("time").textContent = `${index_ms.toFixed(digits)} ms in the index, ${Math.max(1, Math.round(total_ms))} ms in total`;
}

const READINGS = [
  ["as_typed", "as typed"],
  ["after_space", "after a space"],
  ["other_tokenizations", "in other tokens"],
  ["other_case", "more with other capitalization"],
];

/**
 * Show the counts of the readings of a string. A click on a reading shows its tokens.
 * @param {object|null} readings
 * @param {string|null} chosen
 * @param {(name: string) => void} choose
 */
export function showReadings(readings, chosen, choose) {
  const shown = READINGS.filter(([name]) => readings?.[name]?.count > 0).map(([name, label]) => {
    const { count, text } = readings[name];
    const figure = make("span", "figure", number(count));
    const chip = button("reading", () => choose(name), figure, ` ${label}`);
    chip.setAttribute("aria-pressed", String(name === chosen));
    chip.title = name === "as_typed" || name === "after_space" ? `“${text}”` : `most often “${text}”`;
    return chip;
  });
  const isPlain = shown.length === 1 && readings.as_typed.count > 0;
  at("readings").replaceChildren(...(isPlain ? [] : shown));
  if (readings && !readings.is_exact) {
    at("readings").append(make("p", "note", "The string has too many other tokenizations to count here."));
  }
}

/**
 * Show the tokens of the text, with the suffix that the ∞-gram used highlighted.
 * @param {object|null} answer
 * @param {boolean} isString whether the next tokens follow the string in any tokenization
 */
export function showTokens(answer, isString) {
  const { token_ids: ids, tokens, suffix_length: used } = answer ?? { token_ids: [] };
  const list = make("ol", "chips");
  const first = Math.max(0, ids.length - MOST_CHIPS);
  if (first > 0) list.append(make("li", "note", `… ${plural(first, "token")} before`));
  ids.slice(first).forEach((id, place) => {
    const isUsed = isString || first + place >= ids.length - used;
    const chip = make("li", isUsed ? "chip used" : "chip", tokenText(tokens?.[first + place], id));
    chip.title = `token ${id}`;
    list.append(chip);
  });
  at("tokens").hidden = ids.length === 0;
  at("tokens").replaceChildren(list);
}

const times = (count) => (count === 1 ? "once" : count === 2 ? "twice" : `${number(count)} times`);

/** A sentence about the suffix that the next tokens follow. */
function suffixSentence(answer, isString) {
  if (isString) {
    return answer.context_count > 0
      ? `After ${plural(answer.context_count, "occurrence")} ending at a token boundary.`
      : "Every occurrence of the text ends inside a token, so no token comes next.";
  }
  const { token_ids: ids, suffix_length: used, context_count: count, effective_n: n } = answer;
  if (ids.length === 0) return "Counted over the whole corpus.";
  if (used === 0) return "The last token never occurs, so these are the most frequent tokens of the corpus.";
  const what = used < ids.length
    ? used === 1 ? "the last token" : `the last ${used} of ${ids.length} tokens`
    : used === 1 ? "this token" : `all ${used} tokens`;
  return `After ${what}, which occur${used === 1 ? "s" : ""} ${times(count)} (n\u00a0=\u00a0${n}).`;
}

/**
 * Show the next tokens as bars. Hide the section for a query of several terms.
 * @param {object|null} answer
 * @param {boolean} isString
 * @param {(token: string) => void} append called with the text of the token that is clicked
 */
export function showNext(answer, isString, append) {
  at("next-section").hidden = answer === null;
  if (answer === null) return;
  const { rows, context_count: count, n_distinct } = answer;
  at("next-title").textContent = answer.token_ids.length === 0 ? "Most frequent tokens" : "What comes next";
  at("suffix").textContent = suffixSentence(answer, isString);
  const largest = rows[0]?.count ?? 1;
  at("next").replaceChildren(...rows.map((row) => nextRow(row, count, largest, append)));
  const shown = rows.reduce((sum, row) => sum + row.count, 0);
  const hidden = n_distinct - rows.length;
  at("rest").textContent = hidden > 0
    ? `and ${number(hidden)} more, ${percent((count - shown) / count)} in total`
    : answer.is_sparse ? "No other token ever follows." : "";
}

function nextRow(row, count, largest, append) {
  const share = percent(row.count / count);
  const parts = [
    tokenText(row.token, row.token_id),
    make("span", "share", share),
    make("span", "times", number(row.count)),
  ];
  // Part of a character cannot be appended; neither can the end of a document.
  const canAppend = row.token && !/\\x[0-9a-f]{2}/u.test(row.token);
  const bar = canAppend
    ? button("bar", () => append(row.token), ...parts)
    : make("div", "bar", ...parts);
  if (canAppend) bar.setAttribute("aria-label", `Add “${row.token}”: ${share}, ${plural(row.count, "time")}`);
  bar.style.setProperty("--share", `${(100 * row.count) / largest}%`);
  return make("li", "", bar);
}

/** Show the documents found, each with its match marked. */
export function showDocuments(found, note) {
  at("documents-title").textContent = "Where it occurs";
  at("documents-note").textContent = note;
  at("documents").replaceChildren(...found.documents.map(foundDocument));
}

function foundDocument(hit) {
  const head = make("header", "", make("h3", "", `Document ${number(hit.document_id)}`), ...metadata(withSource(hit)));
  if (!hit.text) return make("article", "", head, make("p", "note", `The match begins at token ${number(hit.offset)}.`));
  return make("article", "", head, snippet(hit), wholeText(hit));
}

/** The text around the match, with ellipses where it is cut. */
function snippet(hit) {
  const shown = make("p", "snippet", marked(hit.snippet, hit.snippet_match_start, hit.snippet_match_end));
  const after = Array.from(hit.snippet).length - hit.snippet_match_end;
  if (hit.match_start > hit.snippet_match_start) shown.prepend(make("span", "cut", "… "));
  if (hit.text_truncated || hit.match_end + after < Array.from(hit.text).length) shown.append(make("span", "cut", " …"));
  return shown;
}

function wholeText(hit) {
  const details = make("details", "", make("summary", "", "Show the document"));
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    const text = make("p", "whole", marked(hit.text, hit.match_start, hit.match_end));
    if (hit.text_truncated) text.append(make("span", "cut", " … (truncated)"));
    details.append(text);
  });
  return details;
}

/** The metadata of a document, with its file and line first unless the metadata has them. */
function withSource({ metadata: fields, source, line }) {
  if (!source || fields.path === source) return fields;
  return { source: line ? `${source}:${line}` : source, ...fields };
}

/** The first fields of a document's metadata, on one line. */
function metadata(fields) {
  const shown = Object.entries(fields).slice(0, 4).map(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const short = text.length > 60 ? `${text.slice(0, 59)}…` : text;
    return make("span", "field", make("bdi", "name", name), " ", make("bdi", "", short));
  });
  return shown.length > 0 ? [make("p", "fields", ...shown)] : [];
}

/**
 * Show example texts from documents while the box is empty.
 * @param {string[]} texts
 * @param {(text: string) => void} choose
 */
export function showExamples(texts, choose) {
  at("documents-title").textContent = "Try";
  at("documents-note").textContent = texts.length > 0 ? "Examples from documents of this corpus." : "";
  at("documents").replaceChildren(
    ...texts.map((text) => button("example", () => choose(text), make("bdi", "", text))),
  );
}

/** Show the size of the index at the foot of the page. */
export function showAbout(index) {
  at("query").placeholder = index.tokenizer ? "Any text, of any length" : "Token ids, for example 3 14 15";
  at("about").textContent = [
    index.name,
    plural(index.n_tokens, "token"),
    plural(index.n_documents, "document"),
    `vocabulary size ${number(index.vocab_size)}`,
    size(index.size_bytes),
  ].join(" · ");
}
