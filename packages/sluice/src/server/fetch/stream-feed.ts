/** Feeds a `Body` from a web stream: pulls while the body has room. */

import type { ReadableStreamDefaultReader, ReadableStream as WebReadableStream } from "node:stream/web";
import { Body, type BodySource } from "../../body/body.js";
import { UsageError } from "../../errors.js";

/** See the head of this file. */
export class StreamFeed implements BodySource {
  readonly #body: Body;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  #reading = false;
  #paused = false;

  private constructor(stream: WebReadableStream<unknown>) {
    this.#reader = stream.getReader();
    this.#body = new Body(this);
  }

  /** The body of `stream`, which is locked from now on, and read as far as the body keeps pieces. */
  static bodyOf(stream: WebReadableStream<unknown>): Body {
    const feed = new StreamFeed(stream);
    feed.#pull();
    return feed.#body;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pull();
  }

  cancel(reason: Error | undefined): void {
    this.#paused = true;
    // What its source says to that is nobody's concern any more.
    this.#reader.cancel(reason).catch(() => undefined);
  }

  #pull(): void {
    if (this.#reading || this.#paused) return;
    this.#reading = true;
    this.#reader.read().then(this.#onRead, (error: unknown) => this.#body.fail(asError(error)));
  }

  readonly #onRead = ({ done, value }: Awaited<ReturnType<ReadableStreamDefaultReader<unknown>["read"]>>): void => {
    this.#reading = false;
    if (done) {
      this.#body.finish([]);
      return;
    }
    if (!(value instanceof Uint8Array)) {
      const error = new UsageError("body/unknown-piece", `Cannot read a piece of type ${typeof value}: expected bytes`);
      this.#body.fail(error);
      this.cancel(error);
      return;
    }
    // The piece is still its maker's, who may change it.
    if (!this.#body.push(value, true)) this.#paused = true;
    this.#pull();
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error("The body's stream failed", { cause: error });
}
