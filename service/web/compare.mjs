// The third view: how often phrases occur in several indexes, and how what follows them differs.

import { ask } from "./api.mjs";
import { copyMenu } from "./copy.mjs";
import { anchor, checkbox, done, fill, make, number, percent, replace, section, slot, tokenText, visible } from "./dom.mjs";
import { findExamples, wordList } from "./examples.mjs";
import { link, matching } from "./state.mjs";

const MOST_LINES = 20;
const MOST_INDEXES = 4;

export const view = {
  prompt: "How frequent are phrases, and where do corpora differ?",
  placeholder: "One phrase per line",
  hint: `Up to ${MOST_LINES} phrases, one per line.`,
  isLong: true,
  create() {
    const [indexes, table, rows] = [make("div", "options"), slot(), slot()];
    const next = section("Next tokens", rows);
    const parts = { indexes, table, rows, next };
    const elements = [indexes, section("Occurrences per million tokens, and in total", table), next];
    return { elements, update: (context) => update(parts, context) };
  },
};

/** The indexes to compare: those of the state, or the current one and the first others. */
function chosenIndexes(state, index, known) {
  const able = known.filter(({ tokenizer }) => tokenizer);
  if (state.with) return able.filter(({ name }) => state.with.split(",").includes(name)).slice(0, MOST_INDEXES);
  return able.filter((each, n) => each === index || n < MOST_INDEXES - 1);
}

function update(parts, { state, index, known, signal, go, limits }) {
  const indexes = chosenIndexes(state, index, known);
  const lines = [...new Set(state.q.split("\n").filter(Boolean))].slice(0, MOST_LINES);
  showIndexes(parts.indexes, known, indexes.map(({ name }) => name), go);
  parts.next.hidden = lines.length === 0 || indexes.length === 0;
  if (parts.next.hidden) done(parts.rows);
  if (indexes.length === 0) return done(parts.table, make("p", "note", "Choose an index that has a tokenizer."));
  if (lines.length === 0) {
    return fill(parts.table, signal, findExamples(indexes[0], limits, signal), (found) => wordList(state, found));
  }
  const line = lines[Number(state.line)] ?? lines[0];
  const all = (question, body) => Promise.all(indexes.map(({ name }) => ask(name, question, body, signal)));
  const counts = all("count/batch", { items: lines.map((query) => ({ query, ...matching(state) })) });
  const next = all("next-token", { query: line, ...matching(state), top_k: Math.min(200, limits.top_k) });
  return Promise.all([
    fill(parts.table, signal, counts, (answers) => frequencies(state, indexes, lines, line, answers)),
    fill(parts.rows, signal, next, (answers) => differences(indexes, line, answers)),
  ]);
}

function showIndexes(part, known, names, go) {
  const boxes = known.filter(({ tokenizer }) => tokenizer).map(({ name }) =>
    checkbox(name, names.includes(name), (isOn) =>
      go({ with: (isOn ? [...names, name] : names.filter((each) => each !== name)).join() || "," }, true)));
  const note = known.length < 2 ? "Serve several indexes to compare corpora." : names.length === MOST_INDEXES && `At most ${MOST_INDEXES} at once.`;
  replace(part, ...boxes, make("span", "note", note));
}

/** A table of the phrases with a plot of their relative frequencies on a logarithmic scale. */
function frequencies(state, indexes, lines, chosen, answers) {
  const counts = lines.map((_, row) => answers.map(({ results }) => results[row].count));
  const rates = counts.map((row) => row.map((count, n) => (1e6 * count) / Math.max(indexes[n].n_tokens, 1)));
  const logs = rates.flat().filter((rate) => rate > 0).map(Math.log10);
  const low = Math.floor(Math.min(...logs, 0));
  const high = Math.max(Math.ceil(Math.max(...logs, low)), low + 1);
  const axis = make("th", "axis", tick(low), tick(high));
  const head = [columnHead("Phrase"), axis, ...indexes.map(({ name }, n) => columnHead(name, n))];
  const rows = lines.map((line, row) => {
    const name = anchor("", link(state, { line: String(row) }), make("bdi", "", ...visible(line)));
    if (line === chosen) name.ariaCurrent = "true";
    const dots = rates[row].map((rate, n) => {
      const dot = make("span", `dot dot${n + 1}`);
      dot.style.left = `${(100 * (Math.log10(rate) - low)) / (high - low)}%`;
      return rate > 0 && dot;
    });
    const track = make("td", "track", make("div", { ariaHidden: "true" }, ...dots));
    const figures = answers.map(({ results }, n) => figure(rates[row][n], counts[row][n], results[row]));
    return [rowHead(name), track, ...figures];
  });
  const isMixed = new Set(indexes.map(({ tokenizer }) => tokenizer.fingerprint)).size > 1;
  const note = isMixed && make("p", "note", "These indexes have different tokenizers, so a million tokens is not the same amount of text.");
  return [make("div", "heading", note || make("p", ""), copyMenu(...answers)), table("Occurrences per million tokens", head, rows)];
}

const tick = (power) => make("span", "", (10 ** power).toLocaleString("en-GB", { maximumFractionDigits: 6 }));

const rowHead = (content) => make("th", { scope: "row" }, content);

/** The heading of a column, with the sign of an index. */
const columnHead = (text, n = -1) =>
  make("th", { scope: "col", className: n < 0 ? "" : "figure" }, n >= 0 && make("span", `dot dot${n + 1}`), text);

/** A table that scrolls on its own where it is too wide. */
function table(ariaLabel, head, rows) {
  const [first, ...others] = [head, ...rows].map((cells) => make("tr", "", ...cells));
  const content = make("table", "", make("thead", "", first), make("tbody", "", ...others));
  return make("div", { className: "wide", tabIndex: 0, role: "region", ariaLabel }, content);
}

function figure(rate, count, { detail }) {
  if (count === undefined) return make("td", "figure note", detail);
  const digits = rate === 0 || rate >= 100 ? 0 : rate >= 1 ? 1 : 3;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const text = rate > 0 && rate < 0.001 ? "< 0.001" : rate.toLocaleString("en-GB", options);
  return make("td", "figure", `${text} `, make("span", "times", number(count)));
}

/** What follows a phrase in each index, side by side. */
function differences(indexes, line, answers) {
  const all = answers.flatMap(({ rows }) => rows);
  const tokens = new Map(all.map((row) => [keyOf(row), row]));
  const total = (key) => all.reduce((sum, row) => sum + (keyOf(row) === key ? row.count : 0), 0);
  const keys = [...tokens.keys()].map((key) => [total(key), key]).sort(([a], [b]) => b - a).slice(0, 12).map(([, key]) => key);
  const shares = keys.map((key) => answers.map((answer) => shareOf(answer, key)));
  const largest = Math.max(...shares.flat().map((share) => share ?? 0));
  const isPair = answers.length === 2;
  const head = [columnHead("Token"), ...indexes.map(({ name }, n) => columnHead(name, n)), isPair && columnHead("Difference (points)")];
  const rows = keys.map((key, row) => {
    const cells = shares[row].map((share) => {
      const bar = make("td", "bar figure", share === undefined ? "–" : percent(share));
      bar.style.setProperty("--share", `${(100 * (share ?? 0)) / largest}%`);
      return bar;
    });
    const gap = 100 * (shares[row][0] - shares[row][1]);
    const token = tokens.get(key);
    const difference = isPair && make("td", "", Number.isNaN(gap) ? "–" : `${gap < 0 ? "−" : "+"}${Math.abs(gap).toFixed(1)}`);
    return [rowHead(tokenText(token.token, token.token_id)), ...cells, difference];
  });
  const where = indexes.map(({ name }, n) => `${name} ${number(answers[n].context_count)}`).join(", ");
  const note = make("p", "note", "After ", make("bdi", "quoted", ...visible(line)), `, counted at token boundaries: ${where}.`);
  return [make("div", "heading", note, copyMenu(...answers)), keys.length > 0 ? table("Shares of the next tokens", head, rows) : make("p", "note", "No token follows the phrase in these indexes.")];
}

/** The share of a token; undefined if it is unknown: the phrase does not occur, or the rows do not include the token. */
function shareOf({ rows, n_distinct, context_count: n }, key) {
  const row = rows.find((each) => keyOf(each) === key);
  return row ? row.count / n : n > 0 && n_distinct === rows.length ? 0 : undefined;
}

/** Indexes may have different tokenizers, so tokens are compared by their texts. */
const keyOf = ({ token, token_id: id }) => token ?? `#${id}`;
