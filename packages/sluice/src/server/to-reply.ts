/**
 * What a handler returns, made into a reply. Accepted is only what has one obvious meaning; everything else is a 500 that names
 * the route and what came back, because a forgotten `return` must not look like an answer.
 */

import { fromResponse, isResponse } from "./from-response.js";
import { HttpError } from "./http-error.js";
import { Reply } from "./reply.js";
import { reply, type StreamSource } from "./reply-kinds.js";
import type { ServerRequest } from "./request/server-request.js";

/**
 * What a handler may return: a `Reply`, a WHATWG `Response`, text, bytes, a plain object, array or anything with `toJSON` (sent as
 * JSON), an async iterable or stream (streamed), or null (204). Other objects are refused when they are returned. (A promise is
 * excluded here so that `async () => {}`, which answers undefined, does not compile as a handler.)
 */
export type HandlerResult = Reply | string | (object & { readonly then?: never }) | null;

/** The reply for `result`. Throws `HttpError` 500 `reply/unusable`, with a message that is shown, for what cannot be one. */
export function toReply(result: unknown, request: ServerRequest, who: "handler" | "middleware"): Reply {
  if (result instanceof Reply) return result;
  if (typeof result === "string") return reply.text(result);
  if (result === null) return reply.empty();
  const made = typeof result === "object" ? objectToReply(result) : undefined;
  if (made === undefined) throw refusal(result, request, who);
  return made;
}

function objectToReply(value: object): Reply | undefined {
  if (Symbol.asyncIterator in value) return reply.stream(value as StreamSource);
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return reply.bytes(value);
  // An error belongs thrown: some have a toJSON, and would go out as a 200.
  if (value instanceof Error) return undefined;
  if (isPlain(value) || hasToJson(value)) return reply.json(value);
  return isResponse(value) ? fromResponse(value) : undefined;
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function hasToJson(value: object): boolean {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function refusal(result: unknown, request: ServerRequest, who: string): HttpError {
  const route = request.route ?? request.path;
  const message = `The ${who} of ${request.method} ${route} returned ${describe(result)}`;
  return new HttpError(500, `${message}: ${adviceFor(result)}`, { code: "reply/unusable", expose: true });
}

function describe(result: unknown): string {
  if (result instanceof Error) return "an error";
  if (typeof result !== "object" || result === null)
    return typeof result === "undefined" ? "undefined" : `a ${typeof result}`;
  const name: unknown = result.constructor?.name;
  return typeof name === "string" && name !== "" ? `an instance of ${name}` : "an object of no known kind";
}

function adviceFor(result: unknown): string {
  if (result === undefined) return "return null for an empty answer (204)";
  if (result instanceof Error) return "throw it";
  if (typeof result === "object") return "return a Reply, or give it a toJSON method";
  return "use reply.json() or reply.text() to say how to send it";
}
