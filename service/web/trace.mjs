// The second view: which passages of a text occur in the corpus, and where.

import { ask } from "./api.mjs";
import { copyMenu } from "./copy.mjs";
import { anchor, choice, done, fill, headline, make, marked, number, percent, plural, section, slot, textClass, times, tools } from "./dom.mjs";
import { documentHead } from "./documents.mjs";
import { findExamples, passageList } from "./examples.mjs";
import { link } from "./state.mjs";
import { legend, level } from "./tokens.mjs";

const LEAST = ["1", "3", "5", "8", "12"];
const RARITY = ["1000+", "101–1000", "31–100", "6–30", "2–5", "once"];
const COUNTS = [1, 5, 30, 100, 1000];
let isOpen = false; // the list of all passages

export const view = {
  prompt: "Which passages of a text occur in the corpus?",
  placeholder: "The answer of a model, or any other text",
  isLong: true,
  create() {
    const [summary, text, places] = [slot(), slot(), slot()];
    const columns = make("div", "columns even", section("The text", text), section("Documents", places));
    const parts = { summary, text, places, columns };
    return { elements: [summary, columns], update: (context) => update(parts, context) };
  },
};

function update(parts, { state, index, signal, limits }) {
  parts.columns.hidden = !index.tokenizer;
  if (!index.tokenizer) return done(parts.summary, make("p", "note", "This index has no tokenizer. Traces need text."));
  if (state.q === "") {
    done(parts.summary);
    done(parts.text, make("p", "note", "Passages of the corpus are colored. Choose one to see its documents."));
    return fill(parts.places, signal, findExamples(index, limits, signal), (found) => passageList(state, found));
  }
  const traced = ask(index.name, "trace", {
    query: state.q,
    min_length: Number(LEAST.find((n) => n === state.least) ?? 5),
    max_spans: limits.spans,
    documents_per_span: 3,
    snippet_tokens: Math.min(80, limits.snippet_tokens),
    ...(state.case === "any" ? { ignore_case: true } : {}),
  }, signal);
  return Promise.all([
    fill(parts.summary, signal, traced, (answer) => summary(state, answer)),
    fill(parts.text, signal, traced, (answer) => [coloredText(state, answer), spanList(state, answer)]),
    fill(parts.places, signal, traced, (answer) => places(state, answer)),
  ]);
}

function summary(state, answer) {
  const n = answer.token_ids.length;
  const words = `of ${plural(n, "token")}, in ${plural(answer.spans.length, "passage")}`;
  const colors = ["length", "rarity"].map((name) => [name, link(state, { color: name }), name === state.color]);
  const least = LEAST.map((name) => [name, link(state, { least: name, span: "" }), name === state.least]);
  return [
    make("div", "heading", headline(`${percent(answer.n_covered / Math.max(n, 1))} ${words}`), tools(answer, copyMenu(answer))),
    make(
      "div",
      "options",
      make("span", "", "Color by ", choice("Color by", colors)),
      make("span", "", "At least ", choice("Shortest passage", least), state.case === "any" ? " words" : " tokens"),
      state.color === "rarity" ? legend("occurrences", RARITY) : legend("length in tokens"),
    ),
    answer.n_maximal > answer.spans.length && make("p", "note", `The ${number(answer.n_maximal - answer.spans.length)} most probable of ${number(answer.n_maximal)} passages are left out.`),
    answer.n_given_up > 0 && make("p", "note", "Some searches took too long, so passages may be longer than shown."),
  ];
}

const lengthOf = ({ start, end }) => end - start;
const byLength = (spans) => [...spans].sort((a, b) => lengthOf(b) - lengthOf(a));

/** The level of a span: of its length, or of how rarely it occurs. */
const levelOf = (state, span) =>
  state.color === "rarity" ? 6 - COUNTS.filter((bound) => span.count > bound).length : level(lengthOf(span));

/** The chosen span: that of the address, or the longest. */
const chosenSpan = (state, spans) =>
  spans.find((span) => keyOf(span) === state.span) ?? byLength(spans)[0];

const keyOf = ({ start, end }) => `${start}-${end}`;
const linkTo = (state, span) => link(state, { span: keyOf(span) });

/** The text; each part of it has the color of the strongest span that covers it, and links to that span. */
function coloredText(state, { spans }) {
  const characters = Array.from(state.q);
  const known = spans.filter(({ text_start: start }) => start !== null);
  const chosen = chosenSpan(state, spans);
  const borders = [0, characters.length, ...known.flatMap((span) => [span.text_start, span.text_end])];
  const cuts = [...new Set(borders)].sort((a, b) => a - b);
  const seen = new Set();
  const shown = cuts.slice(1).map((end, n) => {
    const text = characters.slice(cuts[n], end).join("");
    const over = known.filter((span) => span.text_start <= cuts[n] && end <= span.text_end);
    if (over.length === 0) return text;
    const strongest = over.reduce((best, span) => (levelOf(state, span) > levelOf(state, best) ? span : best));
    const kind = `level${levelOf(state, strongest)}${over.includes(chosen) ? " chosen" : ""}`;
    if (text.trim() === "") return make("span", kind, text);
    const target = over.includes(chosen) ? chosen : strongest;
    const part = anchor(kind, linkTo(state, target), text);
    if (seen.has(target)) part.tabIndex = -1; // a span is one stop of the Tab key
    seen.add(target);
    return part;
  });
  return make("p", textClass("traced", state.q), make("bdi", "", ...shown));
}

/** All spans, the longest first. */
function spanList(state, { spans }) {
  if (spans.length === 0) return make("p", "note", "No passage of this length occurs. Choose a smaller minimum.");
  const chosen = chosenSpan(state, spans);
  const rows = byLength(spans).map((span) => {
    const name = anchor("", linkTo(state, span), make("bdi", "", span.text));
    if (span === chosen) name.ariaCurrent = "true";
    const count = `${span.is_exact ? "" : "≥ "}${number(span.count)}×`;
    return make("li", "", name, make("span", "times", plural(lengthOf(span), "token")), make("span", "times", count));
  });
  const properties = { className: "spans", open: isOpen, ontoggle: (event) => (isOpen = event.target.open) };
  return make("details", properties, make("summary", "", plural(spans.length, "passage")), make("ol", "", ...rows));
}

/** The documents of the chosen span. */
function places(state, { spans, documents }) {
  const span = chosenSpan(state, spans);
  if (!span) return [];
  const known = new Map(documents.map((document) => [document.document_id, document]));
  const count = `${plural(lengthOf(span), "token")}, ${span.is_exact ? "" : "at least "}${times(span.count)} in the corpus`;
  return [
    make("p", "quoted", make("bdi", "", span.text)),
    make("p", "note", `${count}. Documents shown: ${number(span.documents.length)}.`),
    make("div", "documents", ...span.documents.map((place) => {
      const range = [place.snippet_match_start, place.snippet_match_end];
      const find = Array.from(place.snippet).slice(...range).join(""); // the text as it is there, in its case
      const head = documentHead(state, known.get(place.document_id) ?? { ...place, metadata: {} }, { find });
      return make("article", "", head, make("p", textClass("snippet", place.snippet), marked(place.snippet, [range])));
    })),
  ];
}
