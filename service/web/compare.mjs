// The third view: how often phrases occur in several indexes, and how what follows them differs.

import { ask } from "./api.mjs";
import { anchor, checkbox, done, fill, make, number, percent, section, slot, tokenText } from "./dom.mjs";
import { findExamples, wordList } from "./examples.mjs";
import { link, matching } from "./state.mjs";

const MOST_LINES = 20;
const MOST_INDEXES = 6;

export const view = {
  prompt: "How frequent are phrases, and where do corpora differ?",
  placeholder: "A phrase a line",
  hint: `Up to ${MOST_LINES} phrases, a line each.`,
  isLong: true,
  create() {
    const [indexes, table, rows] = [make("div", "options"), slot(), slot()];
    const next = section("What comes next", rows);
    const parts = { indexes, table, rows, next };
    const elements = [indexes, section("Occurrences per million tokens", table), next];
    return { elements, update: (context) => update(parts, context) };
  },
};

/** The indexes to compare: those of the state, or the chosen one and the first others. */
function chosenIndexes(state, index, known) {
  const able = [...new Set([index, ...known])].filter(({ tokenizer }) => tokenizer);
  const chosen = able.filter(({ name }) => state.with.split(",").includes(name));
  return (chosen.length > 0 ? chosen : able).slice(0, MOST_INDEXES);
}

function update(parts, { state, index, known, signal, go, limits }) {
  const indexes = chosenIndexes(state, index, known);
  const lines = [...new Set(state.q.split("\n").filter(Boolean))].slice(0, MOST_LINES);
  showIndexes(parts.indexes, known, indexes.map(({ name }) => name), go);
  parts.next.hidden = lines.length === 0 || indexes.length === 0;
  if (indexes.length === 0) return done(parts.table, make("p", "note", "No index has a tokenizer."));
  if (lines.length === 0) {
    done(parts.rows);
    const frequent = ask(indexes[0].name, "infgram", { query: "", top_k: 5 }, signal);
    return fill(parts.table, signal, findExamples(indexes[0], frequent, signal), (found) => wordList(state, found));
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
  const focused = [...part.children].findIndex((box) => box.contains(document.activeElement));
  const boxes = known.filter(({ tokenizer }) => tokenizer).map(({ name }) =>
    checkbox(name, names.includes(name), (isOn) =>
      go({ with: (isOn ? [...names, name] : names.filter((each) => each !== name)).join() }, true)));
  const note = known.length < 2 ? "Serve several indexes to compare corpora." : names.length === MOST_INDEXES && `At most ${MOST_INDEXES} at once.`;
  part.replaceChildren(...boxes, make("span", "note", note));
  part.children[focused]?.querySelector("input").focus();
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
    const name = anchor("", link(state, { line: String(row) }), make("bdi", "", line));
    if (line === chosen) name.ariaCurrent = "true";
    const dots = rates[row].map((rate, n) => {
      const dot = make("span", `dot dot${n + 1}`);
      dot.style.left = `${(100 * (Math.log10(rate) - low)) / (high - low)}%`;
      return rate > 0 && dot;
    });
    const track = make("td", { className: "track", ariaHidden: "true" }, make("div", "", ...dots));
    const figures = answers.map(({ results }, n) => figure(rates[row][n], counts[row][n], results[row]));
    return [rowHead(name), track, ...figures];
  });
  return table("Occurrences per million tokens", head, rows);
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

function figure(rate, count, { problem, detail }) {
  if (count === undefined) return make("td", "figure note", problem?.detail ?? detail ?? "refused");
  const digits = rate === 0 || rate >= 100 ? 0 : rate >= 1 ? 1 : 3;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const text = rate > 0 && rate < 0.001 ? "< 0.001" : rate.toLocaleString("en-GB", options);
  return make("td", "figure", text, make("span", "times", number(count)));
}

/** What follows a phrase in each index, side by side. */
function differences(indexes, line, answers) {
  const shares = answers.map(({ rows, context_count: n }) => new Map(rows.map((row) => [keyOf(row), row.count / n])));
  const tokens = new Map(answers.flatMap(({ rows }) => rows.map((row) => [keyOf(row), row])));
  const largest = (key) => Math.max(...shares.map((share) => share.get(key) ?? 0));
  const keys = [...tokens.keys()].sort((a, b) => largest(b) - largest(a)).slice(0, 12);
  const isPair = answers.length === 2;
  const head = [columnHead("Token"), ...indexes.map(({ name }, n) => columnHead(name, n)), isPair && columnHead("Difference")];
  const rows = keys.map((key) => {
    const cells = shares.map((share) => {
      const bar = make("td", "bar figure", share.size > 0 ? percent(share.get(key) ?? 0) : "–");
      bar.style.setProperty("--share", `${(100 * (share.get(key) ?? 0)) / largest(keys[0])}%`);
      return bar;
    });
    const gap = isPair && 100 * ((shares[0].get(key) ?? 0) - (shares[1].get(key) ?? 0));
    const token = tokens.get(key);
    const difference = isPair && make("td", "", `${gap < 0 ? "−" : "+"}${Math.abs(gap).toFixed(1)}`);
    return [rowHead(tokenText(token.token, token.token_id)), ...cells, difference];
  });
  const where = indexes.map(({ name }, n) => `${name} ${number(answers[n].context_count)}`).join(", ");
  const note = make("p", "note", "After ", make("bdi", "quoted", line), `, counted at token boundaries: ${where}.`);
  return [note, keys.length > 0 ? table("Shares of the next tokens", head, rows) : make("p", "note", "The phrase occurs in none of these indexes.")];
}

/** Indexes may have different tokenizers, so tokens are compared by their texts. */
const keyOf = ({ token, token_id: id }) => token ?? `#${id}`;
