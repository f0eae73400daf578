/** The body of an answer as the stream that `response.body` is: nothing is read before somebody reads it. */
import type { ReadableStream as WebReadableStream } from "node:stream/web";
import type { Body } from "../../body/body.js";
import { ownExactly } from "../../body/own-bytes.js";
import { isSluiceError } from "../../errors.js";

/** A byte stream; its failures are what the standard makes of them, see {@link bodyFailure}. */
export function responseStream(body: Body): WebReadableStream<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const result = await pieces.next().catch((error: unknown) => Promise.reject(bodyFailure(error)));
      if (result.done === true) {
        controller.close();
        // A BYOB read that was waiting is answered with no bytes, as the standard asks.
        controller.byobRequest?.respond(0);
      } else controller.enqueue(ownExactly(result.value));
    },
    async cancel() {
      await pieces.return?.();
    },
  });
}

/** A stream of a body that was read in another way: closed, and read. */
export function spentStream(): WebReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>();
  void stream.cancel();
  return stream;
}

/** All bytes of a stream. */
export async function collectStream(stream: WebReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A body that broke off is a `TypeError` with the reason as its cause; what the caller aborted with stays as it is. */
export function bodyFailure(error: unknown): unknown {
  return isSluiceError(error) ? new TypeError("terminated", { cause: error }) : error;
}
