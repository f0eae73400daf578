/**
 * The client's body on its way to the origin. Nothing is asked of the client before the origin's connection takes the body: asking is what
 * sends 100 (Continue), and what is not asked for waits with the client (RFC 9110 §10.1.1).
 */

import { type Payload, type PayloadTrailers, toPayload } from "../body/payload.js";
import type { ServerExchange } from "../server/exchange.js";
import { findField, joinField } from "../server/field-lookup.js";
import { HttpError } from "../server/http-error.js";
import { announcedTrailers, endToEndTrailers } from "./end-to-end-fields.js";
import { isForwardingField } from "./forwarding-fields.js";

/** A body of up to so many bytes that is here with its head is sent in one piece, and can be sent again. */
const WHOLE_BYTES = 64 * 1024;

/** The body of `exchange`, or undefined if it has none. Throws `HttpError` 413 for one that says to be larger than `maxBytes`. */
export function uploadOf(exchange: ServerExchange, maxBytes: number): Payload | undefined {
  if (!exchange.hasBody) return undefined;
  const declared = findField(exchange.fields, "content-length");
  const length = declared === undefined ? undefined : Number(declared);
  if (length !== undefined && length > maxBytes) throw tooLarge(maxBytes);
  const waits = findField(exchange.fields, "expect") !== undefined;
  const whole = length !== undefined && length <= WHOLE_BYTES && !waits ? exchange.body.takeWhole(length) : undefined;
  return whole === undefined ? new Upload(exchange, length, maxBytes) : toPayload(whole);
}

/** A body that is sent as it arrives, once. */
export class Upload implements Payload {
  readonly length: number | undefined;
  /** The client's own `Content-Type` is among the fields. */
  readonly contentType = undefined;
  readonly replayable = false;
  readonly whole = undefined;
  readonly trailers?: PayloadTrailers;
  /** What the client has done wrong, as the answer it deserves: the origin is not to blame for what follows. */
  fault: HttpError | undefined = undefined;
  readonly #exchange: ServerExchange;
  readonly #maxBytes: number;
  #opened = false;

  /** `length` undefined: chunked, and so with room for trailers. */
  constructor(exchange: ServerExchange, length: number | undefined, maxBytes: number) {
    this.#exchange = exchange;
    this.#maxBytes = maxBytes;
    this.length = length;
    if (length === undefined) this.trailers = trailersOf(exchange);
  }

  get untouched(): boolean {
    return !this.#opened;
  }

  async *open(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#opened = true;
    let received = 0;
    try {
      for await (const piece of this.#exchange.body) {
        received += piece.byteLength;
        if (received > this.#maxBytes) throw tooLarge(this.#maxBytes);
        yield piece;
      }
    } catch (error) {
      this.fault = error instanceof HttpError ? error : brokenOff(error);
      // The session describes what it throws, in words for the log: not the one that the client is to see.
      throw error instanceof HttpError ? new Error(error.message) : error;
    }
  }

  /** What was not asked for is the server's to let pass. */
  discard(): void {
    this.#opened = true;
  }
}

function trailersOf(exchange: ServerExchange): PayloadTrailers {
  return {
    names: announcedTrailers(joinField(exchange.fields, "trailer")),
    make: () => endToEndTrailers(exchange.body.trailers ?? [], isForwardingField),
  };
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `The body has more than ${maxBytes} bytes`, { code: "server/body-too-large" });
}

function brokenOff(cause: unknown): HttpError {
  return new HttpError(400, "The body did not arrive completely", { code: "proxy/request-broken", cause });
}
