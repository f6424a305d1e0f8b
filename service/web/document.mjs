// One document, whole, with the places of a match marked.

import { oneDocument } from "./api.mjs";
import { anchor, button, fill, make, marked, number, plural, section, slot, textClass, title } from "./dom.mjs";
import { metadata } from "./documents.mjs";
import { link } from "./state.mjs";

export const view = {
  create() {
    const back = make("p", "");
    const text = slot();
    const part = section("Document", text);
    part.className = "part document";
    const update = ({ state, index, signal }) => {
      const view = state.find ? "trace" : "explore";
      back.replaceChildren(anchor("quiet", link(state, { view, doc: "", at: "", find: "" }), "← Back"));
      const show = (isWhole) => fill(text, signal, oneDocument(index.name, Number(state.doc), isWhole, signal), (found) => {
        requestAnimationFrame(() => text.querySelector("mark")?.scrollIntoView({ block: "center" }));
        title(part, `Document ${number(found.document_id)}`, neighbors(state, found.document_id));
        return content(state, index, found, show);
      });
      return show(false);
    };
    return { elements: [back, part], update };
  },
};

/** The marked ranges of a text, in characters: the range of the state, or all places of its text. */
function ranges({ at, find }, text) {
  const range = /^(\d{1,12})-(\d{1,12})$/u.exec(at);
  if (range) return [[Number(range[1]), Number(range[2])]];
  const length = Array.from(find).length;
  let end = 0;
  return (find ? text.split(find).slice(0, -1) : []).map((part) => {
    const start = end + Array.from(part).length;
    end = start + length;
    return [start, end];
  });
}

function neighbors(state, id) {
  const to = (doc, text) => anchor("quiet", link(state, { doc: String(doc), at: "", find: "" }), text);
  return make("nav", { className: "pages", ariaLabel: "Documents" }, id > 0 && to(id - 1, "Previous"), to(id + 1, "Next"));
}

function content(state, index, found, show) {
  const text = found.text ? marked(found.text, ranges(state, found.text)) : found.token_ids.join(" ");
  const isCut = found.text ? found.text_truncated : found.token_ids_truncated;
  return [
    make("p", "note", `${plural(found.n_tokens, "token")} in ${index.name}`),
    metadata(state, found, 100),
    isCut && make("p", "note", "Only the beginning is shown. ", button("quiet", () => show(true), "Show all of it")),
    make("p", textClass("whole", found.text), text),
  ];
}
