/**
 * The reply that a `Response` asks for. A light one is sent as it is; of a native one, and of streams, what is ready is read first
 * (`read-ahead.ts`).
 */

import type { ReadableStream as WebReadableStream } from "node:stream/web";
import { toPayload } from "../../body/payload.js";
import { WholePayload } from "../../body/sending/whole-payload.js";
import { UsageError } from "../../errors.js";
import type { FieldLines } from "../../http1/sinks.js";
import { fromResponse, isPassedOn } from "../from-response.js";
import { Reply } from "../reply.js";
import { type LightAnswer, LightResponse } from "./light-response.js";
import { readAhead } from "./read-ahead.js";

/**
 * `bodiless`: the answer is one to HEAD, so nothing is read. Throws, or rejects with, `UsageError` `reply/response-used` for a body that
 * was read or is locked, `reply/status` for `Response.error()`, and what a body's stream fails with at once.
 */
export function answerResponse(response: Response, bodiless: boolean): Reply | Promise<Reply> {
  const light = LightResponse.answerOf(response);
  if (light !== undefined) return answerLight(light, bodiless);
  const { body } = response;
  if (body !== null && (response.bodyUsed || body.locked)) throw used();
  const made = fromResponse(LightResponse.nativeOf(response), false);
  return body === null ? made : withStream(made, body, bodiless);
}

/** {@link answerResponse} of a light response. */
export function answerLight(light: LightAnswer, bodiless: boolean): Reply | Promise<Reply> {
  const { status, statusText, body } = light;
  const made = new Reply(status, passedOn(light.fields));
  if (statusText !== "") made.reason = statusText;
  if (body === null) return made;
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return withStream(made, body, bodiless);
  made.payload = new WholePayload(body, undefined);
  return made;
}

function withStream(made: Reply, stream: WebReadableStream, bodiless: boolean): Reply | Promise<Reply> {
  if (!bodiless) return readInto(made, stream);
  made.payload = toPayload(stream);
  return made;
}

async function readInto(made: Reply, stream: WebReadableStream): Promise<Reply> {
  made.payload = await readAhead(stream);
  return made;
}

function used(): UsageError {
  return new UsageError("reply/response-used", "Cannot answer with this Response: its body was read, or is locked");
}

/** The shared lists hold nothing but a type. */
function passedOn(fields: FieldLines): FieldLines {
  if (Object.isFrozen(fields)) return fields;
  for (let at = 0; at < fields.length; at += 2) if (!isPassedOn(fields[at] ?? "")) return withoutHopFields(fields);
  return fields;
}

function withoutHopFields(fields: FieldLines): FieldLines {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    if (isPassedOn(name)) kept.push(name, fields[at + 1] ?? "");
  }
  return kept;
}
