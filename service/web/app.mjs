// The page: send queries as the user types, and keep the state in the URL.

import { ask, description, indexes, oneDocument } from "./api.mjs";
import { at, make, number, plural } from "./dom.mjs";
import { askForKey, hasKey, offerToForget } from "./key.mjs";
import {
  showAbout, showClauses, showCount, showDocuments, showExamples, showNext, showQueryCount, showReadings, showTime,
  showTokens,
} from "./view.mjs";

const PAUSE_MS = 120;
const N_ROWS = 12;
const N_DOCUMENTS = 5;
const N_EXAMPLES = 4;

const state = { known: [], index: null, query: "", seed: null, reading: null };
let waiting = 0;
let running = new AbortController();

/** The query of a request: the text, or token ids for an index without a tokenizer. */
function queryBody() {
  if (state.index.tokenizer) return { query: state.query };
  return { token_ids: state.query.split(/[\s,]+/u).filter(Boolean).map(Number) };
}

/** Whether the text contains the word AND or OR in capitals, which makes it a query of several terms. */
const isQuery = () => Boolean(state.index.tokenizer) && /(?<![^\s()"])(?:AND|OR)(?![^\s()"])/u.test(state.query);

/** Send all requests and show their results. */
async function update() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const began = performance.now();
  at("answer").setAttribute("aria-busy", "true");
  try {
    const index_ms = await (isQuery() ? updateQuery(signal) : updateText(signal));
    if (signal.aborted) return;
    showTime(index_ms, performance.now() - began);
    trouble("");
  } catch (error) {
    if (signal.aborted) return;
    if (error.wantsKey) askForKey(update);
    else trouble(error.message);
  }
  if (!signal.aborted) at("answer").removeAttribute("aria-busy");
}

/** Show the counts of a text, the next tokens and the documents. Return the milliseconds in the index. */
async function updateText(signal) {
  const { name } = state.index;
  const body = queryBody();
  const isText = body.query !== undefined && body.query !== "";
  const count = await ask(name, "count", isText ? { ...body, readings: true } : body, signal);
  const chosen = count.readings?.[state.reading] ?? null;
  const isString = !chosen && count.readings?.string_count > 0;
  const tokens = chosen?.token_ids.length > 0 ? { token_ids: chosen.token_ids } : body;
  const next = isString
    ? await ask(name, "next-token", { ...body, any_tokenization: true, top_k: N_ROWS }, signal)
    : await ask(name, "infgram", { ...tokens, top_k: N_ROWS }, signal);
  const found = isText || next.token_ids.length > 0 ? await documents(isString, next, signal) : null;
  const texts = found ? [] : await examples(signal);
  if (signal.aborted) return 0;
  showCount(count, state.index);
  showClauses([]);
  showReadings(count.readings, state.reading, chooseReading);
  showTokens(next, isString);
  showNext(next, isString, append);
  if (found) showDocuments(found.answer, documentsNote(found, chosen));
  else showExamples(texts, choose);
  showSample(found?.answer);
  return count.elapsed_ms + next.elapsed_ms + (found?.answer.elapsed_ms ?? 0);
}

/** Show how an AND of ORs was parsed, and its documents. Return the milliseconds in the index. */
async function updateQuery(signal) {
  const answer = await ask(state.index.name, "search", { query: state.query, any_tokenization: true, ...shown() }, signal);
  if (signal.aborted) return 0;
  showQueryCount(answer);
  showClauses(answer.clauses);
  showReadings(null);
  showTokens(null);
  showNext(null);
  showDocuments(answer, documentsNote({ answer, used: 0 }, null));
  showSample(answer);
  return answer.elapsed_ms;
}

/** The options of requests for documents. */
const shown = () => ({ limit: N_DOCUMENTS, snippet_tokens: 60, ...(state.seed === null ? {} : { seed: state.seed }) });

/**
 * Find the documents that contain the string, or the tokens, or their longest suffix that occurs.
 * @returns {Promise<{answer: object, used: number}>} `used` is the length of a proper suffix, or 0 for the whole text
 */
async function documents(isString, next, signal) {
  const { name } = state.index;
  const body = { clauses: [[state.query]], any_tokenization: true, ...shown() };
  if (isString) return { answer: await ask(name, "search", body, signal), used: 0 };
  const n = next.suffix_length;
  if (n === 0) return { answer: { documents: [], document_count: 0, is_exact: true, elapsed_ms: 0 }, used: 0 };
  const answer = await ask(name, "search", { token_ids: next.token_ids.slice(-n), ...shown() }, signal);
  return { answer, used: n < next.token_ids.length ? n : 0 };
}

/** A sentence with the number of documents, and how many are shown. */
function documentsNote({ answer, used }, chosen) {
  const { document_count: n, documents: listed, is_exact } = answer;
  const what = used > 0 ? ` with its last ${used === 1 ? "token" : plural(used, "token")}` : chosen ? " with these tokens" : "";
  const which = listed.length >= n ? "" : `, ${number(listed.length)} ${state.seed === null ? "shown" : "drawn at random"}`;
  const count = n === 0 ? "No document" : `${is_exact ? "" : "About "}${plural(n, "document")}`;
  return `${used > 0 ? "No document contains the whole text. " : ""}${count}${what}${which}.`;
}

function showSample(answer) {
  at("sample").hidden = !answer || answer.documents.length >= answer.document_count;
  at("sample").textContent = state.seed === null ? "Random sample" : "Another sample";
}

/** Return short runs of words from random documents. */
async function examples(signal) {
  const { name, n_documents, tokenizer } = state.index;
  if (!tokenizer || n_documents === 0) return [];
  const ids = new Set(Array.from({ length: N_EXAMPLES }, () => Math.floor(Math.random() * n_documents)));
  const documents = await Promise.all([...ids].map((id) => oneDocument(name, id, signal)));
  return [...new Set(documents.map(({ text }) => someWords(text)).filter(Boolean))];
}

/** Return a short run of words from a random position of a text, with the space before it. */
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

/** Write the state to the URL, with a new history entry for a choice but not for each key press. */
function remember(isNew) {
  const parameters = new URLSearchParams();
  if (state.known.length > 1) parameters.set("index", state.index.name);
  if (state.query) parameters.set("q", state.query);
  if (state.reading) parameters.set("reading", state.reading);
  if (state.seed !== null) parameters.set("seed", String(state.seed));
  const search = parameters.toString() ? `?${parameters}` : "";
  history[isNew && search !== location.search ? "pushState" : "replaceState"](null, "", location.pathname + search);
  document.title = state.query ? `${state.query.slice(0, 60)} · infgram` : "infgram";
}

/** Read the state from the URL. */
function recall() {
  const parameters = new URLSearchParams(location.search);
  const seed = parameters.get("seed");
  state.index = state.known.find((index) => index.name === parameters.get("index")) ?? state.known[0];
  state.reading = parameters.get("reading");
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
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`; // scrollHeight excludes the borders
}

/** Query this text. */
function choose(text) {
  at("query").value = text;
  typed();
  state.seed = state.reading = null;
  remember(true);
  focusBox();
  return update();
}

/** Show the tokens of a reading or, if it is shown already, the string. */
function chooseReading(name) {
  state.reading = state.reading === name ? null : name;
  state.seed = null;
  remember(true);
  return update();
}

/** Focus the box, except on touch screens, where this would open the keyboard. */
function focusBox() {
  if (matchMedia("(hover: hover)").matches) at("query").focus();
}

const append = (token) => choose(state.query + token);

function listen() {
  const box = at("query");
  box.addEventListener("input", () => {
    typed();
    state.seed = state.reading = null;
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
    state.seed = state.reading = null;
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
    event.preventDefault(); // a link would not send the key
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
    trouble("This service has no indexes.");
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
