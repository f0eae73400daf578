/** The pieces of a stream of which some were read already, and one perhaps is being read. */

import type { ReadableStreamDefaultReader, ReadableStream as WebReadableStream } from "node:stream/web";
import { cancelQuietly } from "../../body/sending/cancel-quietly.js";

/** A read under way. */
export type Reading = ReturnType<ReadableStreamDefaultReader<unknown>["read"]>;

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

/** A stream locked to a reader, and how far it has been read. */
export interface HalfRead {
  readonly stream: WebReadableStream<unknown>;
  readonly reader: ReadableStreamDefaultReader<unknown>;
  readonly pieces: readonly Uint8Array[];
  readonly reading: Reading | undefined;
}

/** Ending the iteration early, even before its first step, cancels the stream. */
export class ReadPieces implements AsyncIterableIterator<unknown, undefined> {
  readonly #from: HalfRead;
  #taken = 0;
  #reading: Reading | undefined;

  constructor(from: HalfRead) {
    this.#from = from;
    this.#reading = from.reading;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const { pieces, reader } = this.#from;
    if (this.#taken < pieces.length) {
      this.#taken += 1;
      return { value: pieces[this.#taken - 1], done: false };
    }
    const reading = this.#reading ?? reader.read();
    this.#reading = undefined;
    const { done, value } = await reading;
    return done ? DONE : { value, done: false };
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    await cancelQuietly(this.#from.stream, this.#from.reader);
    return DONE;
  }
}
