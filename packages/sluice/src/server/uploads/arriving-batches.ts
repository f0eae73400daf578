/**
 * A request's body on its way into an upload: collected into buffers that are worth a write, each byte copied once, out of the memory that
 * the connection reads into. While one buffer is written the next one fills; when it is full before the disk is done, the wire waits. What
 * was written is filled again, so that a body of any size goes through three buffers at the most. When somebody else wants the upload, what
 * has arrived by then is given out all the same: it was sent once, and need not be sent again.
 */

import type { Body } from "../../body/body.js";
import type { BodyFlow, DirectReader } from "../../body/body-flow.js";
import { onAbort, type StopListening } from "../../concurrency/abort.js";
import type { Clock } from "../../concurrency/clock.js";
import { PieceMemory } from "../../platform/file-pieces.js";
import { asAnswer } from "../request/body-faults.js";

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });
/** A client so slow that it takes longer to fill a buffer has what it sent written nevertheless. */
const MOST_COLLECTING_MS = 2_000;

/** How a body is collected. */
export interface BatchRules {
  /** Bytes to collect; the last batch may have fewer, and those of a slow client. From 1. */
  readonly batchBytes: number;
  readonly clock: Clock;
  /** Somebody else wants the upload. */
  readonly signal: AbortSignal;
  /** Told how many bytes have come before they are taken; what it throws ends the body, behind what came before. */
  readonly onArrival: (byteLength: number) => void;
}

interface Filled {
  readonly buffer: Uint8Array;
  readonly length: number;
}

/**
 * To be iterated once; a batch is valid until the next one is asked for. Rejects with the body's error, or with the signal's reason, when
 * all that has arrived was given out.
 */
export class ArrivingBatches implements AsyncIterableIterator<Uint8Array, undefined>, DirectReader {
  readonly #flow: BodyFlow;
  readonly #rules: BatchRules;
  readonly #memory: PieceMemory;
  readonly #stopListening: StopListening;
  readonly #ready: Filled[] = [];
  #given: Uint8Array | undefined = undefined;
  #filling: Uint8Array | undefined = undefined;
  #filled = 0;
  #begunAt = 0;
  #outcome: { readonly error: unknown } | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor(body: Body, rules: BatchRules) {
    this.#rules = rules;
    this.#memory = new PieceMemory(rules.batchBytes);
    this.#flow = body.readWith((flow) => flow);
    this.#flow.divert(this);
    this.#stopListening = onAbort(rules.signal, (reason) => this.#settle(reason));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#given !== undefined) this.#memory.takeBack(this.#given);
    this.#given = undefined;
    for (;;) {
      const next = this.#ready.shift();
      if (next !== undefined) return { value: this.#give(next), done: false };
      if (this.#outcome !== undefined) return this.#end(this.#outcome.error);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#settle(undefined);
    this.#ready.length = 0;
    return Promise.resolve(this.#end(undefined));
  }

  // As the body's reader.

  get full(): boolean {
    return this.#ready.length > 0;
  }

  onPiece(piece: Uint8Array): void {
    const { clock, onArrival } = this.#rules;
    onArrival(piece.byteLength);
    const now = clock.now();
    for (let at = 0; at < piece.byteLength; ) at += this.#copy(piece, at, now);
    if (now - this.#begunAt >= MOST_COLLECTING_MS) this.#handOver();
  }

  onEnd(): void {
    this.#settle(undefined);
  }

  /** What is wrong with a body is its client's doing, and is answered as that. */
  onFail(error: Error): void {
    this.#settle(asAnswer(error, Number.POSITIVE_INFINITY));
  }

  #copy(piece: Uint8Array, at: number, now: number): number {
    if (this.#filling === undefined) {
      this.#filling = this.#memory.take(this.#memory.pieceBytes);
      this.#begunAt = now;
    }
    const length = Math.min(piece.byteLength - at, this.#filling.byteLength - this.#filled);
    this.#filling.set(piece.subarray(at, at + length), this.#filled);
    this.#filled += length;
    if (this.#filled === this.#filling.byteLength) this.#handOver();
    return length;
  }

  #handOver(): void {
    if (this.#filling === undefined) return;
    this.#ready.push({ buffer: this.#filling, length: this.#filled });
    this.#filling = undefined;
    this.#filled = 0;
    this.#wake?.();
  }

  #give({ buffer, length }: Filled): Uint8Array {
    this.#given = buffer;
    this.#flow.readOn();
    return buffer.subarray(0, length);
  }

  /** Nothing more is taken; the first to say why is heard. */
  #settle(error: unknown): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = { error };
    this.#handOver();
    this.#flow.cancel(undefined);
    this.#wake?.();
  }

  #end(error: unknown): IteratorReturnResult<undefined> {
    this.#stopListening();
    if (error !== undefined) throw error;
    return DONE;
  }
}
