// The key of a service that asks for one. It is kept for this tab alone, until it is closed: nothing else is told of it
// but the service, in a header.

import { at } from "./dom.mjs";

const NAME = "infgram-key";
let known = stored();

/** The header that shows the key; none without one. */
export const authorization = () => (known ? { Authorization: `Bearer ${known}` } : {});

/** Whether a key has been given. */
export const hasKey = () => known !== "";

/**
 * Ask for a key, in the place of the answer.
 * @param {() => void} proceed called once there is one
 */
export function askForKey(proceed) {
  const form = at("key-form");
  at("key-note").textContent = known
    ? "The service does not accept this key. It may be mistyped, or have been withdrawn."
    : "This service answers requests that come with a key.";
  at("key-note").className = known ? "note wrong" : "note";
  at("key").setAttribute("aria-invalid", String(known !== ""));
  keep("");
  form.onsubmit = (event) => {
    event.preventDefault();
    const given = at("key").value.trim();
    at("key").value = "";
    if (given === "") return;
    keep(given);
    show(false);
    offerToForget();
    proceed();
  };
  show(true);
  at("key").focus();
}

/** Let the key be forgotten, and the page with all that it shows. */
export function offerToForget() {
  at("forget").hidden = known === "";
  at("forget").onclick = () => {
    keep("");
    location.reload();
  };
}

function show(isAsked) {
  at("key-form").hidden = !isAsked;
  at("ask").hidden = isAsked;
  if (!isAsked) return;
  for (const id of ["answer", "trouble", "forget"]) at(id).hidden = true;
}

function keep(key) {
  known = /^[\x21-\x7e]*$/u.test(key) ? key : encodeURIComponent(key); // a header holds no other characters
  try {
    if (key) sessionStorage.setItem(NAME, known);
    else sessionStorage.removeItem(NAME);
  } catch {
    // Storage is switched off: the key lasts as long as the page.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}
