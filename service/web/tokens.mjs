// The tokens of a text, with ids and ∞-gram scores, and the tokens that come next.

import { copyMenu } from "./copy.mjs";
import { anchor, checkbox, make, number, percent, plural, times, tokenText } from "./dom.mjs";
import { FRESH, link } from "./state.mjs";

const MOST_TOKENS = 400;
const LEVELS = [1, 2, 4, 8, 16];
let showsIds = false;

/** A level from 1 to 6 for a length, on a scale of powers of two. */
export const level = (length) => LEVELS.filter((bound) => length > bound).length + 1;

/** Explain the colors of the levels. */
export function legend(label, names = ["1", "2", "3–4", "5–8", "9–16", "17+"]) {
  return make("p", "legend", label, ...names.map((name, place) => make("span", `level${place + 1}`, name)));
}

/**
 * Show the tokens of answers of `infgram` and `score` in a row. The color of each is the n of its ∞-gram; the tokens of the
 * matching suffix are underlined.
 */
export function tokenStrip(answer, scores) {
  const { token_ids: ids, tokens, suffix_length: used } = answer;
  const summary = suffixSentence(answer);
  const first = Math.max(0, ids.length - MOST_TOKENS);
  const readout = make("p", { className: "note readout", ariaLive: "polite" }, summary);
  const buttons = ids.slice(first).map((id, n) => {
    const place = first + n;
    const kinds = [place >= ids.length - used && "used", scores.log_probs[place] === null && "never"].filter(Boolean);
    const kind = ["tok", `level${level(scores.suffix_lengths[place] + 1)}`, ...kinds].join(" ");
    const tell = () => readout.replaceChildren(...sentence(answer, scores, place));
    const properties = { className: kind, type: "button", tabIndex: n === 0 ? 0 : -1, onmouseenter: tell, onfocus: tell };
    return make("button", properties, tokenText(tokens?.[place], id), make("span", "id", ` ${id}`));
  });
  const list = make("ol", showsIds ? "chips ids" : "chips", ...buttons.map((chip) => make("li", "", chip)));
  if (first > 0) list.prepend(make("li", "note", `… ${plural(first, "token")} before`));
  list.onmouseleave = () => readout.replaceChildren(summary);
  list.onkeydown = (event) => move(event, buttons);
  const toggle = checkbox("Show token ids", showsIds, (isOn) => {
    showsIds = list.classList.toggle("ids", isOn);
  });
  return [list, readout, make("div", "under", make("div", "options", legend("n of the ∞-gram"), make("span", "never", "never follows"), copyMenu(scores)), toggle)];
}

/** Move the focus by the arrow keys, so that Tab passes the whole row. */
function move(event, buttons) {
  const place = buttons.indexOf(document.activeElement);
  const next = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (place < 0 || next === undefined || !buttons[next]) return;
  event.preventDefault();
  buttons[place].tabIndex = -1;
  buttons[next].tabIndex = 0;
  buttons[next].focus();
}

/** What is known of one token. */
function sentence({ token_ids: ids, tokens }, scores, place) {
  const used = scores.suffix_lengths[place];
  const log_prob = scores.log_probs[place];
  const probability = log_prob === null ? "never follows" : `log-prob ${log_prob.toFixed(2)} nats (${percent(Math.exp(log_prob))})`;
  const of = used === 0 ? "tokens and document ends" : `occurrences of the ${used === 1 ? "token" : `${used} tokens`} before it`;
  const counts = `${number(scores.continuation_counts[place])} of ${number(scores.context_counts[place])} ${of}`;
  return [tokenText(tokens?.[place], ids[place]), ` id ${ids[place]}, n = ${used + 1}, ${probability}: ${counts}`];
}

/** A sentence about the suffix that the ∞-gram uses. */
export function suffixSentence({ token_ids: ids, suffix_length: used, context_count: count, n_distinct, is_sparse }) {
  if (ids.length === 0) return "Counted over the whole corpus.";
  if (used === 0) return "∞-gram of these tokens: the last one never occurs, so the counts of single tokens are used.";
  const what = used < ids.length
    ? used === 1 ? "the last token" : `the last ${used} of ${ids.length} tokens`
    : used === 1 ? "the token" : `all ${used} tokens`;
  const verb = used === 1 ? "occurs" : "occur";
  const after = is_sparse ? "always followed by the same token (sparse)" : `followed by ${number(n_distinct)} different tokens`;
  return `∞-gram of these tokens: ${what} ${verb} ${times(count)}, ${after}; n\u00a0=\u00a0${used + 1}.`;
}

/** Show the next tokens of an answer of `infgram` or `next-token` as bars. A click on one adds it to the text. */
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
