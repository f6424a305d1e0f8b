// The API key of a service that requires one. It is stored until this tab is closed, and is sent only to the service,
// in a header.

import { at } from "./dom.mjs";

const NAME = "infgram-key";
let known = stored();

export const authorization = () => (known ? { Authorization: `Bearer ${known}` } : {});

export const hasKey = () => known !== "";

/** Show the form for a key in place of the results, and call `proceed` when one has been entered. */
export function askForKey(proceed) {
  const form = at("key-form");
  at("key-note").textContent = known
    ? "The service does not accept this key. It may be mistyped or withdrawn."
    : "This service answers only requests with a key.";
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

/** Show the button that removes the key and reloads the page. */
export function offerToForget() {
  at("forget").hidden = known === "";
  at("openapi").hidden = known !== ""; // a link would not send the key
  at("forget").onclick = () => {
    keep("");
    location.reload();
  };
}

function show(isAsked) {
  at("key-form").hidden = !isAsked;
  at("ask").hidden = at("view").hidden = isAsked;
  at("trouble").replaceChildren();
  if (isAsked) at("forget").hidden = true;
}

function keep(key) {
  known = /^[\x21-\x7e]*$/u.test(key) ? key : encodeURIComponent(key); // a header must not contain other characters
  try {
    if (key) sessionStorage.setItem(NAME, known);
    else sessionStorage.removeItem(NAME);
  } catch {
    // Storage is disabled: the key is kept until the page is closed.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}
