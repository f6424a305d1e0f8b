// Answers drawn into the page.

import { at, button, make, marked, number, percent, plural, size, tokenText } from "./dom.mjs";

const MOST_CHIPS = 400;

/** How often the text occurs. */
export function showCount(answer, index) {
  const isEmpty = answer.token_ids.length === 0;
  const figure = make("strong", "", number(answer.count));
  const noun = isEmpty
    ? ` tokens in ${plural(index.n_documents, "document")}`
    : answer.count === 1 ? " occurrence" : " occurrences";
  at("count").replaceChildren(figure, make("span", "", noun));
}

/** What the answers took: inside the index, and with the way there and back. */
export function showTime(index_ms, total_ms) {
  const digits = index_ms < 1 ? 2 : index_ms < 100 ? 1 : 0;
  at("time").textContent = `${index_ms.toFixed(digits)} ms in the index, ${Math.max(1, Math.round(total_ms))} ms in all`;
}

/**
 * Many tokenizers begin a word inside a sentence with a space: the same text as it stands there.
 * @param {number} count with the space
 * @param {() => void} choose
 */
export function showSpaced(count, choose) {
  const text = `With a space in front, as inside a sentence: ${plural(count, "occurrence")}`;
  at("spaced").replaceChildren(...(count > 0 ? [button("quiet", choose, text)] : []));
}

/** The tokens of the text; those of the suffix that the ∞-gram used stand out. */
export function showTokens(answer) {
  const { token_ids: ids, tokens, suffix_length: used } = answer;
  const list = make("ol", "chips");
  const first = Math.max(0, ids.length - MOST_CHIPS);
  if (first > 0) list.append(make("li", "note", `… ${plural(first, "token")} before`));
  ids.slice(first).forEach((id, place) => {
    const isUsed = first + place >= ids.length - used;
    const chip = make("li", isUsed ? "chip used" : "chip", tokenText(tokens?.[first + place], id));
    chip.title = `token ${id}`;
    list.append(chip);
  });
  at("tokens").hidden = ids.length === 0;
  at("tokens").replaceChildren(list);
}

/** Which suffix the next tokens follow, in one sentence. */
function suffixSentence(answer) {
  const { token_ids: ids, suffix_length: used, context_count: count, effective_n: n } = answer;
  if (ids.length === 0) return "Counted over the whole corpus.";
  if (used === 0) return "Its last token occurs nowhere, so these are the most frequent tokens of the corpus.";
  const what = used < ids.length
    ? used === 1 ? "the last token" : `the last ${used} of ${ids.length} tokens`
    : used === 1 ? "this token" : `all ${used} tokens`;
  const times = count === 1 ? "once" : count === 2 ? "twice" : `${number(count)} times`;
  return `After ${what}, which occur${used === 1 ? "s" : ""} ${times} (n\u00a0=\u00a0${n}).`;
}

/**
 * The ∞-gram as bars.
 * @param {(token: string) => void} append called with the text of a token that is chosen
 */
export function showNext(answer, append) {
  const { rows, context_count: count, n_distinct } = answer;
  at("next-title").textContent = answer.token_ids.length === 0 ? "Most frequent tokens" : "What comes next";
  at("suffix").textContent = suffixSentence(answer);
  const largest = rows[0]?.count ?? 1;
  at("next").replaceChildren(...rows.map((row) => nextRow(row, count, largest, append)));
  const shown = rows.reduce((sum, row) => sum + row.count, 0);
  const hidden = n_distinct - rows.length;
  at("rest").textContent = hidden > 0
    ? `and ${number(hidden)} more, together ${percent((count - shown) / count)}`
    : answer.is_sparse ? "Nothing else ever follows." : "";
}

function nextRow(row, count, largest, append) {
  const share = percent(row.count / count);
  const parts = [
    tokenText(row.token, row.token_id),
    make("span", "share", share),
    make("span", "times", number(row.count)),
  ];
  // A token that is half a character cannot be typed; neither can the end of a document.
  const canAppend = row.token && !/\\x[0-9a-f]{2}/u.test(row.token);
  const bar = canAppend
    ? button("bar", () => append(row.token), ...parts)
    : make("div", "bar", ...parts);
  if (canAppend) bar.setAttribute("aria-label", `Add “${row.token}”: ${share}, ${plural(row.count, "time")}`);
  bar.style.setProperty("--share", `${(100 * row.count) / largest}%`);
  return make("li", "", bar);
}

/** The documents found, each with its match marked. */
export function showDocuments(found, note) {
  at("documents-title").textContent = "Where it occurs";
  at("documents-note").textContent = note;
  at("documents").replaceChildren(...found.documents.map(foundDocument));
}

function foundDocument(hit) {
  const head = make("header", "", make("h3", "", `Document ${number(hit.document_id)}`), ...metadata(hit.metadata));
  if (!hit.text) return make("article", "", head, make("p", "note", `From token ${number(hit.offset)} on.`));
  return make("article", "", head, snippet(hit), wholeText(hit));
}

/** The text around the match, with dots where the document goes on. */
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
    if (hit.text_truncated) text.append(make("span", "cut", " … cut here"));
    details.append(text);
  });
  return details;
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
 * Pieces of documents to try, where nothing has been typed.
 * @param {string[]} texts
 * @param {(text: string) => void} choose
 */
export function showExamples(texts, choose) {
  at("documents-title").textContent = "Try";
  at("documents-note").textContent = texts.length > 0 ? "From documents of this corpus." : "";
  at("documents").replaceChildren(
    ...texts.map((text) => button("example", () => choose(text), make("bdi", "", text))),
  );
}

/** What the index is, at the foot of the page. */
export function showAbout(index) {
  at("query").placeholder = index.tokenizer ? "Any text, of any length" : "Token ids, such as 3 14 15";
  at("about").textContent = [
    index.name,
    plural(index.n_tokens, "token"),
    plural(index.n_documents, "document"),
    `vocabulary of ${number(index.vocab_size)}`,
    size(index.size_bytes),
  ].join(" · ");
}
