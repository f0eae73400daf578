/** Reads a web stream piece by piece, in a way that can be cancelled while a piece is awaited. */

import type { ReadableStreamDefaultReader, ReadableStream as WebReadableStream } from "node:stream/web";
import { cancelQuietly } from "./cancel-quietly.js";

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

/** The stream's own iterator waits for the piece under way before it cancels; this one does not. */
export class WebStreamPieces implements AsyncIterableIterator<unknown, undefined> {
  readonly #stream: WebReadableStream<unknown>;
  readonly #reader: ReadableStreamDefaultReader<unknown>;

  /** Locks the stream. */
  constructor(stream: WebReadableStream<unknown>) {
    this.#stream = stream;
    this.#reader = stream.getReader();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const { done, value } = await this.#reader.read();
    return done ? DONE : { value, done: false };
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    await cancelQuietly(this.#stream, this.#reader);
    return DONE;
  }
}
