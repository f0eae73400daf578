/** The pieces of a body in a content coding, coded as they are asked for. */

import { nextTurn } from "../../concurrency/clock.js";
import type { EncodingStream } from "../content-coding.js";

/** One pass. Not a generator: `return` has to reach the source even while a piece is awaited. */
export class CompressedPieces implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #stream: EncodingStream;
  readonly #coded: AsyncIterator<Uint8Array>;
  readonly #flush: (() => void) | undefined;
  #started = false;
  #over = false;
  #failed = false;
  #reason: unknown;

  /** `flush` is called when the source has nothing more to give for now, after it has given something. */
  constructor(source: AsyncIterator<Uint8Array>, stream: EncodingStream, flush?: () => void) {
    this.#source = source;
    this.#stream = stream;
    this.#flush = flush;
    this.#coded = stream[Symbol.asyncIterator]();
    // Whoever iterates gets the error; an "error" event without a listener would end the process.
    stream.on("error", () => {});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Rejects with what the source fails with; it is released then. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const next = this.#coded.next();
    if (!this.#started) {
      this.#started = true;
      void this.#feed();
    }
    try {
      const { done, value } = await next;
      return done === true ? { value: undefined, done } : { value, done: false };
    } catch (error) {
      if (this.#failed) throw this.#reason;
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#over = true;
    this.#stream.destroy();
    await this.#source.return?.();
    return { value: undefined, done: true };
  }

  /** The next piece is asked for when the one before has been coded, and what it gave has been taken. */
  async #feed(): Promise<void> {
    try {
      for (let step = await this.#source.next(); step.done !== true; ) {
        await this.#write(step.value);
        const coming = this.#source.next();
        if (this.#flush !== undefined) this.#flushUnlessReady(coming, this.#flush);
        step = await coming;
      }
      this.#stream.end();
    } catch (error) {
      this.#failed = true;
      this.#reason = error;
      this.#stream.destroy(new Error("The source has failed"));
    }
  }

  /** A source is said to pause when its next piece is not there by the next turn of the event loop. */
  #flushUnlessReady(coming: Promise<unknown>, flush: () => void): void {
    let ready = false;
    const settled = (): void => {
      ready = true;
    };
    // What it fails with is for those who await it.
    coming.then(settled, settled);
    void nextTurn().then(() => {
      if (!ready && !this.#over) flush();
    });
  }

  #write(piece: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
}
