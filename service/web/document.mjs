// One document, whole, with the places of a match marked.

import { oneDocument } from "./api.mjs";
import { copyMenu } from "./copy.mjs";
import { anchor, button, fill, heading, make, marked, number, plural, replace, slot, textClass } from "./dom.mjs";
import { metadata } from "./documents.mjs";
import { link } from "./state.mjs";

export const view = {
  create() {
    const back = make("p", "");
    const part = slot("part document");
    const update = ({ state, index, signal }) => {
      const view = state.find ? "trace" : "explore";
      replace(back, anchor("quiet", link(state, { view, doc: "", at: "", find: "" }), "← Back"), " ", neighbors(state, Number(state.doc)));
      const show = (isWhole) => fill(part, signal, oneDocument(index.name, Number(state.doc), isWhole, signal), (found) => {
        requestAnimationFrame(() => {
          const mark = part.querySelector("mark");
          if (mark) mark.scrollIntoView({ block: "center" });
          else if ((state.at || state.find) && found.text_truncated && !signal.aborted) show(true);
        });
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
  return (find ? text.split(find, 1001).slice(0, -1) : []).map((part) => {
    const start = end + Array.from(part).length;
    end = start + length;
    return [start, end];
  });
}

function neighbors(state, id) {
  const to = (doc, text) => anchor("quiet", link(state, { doc: String(doc), at: "" }), text);
  return make("nav", { className: "pages", ariaLabel: "Documents" }, id > 0 && to(id - 1, "Previous"), to(id + 1, "Next"));
}

function content(state, index, found, show) {
  const text = found.text ? marked(found.text, ranges(state, found.text)) : found.token_ids.join(" ");
  const isCut = found.text ? found.text_truncated : found.token_ids_truncated;
  return [
    heading(`Document ${number(found.document_id)}`, copyMenu(found)),
    make("p", "note", `${plural(found.n_tokens, "token")} in ${index.name}`),
    metadata(state, found, 100),
    isCut && make("p", "note", "Only the beginning is shown. ", button("quiet", () => show(true), "Show all of it")),
    make("p", textClass("whole", found.text), text),
  ];
}
