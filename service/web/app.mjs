// The page: the box, the views, and the state in the address.

import { description, indexes } from "./api.mjs";
import { at, checkbox, make, plural, refusal } from "./dom.mjs";
import * as explore from "./explore.mjs";
import { askForKey, hasKey, offerToForget } from "./key.mjs";
import { FRESH, link, read } from "./state.mjs";

const PAUSE_MS = 120;
const VIEWS = {
  explore: async () => explore,
  trace: () => import("./trace.mjs"), // loaded while the first view is shown
  compare: () => import("./compare.mjs"),
  document: () => import("./document.mjs"),
};
const TABS = { explore: "Explore", trace: "Trace", compare: "Compare" };
const canHover = matchMedia("(hover: hover)").matches; // a touch screen would open its keyboard with each focus

let known = [];
let limits = {};
let state = read(location.hash);
let shown = {};
let waiting = 0;
let running = new AbortController();

/** Show the state. Answers to earlier states are dropped. */
async function update() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const name = VIEWS[state.view] ? state.view : "explore";
  const index = known.find((each) => each.name === state.index) ?? known[0];
  trouble(state.index && index.name !== state.index && new Error(`No index has the name ${state.index}; this is ${index.name}.`));
  const { view } = await VIEWS[name]();
  if (signal.aborted) return;
  showFrame(name, view, index);
  if (shown.name !== name) {
    shown = { name, isLong: view.isLong, ...view.create() };
    at("view").replaceChildren(...shown.elements);
  }
  await shown.update({ state, index, known, limits, signal, go });
  if (!signal.aborted) at("view").dataset.shown = location.hash; // for tests
}

/** Change the state. A choice makes a new entry of the history; typing does not. */
function go(changes, isNew) {
  state = { ...state, ...changes };
  const address = link(state);
  if (address !== location.hash) history[isNew ? "pushState" : "replaceState"](null, "", address);
  return update();
}

/** Show what stands around the view. */
function showFrame(name, { prompt = "", placeholder = "", hint = "", isLong }, index) {
  const box = at("query");
  at("ask").hidden = prompt === "";
  at("prompt").textContent = prompt;
  at("hint").firstChild.replaceWith(`${hint} `);
  box.placeholder = index.tokenizer ? placeholder : "Token ids, such as 3 14 15";
  box.rows = isLong ? 3 : 1;
  if (box.value !== state.q) box.value = state.q;
  fit();
  showSwitches(name, index);
  const fresh = { ...FRESH, doc: "", at: "", find: "" };
  at("views").replaceChildren(...Object.entries(TABS).map(([view, label]) =>
    make("a", { href: link(state, { ...fresh, view }), ariaCurrent: view === name ? "page" : null }, label)));
  at("index").value = index.name;
  at("picker").hidden = known.length < 2 || name === "compare";
  const sizes = [plural(index.n_tokens, "token"), plural(index.n_documents, "document"), plural(index.vocab_size, "token id")];
  at("about").textContent = [index.name, ...sizes].join(" · ");
  const title = name === "document" ? `Document ${state.doc}` : state.q.trim().slice(0, 60);
  document.title = title ? `${title} · infgram` : "infgram";
}

/** Show the switches of the box: for case, and for the borders of tokens. */
function showSwitches(name, index) {
  const part = at("switches");
  const focused = [...part.children].findIndex((label) => label.contains(document.activeElement));
  const toggle = (label, title, field, [off, on]) =>
    checkbox(label, state[field] === on, (isOn) => go({ ...FRESH, [field]: isOn ? on : off }, true), title);
  const ofCase = toggle("Ignore case", "Also find the text in other case", "case", ["exact", "any"]);
  const ofTokens = toggle("Token borders", "Find the text only as the tokens that its tokenizer makes of it", "match", ["string", "tokens"]);
  ofTokens.firstChild.disabled = state.case === "any"; // other case has other tokens
  const able = !index.tokenizer || name === "document" ? [] : name === "trace" ? [ofCase] : [ofCase, ofTokens];
  part.replaceChildren(...able);
  part.children[focused]?.firstChild.focus();
}

/** Make the box as high as its text. */
function fit() {
  const box = at("query");
  at("clear").hidden = box.value === "";
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`; // scrollHeight excludes the borders
}

function trouble(error) {
  at("trouble").replaceChildren(...(error ? [refusal(error)] : []));
}

/** Show the answers to the text in the box. */
function typed(isNew) {
  clearTimeout(waiting);
  return go({ ...FRESH, q: at("query").value }, isNew);
}

function clear() {
  at("query").value = "";
  typed(true);
  at("query").focus();
}

function listen() {
  const box = at("query");
  box.addEventListener("input", () => {
    fit();
    clearTimeout(waiting);
    waiting = setTimeout(typed, PAUSE_MS, false);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !shown.isLong) {
      event.preventDefault();
      typed(true);
    } else if (event.key === "Escape") {
      clear();
    }
  });
  at("clear").addEventListener("click", clear);
  at("index").addEventListener("change", (event) => go({ ...FRESH, where: "", index: event.target.value }, true));
  document.addEventListener("keydown", (event) => {
    const isElsewhere = !document.activeElement.matches("input:not([type=checkbox]), textarea, select");
    if (event.key === "/" && isElsewhere && !event.ctrlKey && !event.metaKey && !at("ask").hidden) {
      event.preventDefault();
      box.focus();
    }
  });
  document.addEventListener("ask-again", update);
  document.addEventListener("key-wanted", () => {
    running.abort();
    askForKey(update);
  });
  window.addEventListener("hashchange", () => {
    clearTimeout(waiting);
    const before = state;
    state = read(location.hash);
    if (state.view !== before.view) scrollTo(0, 0);
    update();
    if (state.q !== before.q && canHover) box.focus({ preventScroll: true });
  });
  at("openapi").addEventListener("click", async (event) => {
    if (!hasKey()) return;
    event.preventDefault(); // a link would not send the key
    const { roundtrip_ms: _, ...openapi } = await description();
    location.assign(URL.createObjectURL(new Blob([JSON.stringify(openapi, null, 2)], { type: "application/json" })));
  });
}

async function start() {
  try {
    ({ indexes: known, limits } = await indexes());
  } catch (error) {
    if (error.wantsKey) askForKey(start);
    else trouble(error);
    return;
  }
  offerToForget();
  document.removeEventListener("ask-again", start);
  if (known.length === 0) return trouble(new Error("This service has no indexes."));
  at("index").replaceChildren(...known.map(({ name }) => make("option", { value: name }, name)));
  listen();
  if (canHover) at("query").focus();
  await update();
  for (const load of Object.values(VIEWS)) load();
}

document.addEventListener("ask-again", start);
start();
