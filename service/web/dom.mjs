// Elements made from text alone: whatever a corpus holds, it is shown and never interpreted.

/** @param {string} id */
export const at = (id) => document.getElementById(id);

/**
 * An element with a class and children; strings become text.
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

/** A button that does something. */
export function button(kind, action, ...children) {
  const element = make("button", kind, ...children);
  element.type = "button";
  element.addEventListener("click", action);
  return element;
}

export const number = (value) => value.toLocaleString("en-GB");

export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

/** A probability as a percentage with as many digits as say something. */
export function percent(probability) {
  const value = 100 * probability;
  if (value >= 99.95 || value === 0) return `${Math.round(value)} %`;
  if (value >= 0.1) return `${value.toFixed(1)} %`;
  return value >= 0.001 ? `${value.toFixed(3)} %` : "< 0.001 %";
}

const SIGNS = { " ": "·", "\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽" };

/**
 * A token with its white space and control characters made visible.
 * @param {string|null} token null is a token id without text
 * @param {number} id
 */
export function tokenText(token, id) {
  const shown = make("bdi", "token");
  if (token === null || token === "") {
    shown.append(make("span", "sign", id === -1 ? "end of document" : `#${id}`));
    return shown;
  }
  for (const part of token.split(/([\s\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff])/u)) {
    const isSign = /^[\s\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]$/u.test(part);
    if (isSign) shown.append(make("span", "sign", SIGNS[part] ?? `U+${part.codePointAt(0).toString(16).padStart(4, "0")}`));
    else if (part) shown.append(part);
  }
  return shown;
}

/**
 * Text with one stretch marked; places are counted in Unicode characters, as the service counts them.
 * @param {string} text
 */
export function marked(text, start, end) {
  const characters = Array.from(text);
  const shown = make("bdi", "");
  shown.append(
    characters.slice(0, start).join(""),
    make("mark", "", characters.slice(start, end).join("")),
    characters.slice(end).join(""),
  );
  return shown;
}
