// The documents found: snippets, metadata, filters and pages.

import { anchor, make, marked, number, plural, textClass } from "./dom.mjs";
import { filters, link } from "./state.mjs";

/** Show the documents of an answer of `search`, with a note that says which they are. */
export function foundDocuments(state, answer, which) {
  const { document_count: n, documents } = answer;
  const count = n === 0 ? "No document" : plural(n, "document");
  const drawn = documents.length < n && `, ${number(documents.length)} ${state.seed ? "drawn at random" : "shown"}`;
  return [
    filterRow(state),
    make("p", "note", count, which, drawn, "."),
    make("div", "documents", ...documents.map((hit) => foundDocument(state, hit))),
    pages(state, answer),
  ];
}

/** Links to the next and the first page, and to a random sample. */
function pages(state, { cursor, documents, document_count: n }) {
  if (documents.length >= n && !state.cursor) return null;
  const to = (text, changes) => anchor("quiet", link(state, { cursor: "", ...changes }), text);
  return make(
    "nav",
    { className: "pages", ariaLabel: "Pages" },
    state.cursor && to("First page", {}),
    cursor && to("Next page", { cursor }),
    to("Random sample", { seed: Math.floor(Math.random() * 1e9) }),
    state.seed && to("In order", { seed: "" }),
  );
}

/** The active filters, each with a link that removes it. */
export function filterRow(state) {
  const active = Object.entries(filters(state)).map(([name, value]) => {
    const { [name]: _, ...others } = filters(state);
    return anchor("filter", withFilters(state, others), make("bdi", "", `${name} = ${short(value)}`), " ×");
  });
  return active.length > 0 && make("p", "filters", "Only ", ...active);
}

const withFilters = (state, where) =>
  link(state, { where: Object.keys(where).length > 0 ? JSON.stringify(where) : "", cursor: "" });

function foundDocument(state, hit) {
  const [{ match_start: start, match_end: end }] = hit.matches;
  const count = hit.match_count > 1 && make("span", "note", `${number(hit.match_count)} matches`);
  const head = documentHead(state, hit, hit.text ? { at: `${start}-${end}` } : {}, count);
  const content = hit.text ? snippets(hit) : [make("p", "note", `The match begins at token ${number(hit.offset)}.`)];
  return make("article", "", head, ...content);
}

/** The number of a document, a link to it, and its metadata. */
export function documentHead(state, document, place, count) {
  const id = document.document_id;
  const address = link(state, { view: "document", doc: String(id), ...place });
  return make("header", "", make("h3", "", anchor("", address, `Document ${number(id)}`)), count, metadata(state, document, 6));
}

/** The texts around the matches, with ellipses where they are cut. Matches inside an earlier snippet are marked there. */
function snippets({ matches, text, text_truncated }) {
  const length = text_truncated ? Infinity : Array.from(text).length;
  const shown = [];
  for (const { match_start: start, match_end: end, snippet, snippet_match_start } of matches) {
    const begin = start - snippet_match_start;
    let around = shown.find((other) => other.begin <= start && end <= other.end);
    if (!around) shown.push((around = { begin, end: begin + Array.from(snippet).length, snippet, ranges: [] }));
    around.ranges.push([start - around.begin, end - around.begin]);
  }
  return shown.map(({ begin, end, snippet, ranges }) =>
    make("p", textClass("snippet", snippet), begin > 0 && "… ", marked(snippet, ranges), end < length && " …"),
  );
}

/** The first metadata fields of a document, with its file and line. A click on one shows only documents with its value. */
export function metadata(state, { metadata: given, source, line }, most) {
  const fields = source && given.path !== source ? { ...given, source, ...(line ? { line } : {}) } : given;
  const shown = Object.entries(fields).slice(0, most).map(([name, value]) =>
    make("div", "", make("dt", "", name), make("dd", "", fieldValue(state, name, value))),
  );
  return shown.length > 0 && make("dl", "fields", ...shown);
}

function fieldValue(state, name, value) {
  const text = make("bdi", "", short(value));
  if (Object(value) === value || (Number.isInteger(value) && !Number.isSafeInteger(value))) return text; // no exact filter
  const all = { ...filters(state), [name]: value };
  const href = withFilters({ ...state, view: "explore", doc: "", at: "", find: "" }, all);
  return make("a", { href, title: `Only documents with this ${name}` }, text);
}

/** A value on one line. */
export function short(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
