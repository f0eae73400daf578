/** The body of a request being served as the stream that `request.body` is: nothing is read, or continued with, before somebody reads. */

import type { ReadableStream as WebReadableStream } from "node:stream/web";
import { ownExactly } from "../../body/own-bytes.js";
import type { ServerExchange } from "../exchange.js";
import { findField } from "../field-lookup.js";
import { bodyFailure, bodyTooLarge } from "./body-failure.js";

/** How much a stream gives before it fails; may be changed on the way. */
export interface StreamBound {
  maxBytes: number;
}

/** A byte stream. Its failures are those of {@link bodyFailure}; cancelling it gives the body up. */
export function servedStream(exchange: ServerExchange, bound: StreamBound): WebReadableStream<Uint8Array> {
  let pieces: AsyncIterator<Uint8Array, undefined> | undefined;
  let byteCount = 0;
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      try {
        pieces ??= begin(exchange, bound);
        const result = await pieces.next();
        if (result.done === true) {
          controller.close();
          // A BYOB read that was waiting is answered with no bytes, as the standard asks.
          controller.byobRequest?.respond(0);
          return;
        }
        byteCount += result.value.byteLength;
        if (byteCount > bound.maxBytes) {
          await pieces.return?.();
          throw bodyTooLarge(bound.maxBytes);
        }
        controller.enqueue(ownExactly(result.value));
      } catch (error) {
        throw bodyFailure(error, bound.maxBytes);
      }
    },
    async cancel() {
      await pieces?.return?.();
    },
  });
}

/** Refused before 100 (Continue) is sent, which asking for the body does (RFC 9110 §10.1.1). */
function begin(exchange: ServerExchange, { maxBytes }: StreamBound): AsyncIterator<Uint8Array, undefined> {
  const declared = findField(exchange.fields, "content-length");
  if (declared !== undefined && Number(declared) > maxBytes) throw bodyTooLarge(maxBytes);
  return exchange.body[Symbol.asyncIterator]();
}

/** A stream that was read: what is left of a body that was taken in another way. */
export function spentStream(): WebReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>();
  void stream.cancel();
  return stream;
}
