// Examples from the index itself, for an empty box.

import { ask } from "./api.mjs";
import { anchor, make } from "./dom.mjs";
import { FRESH, link } from "./state.mjs";

/** Find up to 8 passages of random documents, at random occurrences of the most frequent token. */
export async function findExamples(index, limits, signal, frequent = ask(index.name, "infgram", { query: "", top_k: 5 }, signal)) {
  const token = (await frequent).rows.find(({ token_id: id }) => id >= 0);
  if (!index.tokenizer || !token) return [];
  const seed = Math.floor(Math.random() * 1e9);
  const body = { token_ids: [token.token_id], limit: 8, snippet_tokens: Math.min(200, limits.snippet_tokens), max_matches: 1000, seed };
  const { documents } = await ask(index.name, "search", body, signal);
  return documents.map(({ snippet }) => words(snippet) || Array.from(snippet).slice(8, 32).join("")).filter(Boolean);
}

/** A list of examples: the text of each, and a word about it. */
const list = (state, examples) =>
  make("ul", "examples", ...examples.map(([note, text]) =>
    make("li", "", note && make("span", "note", note), anchor("example", link(state, { ...FRESH, q: text }), make("bdi", "", text)))));

/** The longest run of words of a text on one line, without what may be cut at its ends. */
function words(text) {
  const runs = text.slice(1, -1).match(/(?<=\s)\p{L}[\p{L}\p{M}'’,;:-]*(?: [\p{L}\p{N}][\p{L}\p{M}\p{N}'’,;:-]*){3,30}(?=[\s.])/gu) ?? [];
  return runs.reduce((best, run) => (run.length > best.length ? run : best), "");
}

/** Three examples for the box: a phrase, two words near each other, and the beginning of a sentence. */
export function exampleList(state, index, passages) {
  if (passages.length === 0) return make("p", "note", index.tokenizer ? "The documents are too short for examples." : "Type token ids, such as 3 14 15.");
  const [first, second = first, third = second] = passages.map((passage) => passage.split(" "));
  const long = [...new Set(second.filter((word) => /^\p{L}{4,}$/u.test(word)))].slice(0, 2);
  const examples = [
    ["How often does a phrase occur?", ` ${first.slice(0, 3).join(" ").replace(/[,;:]$/u, "")}`],
    ["Where do two words occur near each other?", long.length === 2 ? long.join(" AND ") : ""],
    ["What comes after a long text? The longest suffix that occurs decides.", ` ${third.slice(0, 8).join(" ")}`],
  ];
  return list(state, examples.filter(([, text]) => text));
}

/** Examples for a trace: passages of the corpus, each with one word left out. */
export function passageList(state, passages) {
  const texts = passages.map((passage) => passage.split(" ")).filter((all) => all.length > 8).slice(0, 3);
  const note = "Try a passage of this corpus from which a word is missing:";
  return list(state, texts.map((all, n) => [n === 0 && note, all.toSpliced(Math.floor((2 * all.length) / 3), 1).join(" ")]));
}

/** An example for a comparison: a few words of the corpus, a line each. */
export function wordList(state, passages) {
  const found = new Set(passages.flatMap((passage) => passage.match(/(?<=^| )\p{L}{4,}(?= |$)/gu) ?? []));
  const text = [...found].slice(0, 5).map((word) => ` ${word}`).join("\n");
  return list(state, text ? [["Try some words of this corpus:", text]] : []);
}
