/**
 * What a mock answers: a status with its fields and body, bytes as they are, or a fault. Answers are written by the server's own
 * engine, so framing, `Date` and connection handling are real; faults happen on the connection, behind what was written.
 */

import { jsonPayload, type Payload, type PlainBodyInput, toPayload } from "../../body/payload.js";
import { fieldLinesOf } from "../../client/option-values.js";
import type { HeadersInput } from "../../client/options.js";
import { ConnectError, DnsError, UsageError } from "../../errors.js";
import { refuseUnknown, requireNumber } from "../../options.js";
import { fileSize } from "../../platform/file-size.js";
import { Reply } from "../../server/reply.js";
import type { MockRequest } from "./mock-request.js";

/** How a connection ends early: reset as by a crash, closed in good order, or silent while it stays open. */
export type MockBreak = "reset" | "close" | "stall";

/** Fields, body and manner of a mock's answer. At most one of `json`, `text`, `bytes` and `stream`. */
export interface MockReplyOptions {
  readonly headers?: HeadersInput;
  /** In place of the status's usual phrase. */
  readonly reason?: string;
  /** A body of JSON, with its `Content-Type`. */
  readonly json?: unknown;
  /** A body of UTF-8 text, as `text/plain` unless `headers` say otherwise. */
  readonly text?: string;
  /** A body of these bytes. */
  readonly bytes?: Uint8Array;
  /** A body of pieces, sent as they come. Give a function that makes the source where more than one request is answered. */
  readonly stream?: PlainBodyInput | (() => PlainBodyInput);
  /** Breaks the answer off when so many bytes of its body have been sent: 0 is right after the head. */
  readonly breakAfter?: number;
  /** How. @default "reset" */
  readonly breakBy?: MockBreak;
}

/** An answer as a function gives it. */
export interface MockReply extends MockReplyOptions {
  /** 200 to 599. @default 200 */
  readonly status?: number;
}

/** Makes the answer from the request. */
export type MockReplyFunction = (request: MockRequest) => MockReply | Promise<MockReply>;

/**
 * A fault in place of an answer. `refused` and `dns` fail the request as if there had been no connection (`ConnectError`,
 * `DnsError`); `reset` and `close` end the connection without an answer; `stall` leaves it without one for ever, for time-outs. An
 * `Error` reaches the request as it is if it is a `SluiceError`, else as the cause of a `ConnectionLostError`.
 */
export type MockFault = "refused" | "dns" | MockBreak | Error;

const KNOWN: ReadonlySet<string> = new Set<keyof MockReply>([
  "status",
  "headers",
  "reason",
  "json",
  "text",
  "bytes",
  "stream",
  "breakAfter",
  "breakBy",
]);
const BODIES = ["json", "text", "bytes", "stream"] as const;
const BREAKS: readonly unknown[] = ["reset", "close", "stall"] satisfies MockBreak[];
const FAULTS: readonly unknown[] = ["refused", "dns", ...BREAKS];

/** Checks what `toAnswer` is to be made from. Throws `UsageError` `options/…` or `reply/status`. */
export function checkReply(reply: MockReply): void {
  refuseUnknown("mock reply", reply, KNOWN);
  if (BODIES.filter((name) => reply[name] !== undefined).length > 1) {
    throw new UsageError(
      "options/body",
      "Cannot reply with more than one body: give one of json, text, bytes and stream",
    );
  }
  const { breakAfter = 0, breakBy = "reset" } = reply;
  requireNumber("mock reply.breakAfter", breakAfter, 0, Number.POSITIVE_INFINITY);
  requireBreak(breakBy);
}

/** Throws `UsageError` `options/unknown-value` for anything but a {@link MockBreak}. */
export function requireBreak(given: unknown): void {
  if (BREAKS.includes(given)) return;
  throw new UsageError(
    "options/unknown-value",
    `Cannot break a reply off by ${String(given)}: known are ${BREAKS.join(", ")}`,
  );
}

/** Throws `UsageError` `options/unknown-value` for anything but a {@link MockFault}. */
export function requireFault(given: unknown): void {
  if (given instanceof Error || FAULTS.includes(given)) return;
  throw new UsageError(
    "options/unknown-value",
    `Cannot fail with ${String(given)}: expected an Error or one of ${FAULTS.join(", ")}`,
  );
}

/**
 * The answer for the server's engine; `broken` is called where it breaks off. Throws `UsageError` for what cannot be sent.
 */
export function toAnswer(reply: MockReply, broken: () => void): Reply {
  const payload = payloadOf(reply);
  const fields = reply.headers === undefined ? [] : [...fieldLinesOf(reply.headers)];
  const type = payload?.contentType;
  const hasType = fields.some((name, at) => at % 2 === 0 && name.toLowerCase() === "content-type");
  if (type !== undefined && !hasType) fields.unshift("Content-Type", type);
  const cut = reply.breakAfter === undefined ? payload : cutPayload(payload ?? toPayload(""), reply.breakAfter, broken);
  const answer = new Reply(reply.status ?? 200, fields, cut);
  answer.reason = reply.reason;
  return answer;
}

/** What the request fails with where the fault is one of connecting. */
export function connectFault(fault: "refused" | "dns", url: URL): ConnectError {
  const { hostname, host } = url;
  if (fault === "dns") {
    return new DnsError("dns/not-found", `Cannot resolve ${hostname}: the mock says that it has no address`, {
      phase: "dns",
    });
  }
  return new ConnectError("connect/refused", `Cannot connect to ${host}: the mock refuses the connection`, {
    phase: "connect",
  });
}

function payloadOf({ json, text, bytes, stream }: MockReplyOptions): Payload | undefined {
  if (json !== undefined) return jsonPayload(json);
  if (text !== undefined) return toPayload(text);
  if (bytes !== undefined) return toPayload(bytes);
  return stream === undefined ? undefined : toPayload(stream, { fileSize });
}

/** The first `bytes` of a payload that says it is whole; then `broken`, and nothing more. */
function cutPayload(payload: Payload, bytes: number, broken: () => void): Payload {
  return {
    // Without a length the body is chunked, and misses its last chunk; with one, at least a byte has to be owed.
    length: payload.length === undefined || payload.length > bytes ? payload.length : bytes + 1,
    contentType: payload.contentType,
    replayable: payload.replayable,
    whole: undefined,
    open: () => new CutPieces(payload.open()[Symbol.asyncIterator](), bytes, broken),
    discard: () => payload.discard(),
  };
}

/** See {@link cutPayload}. No generator: one that waits for ever could not be ended. */
class CutPieces implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #broken: () => void;
  #left: number;

  constructor(pieces: AsyncIterator<Uint8Array>, bytes: number, broken: () => void) {
    this.#pieces = pieces;
    this.#left = bytes;
    this.#broken = broken;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const next = this.#left > 0 ? await this.#pieces.next() : undefined;
    if (next === undefined || next.done === true) {
      this.#broken();
      return new Promise(() => undefined);
    }
    const piece = next.value.subarray(0, this.#left);
    this.#left -= piece.byteLength;
    return { done: false, value: piece };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#pieces.return?.();
    return { done: true, value: undefined };
  }
}
