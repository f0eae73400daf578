/**
 * A streamed body whose first piece is there before anything is sent: a source that fails at once, a query that cannot be made for
 * example, is answered with an error and not with half an answer. Costs nothing per piece: behind the first, the source's own
 * iterator is read.
 */

import type { ContentCoding } from "../body/content-coding.js";
import type { Payload } from "../body/payload.js";
import { onAbort } from "../concurrency/abort.js";

/** The same payload, which can be asked for its beginning. */
export class PrimedPayload implements Payload {
  readonly replayable = false;
  readonly whole = undefined;
  readonly #payload: Payload;
  #pieces: AsyncIterator<Uint8Array> | undefined;
  #first: IteratorResult<Uint8Array> | undefined;

  constructor(payload: Payload) {
    this.#payload = payload;
  }

  get length(): number | undefined {
    return this.#payload.length;
  }

  get contentType(): string | undefined {
    return this.#payload.contentType;
  }

  get contentEncoding(): ContentCoding | undefined {
    return this.#payload.contentEncoding;
  }

  get untouched(): boolean {
    return this.#pieces === undefined && this.#payload.untouched === true;
  }

  /** Resolves when the first piece, or the end, is there. Rejects with what the source fails with, or the reason of `signal`. */
  async prime(signal: AbortSignal): Promise<void> {
    const stop = onAbort(signal, () => this.discard());
    try {
      this.#pieces = this.#payload.open()[Symbol.asyncIterator]();
      this.#first = await this.#pieces.next();
    } catch (error) {
      // Having been released may show as an error of the source's.
      throw signal.aborted ? signal.reason : error;
    } finally {
      stop();
    }
  }

  open(): AsyncIterable<Uint8Array> {
    const pieces = this.#pieces;
    if (pieces === undefined) return this.#payload.open();
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          const first = this.#first;
          if (first === undefined) return pieces.next();
          this.#first = undefined;
          return Promise.resolve(first);
        },
        return: async () => {
          await pieces.return?.();
          return { value: undefined, done: true };
        },
      }),
    };
  }

  discard(): void {
    this.#first = undefined;
    this.#payload.discard();
    // A source that cannot even be released has nobody left to tell.
    this.#pieces?.return?.().then(ignored, ignored);
  }

  endSoon(): void {
    this.#payload.endSoon?.();
  }
}

function ignored(): void {}
