// The page: what is typed becomes three questions, and the address keeps what was asked.

import { ask, description, indexes, oneDocument } from "./api.mjs";
import { at, make, plural } from "./dom.mjs";
import { askForKey, hasKey, offerToForget } from "./key.mjs";
import { showAbout, showCount, showDocuments, showExamples, showNext, showSpaced, showTime, showTokens } from "./view.mjs";

const PAUSE_MS = 120;
const N_ROWS = 12;
const N_DOCUMENTS = 5;
const N_EXAMPLES = 4;

const state = { known: [], index: null, query: "", seed: null };
let waiting = 0;
let running = new AbortController();

/** The text as the service takes it; an index without a tokenizer is asked with token ids. */
function question() {
  if (state.index.tokenizer) return { query: state.query };
  return { token_ids: state.query.split(/[\s,]+/u).filter(Boolean).map(Number) };
}

/** Whether the text would be other tokens with a space in front. */
const canBeSpaced = () => state.index.tokenizer?.kind === "huggingface" && /^\S/u.test(state.query);

/** Ask everything anew and draw the answers. */
async function update() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const { name } = state.index;
  const body = question();
  const began = performance.now();
  at("answer").setAttribute("aria-busy", "true");
  try {
    const [count, next, spaced] = await Promise.all([
      ask(name, "count", body, signal),
      ask(name, "infgram", { ...body, top_k: N_ROWS }, signal),
      canBeSpaced() ? ask(name, "count", { query: ` ${state.query}` }, signal) : { count: 0 },
    ]);
    const total_ms = performance.now() - began;
    if (signal.aborted) return;
    showCount(count, state.index);
    showTime(count.elapsed_ms + next.elapsed_ms, total_ms);
    showTokens(next);
    showSpaced(spaced.count, () => choose(` ${state.query}`));
    showNext(next, append);
    trouble("");
    await showBeside(count, next, signal);
  } catch (error) {
    if (signal.aborted) return;
    if (error.wantsKey) askForKey(update);
    else trouble(error.message);
  }
  if (!signal.aborted) at("answer").removeAttribute("aria-busy");
}

/** What stands beside the next tokens: documents with the text, or with the longest suffix of it, or examples. */
async function showBeside(count, next, signal) {
  const { name } = state.index;
  const used = next.suffix_length;
  const isEmpty = next.token_ids.length === 0;
  const seed = state.seed === null ? {} : { seed: state.seed };
  const body = { token_ids: next.token_ids.slice(-used), limit: N_DOCUMENTS, snippet_tokens: 60, ...seed };
  const texts = isEmpty ? await examples(signal) : [];
  const found = used > 0 ? await ask(name, "search", body, signal) : { documents: [] };
  if (signal.aborted) return;
  const n = found.documents.length;
  if (isEmpty) showExamples(texts, choose);
  else showDocuments(found, documentsNote(n, count.count === 0 ? used : 0));
  at("sample").hidden = n < N_DOCUMENTS;
  at("sample").textContent = state.seed === null ? "Random sample" : "Another sample";
}

/** Which documents these are; `used` is the length of the suffix that was searched instead of the text, or 0. */
function documentsNote(n, used) {
  const which = n < N_DOCUMENTS ? "" : state.seed === null ? ", the first by what follows" : ", drawn at random";
  const documents = n === 0 ? "No document" : plural(n, "document");
  if (used === 0) return `${documents}${which}.`;
  return `No document holds the whole text; ${plural(n, "document")} with its last ${plural(used, "token")}${which}.`
    .replace("last 1 token", "last token");
}

/** A few words from some documents. */
async function examples(signal) {
  const { name, n_documents, tokenizer } = state.index;
  if (!tokenizer || n_documents === 0) return [];
  const ids = new Set(Array.from({ length: N_EXAMPLES }, () => Math.floor(Math.random() * n_documents)));
  const documents = await Promise.all([...ids].map((id) => oneDocument(name, id, signal)));
  return [...new Set(documents.map(({ text }) => someWords(text)).filter(Boolean))];
}

/** A short run of words from a random place of a text, with the space before it. */
function someWords(text) {
  const begin = Math.floor(Math.random() * Math.min(text.length, 20_000));
  const near = text.slice(Math.max(0, begin - 200), begin + 200);
  const runs = near.match(/(?:^| )\p{L}+(?: \p{L}+){2,3}(?=[ .,;:!?])/gu) ?? [];
  return runs.filter((run) => run.length < 60)[Math.floor(runs.length / 2)];
}

function trouble(message) {
  at("trouble").textContent = message;
  at("trouble").hidden = message === "";
  at("answer").hidden = message !== "";
}

/** Put the state into the address; a new entry of the history for what was chosen, not for each key. */
function remember(isNew) {
  const parameters = new URLSearchParams();
  if (state.known.length > 1) parameters.set("index", state.index.name);
  if (state.query) parameters.set("q", state.query);
  if (state.seed !== null) parameters.set("seed", String(state.seed));
  const search = parameters.toString() ? `?${parameters}` : "";
  history[isNew && search !== location.search ? "pushState" : "replaceState"](null, "", location.pathname + search);
  document.title = state.query ? `${state.query.slice(0, 60)} · infgram` : "infgram";
}

/** Take the state from the address. */
function recall() {
  const parameters = new URLSearchParams(location.search);
  const seed = parameters.get("seed");
  state.index = state.known.find((index) => index.name === parameters.get("index")) ?? state.known[0];
  state.seed = seed !== null && /^\d{1,15}$/u.test(seed) ? Number(seed) : null;
  at("query").value = parameters.get("q") ?? "";
  at("index").value = state.index.name;
  typed();
  showAbout(state.index);
}

function typed() {
  const box = at("query");
  state.query = box.value;
  at("clear").hidden = state.query === "";
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`; // the borders are not scrolled
}

/** Use this text now. */
function choose(text) {
  at("query").value = text;
  typed();
  state.seed = null;
  remember(true);
  focusBox();
  return update();
}

/** Not on touch screens, where it would bring up the keyboard. */
function focusBox() {
  if (matchMedia("(hover: hover)").matches) at("query").focus();
}

const append = (token) => choose(state.query + token);

function listen() {
  const box = at("query");
  box.addEventListener("input", () => {
    typed();
    state.seed = null;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      remember(false);
      update();
    }, PAUSE_MS);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      choose(box.value);
    } else if (event.key === "Escape") {
      choose("");
    }
  });
  at("ask").addEventListener("submit", (event) => event.preventDefault());
  at("clear").addEventListener("click", () => choose(""));
  at("sample").addEventListener("click", () => {
    state.seed = Math.floor(Math.random() * 1e9);
    remember(true);
    update();
  });
  at("index").addEventListener("change", (event) => {
    state.index = state.known.find((index) => index.name === event.target.value);
    state.seed = null;
    remember(true);
    showAbout(state.index);
    update();
  });
  document.addEventListener("keydown", (event) => {
    const isElsewhere = !/^(?:INPUT|TEXTAREA|SELECT)$/u.test(document.activeElement?.tagName ?? "");
    if (event.key === "/" && isElsewhere && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      box.focus();
    }
  });
  at("openapi").addEventListener("click", async (event) => {
    if (!hasKey()) return;
    event.preventDefault(); // a link would ask without the key
    try {
      const text = JSON.stringify(await description(), null, 2);
      location.assign(URL.createObjectURL(new Blob([text], { type: "application/json" })));
    } catch (error) {
      trouble(error.message);
    }
  });
  window.addEventListener("popstate", () => {
    recall();
    update();
  });
}

async function start() {
  try {
    state.known = (await indexes()).indexes;
  } catch (error) {
    if (error.wantsKey) askForKey(start);
    else trouble(error.message);
    return;
  }
  offerToForget();
  if (state.known.length === 0) {
    trouble("This server has no index.");
    return;
  }
  at("index").replaceChildren(
    ...state.known.map((index) => {
      const option = make("option", "", index.name);
      option.value = index.name;
      return option;
    }),
  );
  at("picker").hidden = state.known.length < 2;
  recall();
  listen();
  focusBox();
  await update();
}

start();
