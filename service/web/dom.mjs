// Create elements from text, which is never interpreted as markup.

/** @param {string} id */
export const at = (id) => document.getElementById(id);

/**
 * Create an element with a class and children. Strings become text nodes.
 * @param {string} name
 * @param {string} kind
 * @param {...(Node|string)} children
 */
export function make(name, kind, ...children) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  element.append(...children);
  return element;
}

/** Create a button that calls `action`. */
export function button(kind, action, ...children) {
  const element = make("button", kind, ...children);
  element.type = "button";
  element.addEventListener("click", action);
  return element;
}

export const number = (value) => value.toLocaleString("en-GB");

export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Format a probability as a percentage, with more digits for small values. */
export function percent(probability) {
  const value = 100 * probability;
  if (value >= 99.95 || value === 0) return `${Math.round(value)}%`;
  if (value >= 0.1) return `${value.toFixed(1)}%`;
  return value >= 0.001 ? `${value.toFixed(3)}%` : "< 0.001%";
}

/** Format a number of bytes in the unit that gives the shortest number. */
export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1000 ** step;
  return `${step > 0 && value < 10 ? value.toFixed(1) : number(Math.round(value))} ${units[step]}`;
}

const SIGNS = { " ": "·", "\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽" };
const INVISIBLE = "\\s\\u0000-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff";
const SPLIT = new RegExp(`([${INVISIBLE}])`, "u");
const IS_INVISIBLE = new RegExp(`^[${INVISIBLE}]$`, "u");

/**
 * Show a token with visible white space and control characters.
 * @param {string|null} token null for the end of a document, or for an id without text
 * @param {number} id
 */
export function tokenText(token, id) {
  if (!token) return make("bdi", "token word", id === -1 ? "end of document" : `#${id}`);
  const parts = token.split(SPLIT).filter(Boolean);
  return make("bdi", "token", ...parts.map((part) => (IS_INVISIBLE.test(part) ? make("span", "sign", signOf(part)) : part)));
}

const signOf = (character) =>
  SIGNS[character] ?? `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

/**
 * Show a text with one marked range, given in Unicode code points, as in the API.
 * @param {string} text
 */
export function marked(text, start, end) {
  const characters = Array.from(text);
  let begin = start;
  while (begin < end - 1 && /\s/u.test(characters[begin])) begin += 1; // a token's leading space looks better unmarked
  return make(
    "bdi",
    "",
    characters.slice(0, begin).join(""),
    make("mark", "", characters.slice(begin, end).join("")),
    characters.slice(end).join(""),
  );
}
