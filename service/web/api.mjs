// Requests to the service.

import { authorization } from "./key.mjs";

/** The error of a problem document. */
export class Refusal extends Error {
  /** @param {{code?: string, detail: string, errors?: {loc: string[], msg: string}[]}} problem */
  constructor({ code, detail, errors = [] }) {
    const reasons = errors.map(({ loc, msg }) => `${msg} (${loc.slice(1).join(".")}).`);
    super(reasons.length > 0 ? `Invalid query. ${reasons.join(" ")}` : detail);
    this.wantsKey = code === "unauthorized";
  }
}

async function json(path, options) {
  const headers = { Accept: "application/json", ...authorization(), ...options.headers };
  const response = await fetch(path, { ...options, headers }).catch((error) => {
    throw error.name === "AbortError" ? error : new Refusal({ detail: "Cannot reach the service. Is it running?" });
  });
  const body = await response.json().catch(() => ({ detail: `The service responded with status ${response.status}.` }));
  if (!response.ok) throw new Refusal(body);
  return body;
}

const place = (index) => `v1/indexes/${encodeURIComponent(index)}`;

export const indexes = () => json("v1/indexes", {});

/** The OpenAPI document. A link to it would not send the key. */
export const description = () => json("openapi.json", {});

/** @param {AbortSignal} signal */
export const oneDocument = (index, id, signal) => json(`${place(index)}/documents/${id}`, { signal });

/**
 * Send a query.
 * @param {string} index
 * @param {"count"|"infgram"|"next-token"|"search"} question
 * @param {object} body
 * @param {AbortSignal} signal
 */
export const ask = (index, question, body, signal) =>
  json(`${place(index)}/${question}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    signal,
  });
