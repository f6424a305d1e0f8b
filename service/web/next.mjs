// The next tokens as bars. A click on one adds it to the text.

import { anchor, make, number, percent, plural, tokenText } from "./dom.mjs";
import { FRESH, link } from "./state.mjs";

/** Show the next tokens of an answer of `infgram` or `next-token`. */
export function nextTokens(state, { rows, context_count: count, n_distinct, is_sparse }) {
  const largest = rows[0]?.count ?? 1;
  const shown = rows.reduce((sum, row) => sum + row.count, 0);
  const hidden = n_distinct - rows.length;
  const rest = hidden > 0
    ? `and ${number(hidden)} more, ${percent((count - shown) / count)} in total`
    : is_sparse ? "No other token ever follows." : "";
  return [make("ol", "next", ...rows.map((row) => nextRow(state, row, count, largest))), make("p", "note rest", rest)];
}

function nextRow(state, row, count, largest) {
  const share = percent(row.count / count);
  const parts = [tokenText(row.token, row.token_id), make("span", "share", share), make("span", "times", number(row.count))];
  // Part of a character cannot be appended; neither can the end of a document.
  const canAppend = row.token && !/\\x[0-9a-f]{2}/u.test(row.token);
  const bar = canAppend
    ? anchor("bar", link(state, { ...FRESH, q: state.q + row.token }), ...parts)
    : make("div", "bar", ...parts);
  if (canAppend) bar.ariaLabel = `Add “${row.token}”: ${share}, ${plural(row.count, "time")}`;
  bar.style.setProperty("--share", `${(100 * row.count) / largest}%`);
  return make("li", "", bar);
}
