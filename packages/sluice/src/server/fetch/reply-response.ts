/**
 * A reply as a `Response`: what a connection would have sent, without what belongs to connections. Where HTTP has no body (HEAD, 204,
 * 205, 304: RFC 9110 §6.4.1) there is none, and its payload is released; trailers have no place in a `Response`.
 */

import type { Payload } from "../../body/payload.js";
import { reasonPhrase } from "../../http/status.js";
import { isPassedOn } from "../from-response.js";
import type { Reply } from "../reply.js";
import { replyStream } from "./reply-stream.js";
import type { RequestExchange } from "./request-exchange.js";

const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** The response. One that cannot be made as the reply asks, because of a field, is a 500; whoever listens for its end is told. */
export function responseFrom(reply: Reply, exchange: RequestExchange): Response {
  const { status, payload } = reply;
  try {
    const headers = headersOf(reply);
    const bodiless = payload === undefined || exchange.method === "HEAD" || NULL_BODY.has(status);
    // RFC 9110 §8.6: an answer to HEAD says the length that GET would have had.
    if (payload?.length !== undefined && !NULL_BODY.has(status)) headers.set("content-length", String(payload.length));
    const init = { status, statusText: reply.reason ?? reasonPhrase(status), headers };
    if (!bodiless) return new Response(bodyOf(reply, payload, exchange), init);
    const response = new Response(null, init);
    reply.discard();
    settle(reply, exchange, 0);
    return response;
  } catch (error) {
    return unsendable(reply, exchange, error);
  }
}

function bodyOf(reply: Reply, payload: Payload, exchange: RequestExchange): NonNullable<Response["body"]> | Uint8Array {
  const { whole } = payload;
  if (whole === undefined) return replyStream(reply, payload, exchange);
  settle(reply, exchange, payload.length ?? 0);
  // As bytes: text would bring a type of its own.
  return typeof whole === "string" ? Buffer.from(whole) : whole;
}

function headersOf(reply: Reply): Headers {
  const headers = new Headers();
  const { fields } = reply;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    if (isPassedOn(name.toLowerCase())) headers.append(name, fields[at + 1] ?? "");
  }
  return headers;
}

function settle(reply: Reply, exchange: RequestExchange, bodyBytes: number): void {
  exchange.end();
  reply.onSent?.(bodyBytes, undefined);
}

/** As the connection does it. */
function unsendable(reply: Reply, exchange: RequestExchange, cause: unknown): Response {
  reply.discard();
  exchange.end();
  reply.onSent?.(0, cause instanceof Error ? cause : new Error("The answer cannot be sent", { cause }));
  return new Response("500 Internal Server Error: server/unsendable-answer\n", {
    status: 500,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}
