/**
 * What a program gives to be sent, as a message. What is none is a mistake of the program's and is thrown at once: a rejection that nobody
 * awaits is passed over, and a mistake must not be.
 */

import { UsageError } from "../../errors.js";
import { kindOf } from "../../options.js";
import type { Message } from "./inbox.js";

/** What can be sent as a message: text as a string, bytes in any of their forms. */
export type MessageInput = string | Uint8Array | ArrayBuffer | ArrayBufferView;

/** What a message in fragments can be made of. */
export type MessageSource = Iterable<Message> | AsyncIterable<Message>;

/** Throws `UsageError` `websocket/bad-message`. Copies nothing. */
export function toMessage(given: MessageInput): Message {
  if (typeof given === "string" || given instanceof Uint8Array) return given;
  if (ArrayBuffer.isView(given)) return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  if (given instanceof ArrayBuffer) return new Uint8Array(given);
  throw badMessage(`Cannot send ${kindOf(given)}: expected a string or bytes; for values there is sendJson`);
}

/** What `JSON.stringify` makes of a value. Throws `UsageError` `websocket/bad-message` if that is nothing, or fails. */
export function jsonMessage(value: unknown): string {
  let text: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw badMessage("Cannot send as JSON: JSON.stringify failed, see the cause", error);
  }
  if (typeof text === "string") return text;
  throw badMessage(`Cannot send ${kindOf(value)} as JSON: there is no text for it`);
}

/** Throws `UsageError` `websocket/bad-message` for what has no parts, and for a whole message: its parts would be single characters. */
export function checkSource(given: MessageSource): void {
  const isObject = typeof given === "object" && given !== null && !ArrayBuffer.isView(given);
  if (isObject && (Symbol.asyncIterator in given || Symbol.iterator in given)) return;
  throw badMessage(
    `Cannot send ${kindOf(given)} in fragments: expected an iterable of parts; for one piece there is send`,
  );
}

/** A part of a message in fragments. Throws `UsageError` `websocket/bad-message`. */
export function checkPart(part: Message): void {
  if (typeof part === "string" || part instanceof Uint8Array) return;
  throw badMessage(`Cannot send ${kindOf(part)} as a part: expected a string or a Uint8Array`);
}

/** The error for what `prepareMessage` has not made. */
export function notPrepared(given: unknown): UsageError {
  return badMessage(`Cannot send ${kindOf(given)}: expected what prepareMessage makes`);
}

/** The error for bytes that were to be text. */
export function notText(): UsageError {
  return badMessage("Cannot send the message as text: its bytes are not UTF-8");
}

function badMessage(message: string, cause?: unknown): UsageError {
  return new UsageError("websocket/bad-message", message, cause === undefined ? undefined : { cause });
}
