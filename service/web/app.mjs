// The page: the box, the views, and the state in the address.

import { indexes, Refusal } from "./api.mjs";
import { at, checkbox, make, number, plural, refusal, replace } from "./dom.mjs";
import * as explore from "./explore.mjs";
import { askForKey, offerToForget } from "./key.mjs";
import { FRESH, link, read } from "./state.mjs";

const PAUSE_MS = 120;
const VIEWS = {
  __proto__: null, // so that an address cannot name what all objects inherit
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
let listed = 0; // when the indexes were last asked for
let asked = 0; // when the text in the box was last asked about
let isEntered = true; // whether the next text makes a new entry of the history
let running = new AbortController();

/** Show the state. Answers to earlier states are dropped. */
async function update() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const name = VIEWS[state.view] ? state.view : "explore";
  const index = known.find((each) => each.name === state.index) ?? known[0];
  trouble(state.index && index.name !== state.index && new Error(`No index has the name ${state.index}; this is ${index.name}.`));
  const { view } = await VIEWS[name]().catch(() => ({}));
  if (signal.aborted) return;
  if (!view) return trouble(new Refusal({ detail: "The service cannot be reached. Is it running?" }));
  showFrame(name, view, index);
  if (shown.name !== name) {
    shown = { name, isLong: view.isLong, ...view.create() };
    at("view").replaceChildren(...shown.elements);
  }
  await shown.update({ state, index, known, limits, signal, go });
  if (signal.aborted) return;
  at("view").dataset.shown = location.hash; // for tests
  refresh();
}

/** Notice replaced indexes: ask for their sizes again, at most every 10 seconds. */
async function refresh() {
  if (performance.now() < listed + 10_000) return;
  listed = performance.now();
  const { indexes: found } = await indexes().catch(() => ({}));
  if (!found?.length || JSON.stringify(found) === JSON.stringify(known)) return;
  known = found;
  update();
}

/** Change the state. A choice makes a new entry of the history; typing does not. */
function go(changes, isNew) {
  clearTimeout(waiting);
  state = { ...state, q: at("query").value, ...changes };
  const address = link(state);
  if (address !== location.hash) history[isNew ? "pushState" : "replaceState"](null, "", address);
  return update();
}

/** Show everything around the view. */
function showFrame(name, { prompt = "", placeholder = "", hint = "", isLong }, index) {
  const box = at("query");
  at("ask").hidden = prompt === "";
  at("prompt").textContent = prompt;
  at("hint").textContent = hint;
  box.placeholder = index.tokenizer || name !== "explore" ? placeholder : "Token ids, such as 3 14 15";
  box.rows = isLong ? 3 : 1;
  fit();
  showSwitches(name, index);
  const fresh = { ...FRESH, doc: "", at: "", find: "" };
  replace(at("views"), ...Object.entries(TABS).map(([view, label]) =>
    make("a", { href: link(state, { ...fresh, view }), ariaCurrent: view === name ? "page" : null }, label)));
  at("index").value = index.name;
  at("picker").hidden = known.length < 2 || name === "compare";
  const sizes = [plural(index.n_tokens, "token"), plural(index.n_documents, "document"), `vocabulary of ${number(index.vocab_size)}`];
  at("about").textContent = [index.name, ...sizes].join(" · ");
  const title = name === "document" ? `Document ${state.doc}` : state.q.trim().slice(0, 60);
  document.title = title ? `${title} · infgram` : "infgram";
}

/** Show the switches of the box: for case, and for tokens. */
function showSwitches(name, index) {
  const toggle = (label, title, field, [off, on]) =>
    checkbox(label, state[field] === on, (isOn) => go({ ...FRESH, [field]: isOn ? on : off }, true), title);
  const ofCase = toggle("Ignore case", "Match upper and lower case alike", "case", ["exact", "any"]);
  const ofTokens = toggle("Exact tokens", "Find only occurrences with the same tokens as the text", "match", ["string", "tokens"]);
  ofTokens.firstChild.disabled = state.case === "any"; // other case has other tokens
  const able = (!index.tokenizer && name !== "compare") || name === "document" ? [] : name === "trace" ? [ofCase] : [ofCase, ofTokens];
  replace(at("switches"), ...able);
}

/** Make the box as high as its text. */
function fit() {
  const box = at("query");
  at("clear").hidden = box.value === "";
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}

function trouble(error) {
  at("trouble").replaceChildren(...(error ? [refusal(error)] : []));
}

/** Show the answers to the text in the box. */
function typed(isNew) {
  asked = performance.now();
  return go(FRESH, isNew);
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
    waiting = setTimeout(() => {
      typed(isEntered);
      isEntered = false;
    }, asked + PAUSE_MS - performance.now());
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !shown.isLong) {
      event.preventDefault();
      typed(false);
      isEntered = true;
    } else if (event.key === "Escape") {
      clear();
    }
  });
  at("clear").addEventListener("click", clear);
  at("index").addEventListener("change", (event) => go({ ...FRESH, where: "", at: "", index: event.target.value }, true));
  document.addEventListener("ask-again", update);
  document.addEventListener("key-wanted", () => {
    running.abort();
    askForKey(update);
  });
  window.addEventListener("hashchange", () => {
    clearTimeout(waiting);
    const before = state;
    recall();
    if (state.view !== before.view) scrollTo(0, 0);
    update();
    if (state.q !== before.q && canHover) box.focus({ preventScroll: true });
  });
}

/** Read the state from the address. It names its index, so that links show the same when indexes are added. */
function recall() {
  state = read(location.hash);
  if (known.length > 1) state.index ||= known[0].name;
  at("query").value = state.q;
}

async function start() {
  try {
    offerToForget();
    ({ indexes: known, limits } = await indexes());
    if (!(known.length > 0)) throw new Error("This service has no indexes.");
  } catch (error) {
    if (error.wantsKey) return askForKey(start);
    document.addEventListener("ask-again", start, { once: true });
    return trouble(error);
  }
  at("index").replaceChildren(...known.map(({ name }) => make("option", { value: name }, name)));
  listen();
  if (canHover) at("query").focus();
  const isTyped = at("query").value !== "";
  if (!isTyped) recall();
  await (isTyped ? typed(false) : update());
  for (const load of Object.values(VIEWS)) load().catch(() => {});
}

start();
