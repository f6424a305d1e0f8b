// Requests to the service.

import { authorization } from "./key.mjs";

/** The error of a problem document. */
export class Refusal extends Error {
  /** @param {{code?: string, status?: number, detail: string, errors?: {loc: string[], msg: string}[]}} problem */
  constructor({ code, status = 503, detail, errors }) {
    const reasons = (errors ?? []).map(({ loc, msg }) => `${msg} (${loc.slice(1).join(".")}).`);
    super(reasons.length > 0 ? `Invalid query. ${reasons.join(" ")}` : detail);
    this.wantsKey = code === "unauthorized";
    this.mayPass = status >= 500 || status === 429;
  }
}

/** Request JSON. The answer has the additional field `roundtrip_ms`. */
async function json(path, options) {
  const began = performance.now();
  const headers = { Accept: "application/json", ...authorization(), ...options.headers };
  const response = await fetch(new URL(path, location.href), { ...options, headers }).catch((error) => {
    throw error.name === "AbortError" ? error : new Refusal({ detail: "The service cannot be reached. Is it running?" });
  });
  const body = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return null;
  });
  if (!response.ok || body === null) throw new Refusal(body ?? { detail: `The service responded with status ${response.status} and no JSON.` });
  return { ...body, roundtrip_ms: performance.now() - began };
}

const place = (index) => `v1/indexes/${encodeURIComponent(index)}`;

export const indexes = () => json("v1/indexes", {});

export async function oneDocument(index, id, isWhole, signal) {
  const question = `documents/${id}${isWhole ? "?whole=true" : ""}`;
  return { ...(await json(`${place(index)}/${question}`, { signal })), asked: { index, question, id } };
}

/** Send a query, such as `count`. The answer has it in the additional field `asked`. */
export async function ask(index, question, body, signal) {
  const headers = { "Content-Type": "application/json" };
  const answer = await json(`${place(index)}/${question}`, { method: "POST", body: JSON.stringify(body), headers, signal });
  return { ...answer, asked: { index, question, body } };
}
