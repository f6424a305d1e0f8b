// The page: what is typed becomes three questions, and the address keeps what was asked.

import { ask, indexes, oneDocument } from "./api.mjs";
import { at, make, number } from "./dom.mjs";
import { showAbout, showCount, showDocuments, showExamples, showNext, showTime, showTokens } from "./view.mjs";

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
    const [count, next] = await Promise.all([
      ask(name, "count", body, signal),
      ask(name, "infgram", { ...body, top_k: N_ROWS }, signal),
    ]);
    const total_ms = performance.now() - began;
    const below = await documentsBelow(count, next, signal);
    if (signal.aborted) return;
    showCount(count, state.index);
    showTime(count.elapsed_ms + next.elapsed_ms, total_ms);
    showTokens(next);
    showNext(next, append);
    below();
    trouble("");
  } catch (error) {
    if (signal.aborted) return;
    trouble(error.message);
  }
  at("answer").removeAttribute("aria-busy");
}

/** What stands beside the next tokens: documents with the text, or with the longest suffix of it, or examples. */
async function documentsBelow(count, next, signal) {
  const { name } = state.index;
  at("sample").hidden = true;
  if (count.token_ids.length === 0) {
    const texts = await examples(signal);
    return () => showExamples(texts, choose);
  }
  const used = next.suffix_length;
  if (used === 0) return () => showDocuments({ documents: [] }, "In no document.");
  const token_ids = next.token_ids.slice(-used);
  const seed = state.seed === null ? {} : { seed: state.seed };
  const found = await ask(name, "search", { token_ids, limit: N_DOCUMENTS, snippet_tokens: 60, ...seed }, signal);
  const what = count.count > 0 ? "" : `The text as a whole stands nowhere; its last ${used === 1 ? "token does" : `${used} tokens do`}. `;
  return () => {
    showDocuments(found, what + sampleNote(found));
    at("sample").hidden = found.documents.length < N_DOCUMENTS;
  };
}

function sampleNote(found) {
  const n = found.documents.length;
  if (n < N_DOCUMENTS) return n === 1 ? "One document holds it." : `${n} documents hold it.`;
  return state.seed === null ? `The first ${n} documents by what follows.` : `${n} documents drawn at random.`;
}

/** Beginnings of some documents. */
async function examples(signal) {
  const { name, n_documents, tokenizer } = state.index;
  if (!tokenizer) return [];
  const ids = new Set(Array.from({ length: N_EXAMPLES }, () => Math.floor(Math.random() * n_documents)));
  const documents = await Promise.all([...ids].filter((id) => id < n_documents).map((id) => oneDocument(name, id, signal)));
  const texts = documents.map((document) => document.text.slice(0, 400).match(/\S+(?:\s\S+){2,4}/u)?.[0] ?? "");
  return [...new Set(texts.filter((text) => text && text.length < 80))];
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
  const address = parameters.size > 0 ? `?${parameters}` : location.pathname;
  history[isNew ? "pushState" : "replaceState"](null, "", address);
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
  box.style.height = `${box.scrollHeight}px`;
}

/** Use this text now. */
function choose(text) {
  at("query").value = text;
  typed();
  state.seed = null;
  remember(true);
  at("query").focus();
  return update();
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
  window.addEventListener("popstate", () => {
    recall();
    update();
  });
}

async function start() {
  try {
    state.known = (await indexes()).indexes;
  } catch (error) {
    trouble(error.message);
    return;
  }
  if (state.known.length === 0) {
    trouble("This server has no index.");
    return;
  }
  at("index").replaceChildren(
    ...state.known.map((index) => {
      const option = make("option", "", `${index.name} (${number(index.n_tokens)} tokens)`);
      option.value = index.name;
      return option;
    }),
  );
  at("picker").hidden = state.known.length < 2;
  recall();
  if (!state.index.tokenizer) at("query").placeholder = "Token ids, such as 3 14 15";
  listen();
  at("query").focus();
  await update();
}

start();
