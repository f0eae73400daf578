/** Answers whose status or field lines the client chooses. */

import { type Application, HttpError, HttpHeaders, isSluiceError, type Reply, reply } from "sluice/server";
import { jsonText } from "../json-reply.js";
import { ANY_METHOD } from "../methods.js";
import type { Service } from "../service.js";
import { statusReply } from "../status-reply.js";

const FINAL_STATUS = /^[2-5][0-9]{2}$/;
const WEIGHT = /^[0-9]{1,9}(?:\.[0-9]{1,9})?$/;
/** Belong to the connection or frame the body: a client that chose them would break its own answer (RFC 9110 §7.6.1, §8.6). */
const RESERVED = new Set(["connection", "content-length", "keep-alive", "trailer", "transfer-encoding", "upgrade"]);
/** The text contains its own length, which takes a few rounds: one more for each digit that the length gains. */
const MAX_LENGTH_ROUNDS = 8;

/** `/status/:codes`, `/response-headers`. */
export function addStatusRoutes(app: Application, service: Service): void {
  app.route(ANY_METHOD, "/status/:codes", ({ params }) => statusReply(chooseStatus(params.codes, service.random)));
  app.route(["GET", "POST"], "/response-headers", ({ query }) => replyWithFields(query));
}

/** One of `200,404:3,500:0.5`: codes, each with its weight, 1 unless it has one. Throws `HttpError` 400. */
export function chooseStatus(codes: string, random: () => number): number {
  const choices = codes.split(",").map(readChoice);
  const total = choices.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) throw new HttpError(400, "Cannot choose a status: the weights are all 0");
  let left = random() * total;
  for (const { status, weight } of choices) {
    if (left < weight) return status;
    left -= weight;
  }
  // Rounding can leave a remainder: then it is the last one that can be chosen at all.
  return choices.findLast(({ weight }) => weight > 0)?.status ?? 200;
}

function readChoice(text: string): { readonly status: number; readonly weight: number } {
  const [code = "", weight = "1", ...rest] = text.trim().split(":");
  if (!FINAL_STATUS.test(code) || !WEIGHT.test(weight) || rest.length > 0) {
    throw new HttpError(400, "Invalid status code: expected 200 to 599, or several with weights: 200:3,503:1");
  }
  return { status: Number(code), weight: Number(weight) };
}

/** Sends the query as field lines, and says in the body which the answer has. */
function replyWithFields(query: URLSearchParams): Reply {
  const headers = fieldsFrom(query);
  let text = "";
  for (let round = 0; round < MAX_LENGTH_ROUNDS; round += 1) {
    const next = describe(headers, Buffer.byteLength(text));
    if (next === text) break;
    text = next;
  }
  return reply.text(text, { headers });
}

function fieldsFrom(query: URLSearchParams): HttpHeaders {
  const headers = new HttpHeaders();
  if (!query.has("Content-Type")) headers.append("Content-Type", "application/json");
  for (const [name, value] of query) {
    if (RESERVED.has(name.toLowerCase())) throw new HttpError(400, `Cannot send ${name}: the connection decides on it`);
    try {
      headers.append(name, value);
    } catch (cause) {
      if (!isSluiceError(cause)) throw cause;
      throw new HttpError(400, cause.message, { cause });
    }
  }
  return headers;
}

function describe(headers: HttpHeaders, length: number): string {
  const names = new Map([["content-length", "Content-Length"]]);
  const report: Record<string, string | string[]> = Object.assign(Object.create(null), {
    "Content-Length": String(length),
  });
  for (let at = 0; at < headers.raw.length; at += 2) {
    const name = headers.raw[at] ?? "";
    if (names.has(name.toLowerCase())) continue;
    names.set(name.toLowerCase(), name);
    const values = headers.getAll(name);
    report[name] = values.length === 1 ? (values[0] ?? "") : values;
  }
  // The client may have asked for text/html: what it sent must not become a page that acts in our name.
  return jsonText(report).replaceAll("<", "\\u003c");
}
