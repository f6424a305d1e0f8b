// Create elements from text, which is never interpreted as markup, and format numbers.

/** @param {string} id */
export const at = (id) => document.getElementById(id);

/** Create an element with a class or properties. Strings become text nodes; children without content are left out. */
export function make(name, properties, ...children) {
  const element = document.createElement(name);
  Object.assign(element, typeof properties === "string" ? properties && { className: properties } : properties);
  element.append(...children.filter(Boolean));
  return element;
}

/** Create a button that calls `onclick`. */
export const button = (className, onclick, ...children) => make("button", { className, onclick, type: "button" }, ...children);

/** Create a link to a state of the page. */
export const anchor = (className, href, ...children) => make("a", { className, href }, ...children);

/** Create a heading, with what is beside it. */
export const heading = (text, ...extra) => make("div", "heading", make("h2", "", text), ...extra);

export const section = (title, ...children) => make("section", "part", heading(title), ...children);

/** Create an element for answers. */
export const slot = (className = "") => make("div", { className, ariaBusy: "true" });

/** Replace the content of an element. The focus stays on what has the same text, or else the same place. */
export function replace(part, ...content) {
  const all = () => [...part.querySelectorAll("a, button, input, summary")];
  const { textContent: text } = document.activeElement;
  const place = all().indexOf(document.activeElement);
  part.replaceChildren(...content);
  if (place >= 0) (all().find((each) => text && each.textContent === text) ?? all()[place])?.focus({ preventScroll: true });
}

/** A checkbox with a label and, if it needs one, an explanation. */
export function checkbox(label, checked, change, title = "") {
  const input = make("input", { type: "checkbox", checked, onchange: () => change(input.checked) });
  return make("label", { className: "switch", title }, input, label);
}

/** A choice of one of a few values, as links: the text and the address of each, and whether it is the current one. */
export function choice(ariaLabel, choices) {
  const links = choices.map(([text, href, isChosen]) => make("a", { href, ariaCurrent: isChosen ? "true" : null }, text));
  return make("span", { className: "choice", role: "group", ariaLabel }, ...links);
}

/**
 * Show an answer in a part of the page once it arrives, unless a newer question was asked. The previous content stays,
 * dimmed, until then. The same refusal is shown in one part only.
 */
export async function fill(part, signal, promise, show) {
  part.ariaBusy = "true";
  let content;
  try {
    const answer = await promise;
    if (signal.aborted) return;
    content = show(answer);
  } catch (error) {
    if (signal.aborted) return;
    signal.refusals ??= new Set();
    content = signal.refusals.has(error.message) ? [] : refusal(error);
    signal.refusals.add(error.message);
  }
  if (signal.aborted) return;
  done(part, ...[content].flat().filter(Boolean));
}

/** Show content in a part that waits for no request. */
export function done(part, ...content) {
  replace(part, ...content);
  part.ariaBusy = null;
}

/** What went wrong and, where it may help, a button to try again. The page listens to both events. */
export function refusal(error) {
  if (error.wantsKey) document.dispatchEvent(new Event("key-wanted"));
  const again = button("quiet", () => document.dispatchEvent(new Event("ask-again")), "Try again");
  const text = error instanceof TypeError ? "The service sent an unexpected answer." : error.message;
  say(text);
  return make("p", "trouble", text, " ", error.mayPass && again);
}

export const number = (value) => value.toLocaleString("en-GB");

export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

export const times = (count) => (count === 1 ? "once" : count === 2 ? "twice" : `${number(count)} times`);

/** Format a probability as a percentage, with more digits for small values. */
export function percent(probability) {
  const value = 100 * probability;
  if (value >= 99.95 || value === 0) return `${Math.round(value)}%`;
  if (value >= 0.1) return `${value.toFixed(1)}%`;
  return value >= 0.001 ? `${value.toFixed(3)}%` : "< 0.001%";
}

/** A class for a text: that of code, if its lines are indented. */
export const textClass = (name, text) => (/\n[ \t]{2}/u.test(text) ? `${name} code` : name);

/** A sentence whose first word is a large figure. Screen readers announce it. */
export function headline(text) {
  const [figure, ...words] = text.split(" ");
  say(text);
  return make("p", "count", make("strong", "", figure), make("span", "", ` ${words.join(" ")}`));
}

const say = (text) => (at("said").textContent = text);

/** The time in the index and that of the request, and what else is beside a headline. */
export function tools({ elapsed_ms, roundtrip_ms }, ...others) {
  const digits = elapsed_ms < 1 ? 2 : elapsed_ms < 100 ? 1 : 0;
  const time = `${elapsed_ms.toFixed(digits)} ms in the index, ${Math.max(1, Math.round(roundtrip_ms))} ms round trip`;
  return make("div", "tools", make("p", "note time", time), ...others);
}

const SIGNS = { " ": "·", "\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽" };
const INVISIBLE = /([\s\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff])/u;

/** Show a text with visible white space and control characters. */
export const visible = (text) =>
  text.split(INVISIBLE).map((part, n) => (n % 2 === 1 ? make("span", "sign", signOf(part)) : part));

/** Show a token: its text, or null for the end of a document and for an id without text. */
export function tokenText(token, id) {
  if (!token) return make("bdi", "token word", id === -1 ? "end of document" : `#${id}`);
  return make("bdi", "token", ...visible(token));
}

const signOf = (character) =>
  SIGNS[character] ?? `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

/** Show a text with marked ranges, given in Unicode code points, as in the API. */
export function marked(text, ranges) {
  const characters = Array.from(text);
  const shown = make("bdi", "");
  let done = 0;
  for (const [from, end] of [...ranges].sort(([a], [b]) => a - b)) {
    let start = Math.max(from, done);
    while (start < end - 1 && /\s/u.test(characters[start])) start += 1; // a token's leading space looks better unmarked
    if (start >= Math.min(end, characters.length)) continue;
    shown.append(characters.slice(done, start).join(""), make("mark", "", characters.slice(start, end).join("")));
    done = end;
  }
  shown.append(characters.slice(done).join(""));
  return shown;
}
