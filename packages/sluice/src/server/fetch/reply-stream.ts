/** The payload of a reply as the stream that is its response's body: pulled when it is read, released when nobody will read on. */

import type { ReadableByteStreamController, ReadableStream as WebReadableStream } from "node:stream/web";
import type { Payload } from "../../body/payload.js";
import { UsageError } from "../../errors.js";
import type { Reply } from "../reply.js";
import { callerGone, type RequestExchange } from "./request-exchange.js";

/**
 * A byte stream. It fails with the reason when the request is aborted, and with `UsageError` `body/length-mismatch` when the payload is
 * not as long as it said; to cancel it is to go away.
 */
export function replyStream(reply: Reply, payload: Payload, exchange: RequestExchange): WebReadableStream<Uint8Array> {
  const source = new ReplySource(reply, payload, exchange);
  return new ReadableStream({
    type: "bytes",
    start: (controller) => source.start(controller),
    pull: (controller) => source.pull(controller),
    cancel: (reason: unknown) => source.cancel(reason),
  });
}

/** What is behind the stream. */
class ReplySource {
  readonly #reply: Reply;
  readonly #exchange: RequestExchange;
  readonly #length: number | undefined;
  readonly #pieces: AsyncIterator<Uint8Array>;
  #sent = 0;
  #over = false;

  constructor(reply: Reply, payload: Payload, exchange: RequestExchange) {
    this.#reply = reply;
    this.#exchange = exchange;
    this.#length = payload.length;
    this.#pieces = payload.open()[Symbol.asyncIterator]();
  }

  start(controller: ReadableByteStreamController): void {
    const { signal } = this.#exchange;
    signal.addEventListener("abort", () => {
      if (this.#over) return;
      controller.error(signal.reason);
      this.#giveUp(callerGone(signal.reason));
    });
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    try {
      const result = await this.#pieces.next();
      if (this.#over) return;
      if (result.done !== true) {
        this.#count(result.value.byteLength);
        // The stream takes the buffer away from whoever holds it: only a copy may go.
        controller.enqueue(new Uint8Array(result.value));
        return;
      }
      if (this.#length !== undefined && this.#sent < this.#length) throw lengthMismatch(this.#length, this.#sent);
      this.#finish(undefined);
      controller.close();
      // A BYOB read that was waiting is answered with no bytes, as the standard asks.
      controller.byobRequest?.respond(0);
    } catch (error) {
      this.#giveUp(error);
      throw error;
    }
  }

  cancel(reason: unknown): void {
    const gone = callerGone(reason);
    this.#exchange.leave(gone);
    this.#giveUp(gone);
  }

  #count(byteLength: number): void {
    this.#sent += byteLength;
    if (this.#length !== undefined && this.#sent > this.#length) throw lengthMismatch(this.#length, this.#sent);
  }

  #giveUp(reason: unknown): void {
    if (this.#over) return;
    this.#finish(reason instanceof Error ? reason : new Error("The body's source failed", { cause: reason }));
    // What made us stop is the error that is told; a second one while cleaning up has nobody left to tell.
    this.#pieces.return?.().catch(() => undefined);
  }

  #finish(error: Error | undefined): void {
    this.#over = true;
    this.#exchange.end();
    this.#reply.onSent?.(this.#sent, error);
  }
}

function lengthMismatch(declaredBytes: number, givenBytes: number): UsageError {
  return new UsageError(
    "body/length-mismatch",
    `Cannot send the body: its source gave ${givenBytes} bytes instead of the declared ${declaredBytes}`,
  );
}
