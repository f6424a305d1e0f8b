// The state of the page. It is the fragment of the address, so every state has a link, and no server log contains a text.

const DEFAULTS = {
  view: "explore", // explore, trace, compare or document
  index: "",
  q: "", // the text in the box
  match: "string", // string: find it in any tokens; tokens: only its own tokens
  case: "exact", // exact or any
  reading: "", // whose tokens are shown instead of the string
  where: "", // the filters of the documents, as JSON
  seed: "", // of a random sample of the documents
  cursor: "", // of a page of the documents
  doc: "", // the document of the view `document`
  at: "", // the marked range in it, as in 10-20, in characters
  find: "", // or the text that is marked in it
  with: "", // the names of the indexes to compare, with commas between them
  color: "length", // of the spans of a trace: length or rarity
  least: "5", // tokens of the shortest span of a trace
  span: "", // the chosen span of a trace, as in 10-20, in tokens
  line: "0", // the line whose next tokens are compared
};

/** What a new text or index makes meaningless. */
export const FRESH = { reading: "", seed: "", cursor: "", span: "", line: "0" };

/** Read the state from the fragment of an address. Unknown parameters are ignored. */
export function read(hash) {
  const [view, parameters = ""] = hash.replace(/^#\/?/u, "").split(/\?(.*)/su);
  const given = new URLSearchParams(parameters);
  const state = Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, given.get(name) ?? value]));
  return { ...state, view: view || DEFAULTS.view };
}

/** The address of a state with some changes. */
export function link(state, changes = {}) {
  const next = { ...state, ...changes };
  const parameters = new URLSearchParams(
    Object.entries(next).filter(([name, value]) => name !== "view" && value !== DEFAULTS[name]),
  );
  return `#/${next.view}${parameters.size > 0 ? `?${parameters}` : ""}`;
}

/** The filters of a state: metadata fields and their values. */
export function filters({ where }) {
  try {
    const given = JSON.parse(where || "{}");
    return given !== null && typeof given === "object" && !Array.isArray(given) ? given : {};
  } catch {
    return {};
  }
}

/** The options of a request that say which occurrences of a text count. */
export const matching = (state) => (state.case === "any" ? { ignore_case: true } : state.match === "string" ? { any_tokenization: true } : {});
