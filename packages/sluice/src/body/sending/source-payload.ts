/** A body that is pulled from somewhere: a stream, an iterable, a blob, a file. */

import { UsageError } from "../../errors.js";
import { PayloadReader, type PayloadSource } from "./payload-reader.js";

/** Opens its source at most as often as that can be opened. */
export class SourcePayload {
  readonly length: number | undefined;
  readonly contentType: string | undefined;
  readonly replayable: boolean;
  readonly whole = undefined;
  readonly #source: PayloadSource;
  #opened = false;

  constructor(source: PayloadSource) {
    this.#source = source;
    this.length = source.length;
    this.contentType = source.contentType;
    this.replayable = source.replayable;
  }

  get untouched(): boolean {
    return !this.#opened;
  }

  open(): AsyncIterableIterator<Uint8Array, undefined> {
    if (this.#opened && !this.replayable) {
      throw new UsageError(
        "body/already-used",
        "Cannot send the body again: it is a stream; give a function that makes it",
      );
    }
    this.#opened = true;
    return new PayloadReader(this.#source);
  }

  discard(): void {
    this.#source.discard();
  }

  takeBack(piece: Uint8Array): void {
    this.#source.takeBack?.(piece);
  }
}
