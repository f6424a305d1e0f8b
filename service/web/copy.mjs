// "Copy as curl, Python or a command": the same question for other programs.

import { button, make } from "./dom.mjs";
import { hasKey } from "./key.mjs";

/** The method of `infgram.Client` and the command for each question that has them. */
const NAMES = {
  count: ["count", "count"],
  infgram: ["infgram_distribution", "next"],
  "next-token": ["next_token_distribution", "next"],
  score: ["score", "score"],
  search: ["search", "search"],
  trace: [null, "trace"],
  "count/batch": [null, "count"],
};
const OPTIONS = { documents_per_span: "documents" };

/** A menu that copies the requests of answers to the clipboard. */
export function copyMenu(...answers) {
  const title = make("summary", { className: "quiet", ariaLive: "polite" }, "Copy as");
  const buttons = Object.entries({ curl: asCurl, Python: asPython, CLI: asCommand }).map(([name, write]) =>
    button("", async () => {
      title.textContent = (await copy(answers.map(({ asked }) => write(asked)).join("\n"))) ? "Copied" : "Copying is not allowed here";
      menu.open = false;
      title.focus();
      setTimeout(() => (title.textContent = "Copy as"), 2000);
    }, name),
  );
  const menu = make("details", "copy", title, make("div", "menu", ...buttons));
  menu.onkeydown = (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    title.focus();
  };
  menu.addEventListener("focusout", ({ relatedTarget }) => {
    if (!menu.contains(relatedTarget)) menu.open = false;
  });
  return menu;
}

/** Copy a text. The clipboard is closed to pages over plain HTTP from other machines; an older way works there. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}

const here = () => new URL(".", location.href).href.replace(/\/$/u, "");
const endpoint = (index, question) => `${here()}/v1/indexes/${encodeURIComponent(index)}/${question}`;
const hex = (character) => `'$'\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}''`;
const shell = (text) => `'${text.replaceAll("'", "'\\''").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/gu, hex)}'`;
const PYTHON_KEY = 'os.environ["INFGRAM_API_KEY"]';

function asCurl({ index, question, body }) {
  const key = hasKey() ? ' -H "Authorization: Bearer $INFGRAM_API_KEY"' : "";
  const data = body ? ` -H 'Content-Type: application/json' -d ${shell(JSON.stringify(body))}` : "";
  return `curl -sw '\\n' ${shell(endpoint(index, question))}${key}${data}`;
}

/** A value as Python writes it. JSON strings are valid in Python. */
function python(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, each]) => `${python(name)}: ${python(each)}`).join(", ")}}`;
}

function asPython({ index, question, body, id }) {
  const [method] = NAMES[question] ?? ["document"];
  const { query = id, token_ids, readings, ...options } = body ?? {};
  const values = [token_ids ?? query, ...Object.entries(options)].map((each, n) => (n === 0 ? python(each) : `${each[0]}=${python(each[1])}`));
  const key = hasKey() ? `, api_key=${PYTHON_KEY}` : "";
  const headers = hasKey() ? `, headers={"Authorization": "Bearer " + ${PYTHON_KEY}}` : "";
  const lines = method
    ? ["import infgram", "", `index = infgram.Client(${python(here())}, index=${python(index)}${key})`, `answer = index.${readings ? "readings" : method}(${values.join(", ")})`]
    : ["import httpx2", "", `answer = httpx2.post(${python(endpoint(index, question))}, json=${python(body)}${headers}).json()`];
  return [...(hasKey() ? ["import os", ""] : []), ...lines, "print(answer)", ""].join("\n");
}

function asCommand({ index, question, body, id }) {
  const folder = shell(`${index}.infgram`);
  if (!body) return `infgram document ${folder} ${id}`;
  const { items } = body;
  const { query, token_ids, where = {}, ...options } = items ? items[0] : body;
  const flags = Object.entries(options).map(([name, value]) => {
    const flag = `--${(OPTIONS[name] ?? name).replaceAll("_", "-")}`;
    return value === true ? flag : `${flag} ${shell(String(value))}`;
  });
  const fields = Object.entries(where).map(([name, value]) => `--where ${shell(`${name}=${JSON.stringify(value)}`)}`);
  const all = [...(question === "next-token" ? ["--whole"] : []), ...flags, ...fields];
  const command = ["infgram", NAMES[question][1], folder, ...all].join(" ");
  if (items) return `printf '%s\\n' ${items.map((item) => shell(item.query)).join(" ")} | ${command} --queries -`;
  if (question === "trace") return `printf %s ${shell(query)} | ${command} -`;
  return query === undefined ? `${command} --token-ids ${token_ids.join(",")}` : `${command} -- ${shell(query)}`;
}
