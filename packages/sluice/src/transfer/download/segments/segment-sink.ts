/**
 * The bytes of one answer on their way to the file: copied into a buffer of a megabyte, which is written while the next one fills. Two
 * trips to the disk's threads for two megabytes instead of thirty, and no more than three buffers held; when the disk is slower than the
 * wire, the wire waits. The rate limit is paid here, after reading, so that it reaches the peer as TCP's own back-pressure.
 */

import type { DirectReader } from "../../../body/body-flow.js";
import type { Clock } from "../../../concurrency/clock.js";
import { CallbackDeadline } from "../../../concurrency/deadline.js";
import type { RateLimiter } from "../../rate-limiter.js";
import type { Claim } from "./work-plan.js";

/** How the answer ended: all of it came; its claim's end came first; more came than it said; it broke off, or the disk refused. */
export type SinkEnd =
  | { readonly how: "end" | "limit" | "long" }
  | { readonly how: "broken" | "disk"; readonly error: unknown };

/** What a sink needs around it. */
export interface SinkPlace {
  readonly buffers: BufferStock;
  readonly clock: Clock;
  readonly limiter: RateLimiter | undefined;
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** These bytes are in the file now. */
  onWritten(start: number, end: number): void;
  /** So many bytes came. */
  onReceived(byteLength: number): void;
  /** The claim has ended and the answer has not: whether the claim was lengthened. */
  extend(claim: Claim): boolean;
}

/** The flow of bytes that a sink reads, which it can hold up and end. */
export interface SinkSource {
  readOn(): void;
  cancel(error: Error | undefined): void;
}

interface Filled {
  readonly buffer: Uint8Array;
  readonly length: number;
  readonly position: number;
}

/** Buffers of one size that are used again. */
export class BufferStock {
  readonly byteLength: number;
  readonly #free: Uint8Array[] = [];

  constructor(byteLength: number) {
    this.byteLength = byteLength;
  }

  take(): Uint8Array {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.byteLength);
  }

  giveBack(buffer: Uint8Array): void {
    this.#free.push(buffer);
  }
}

/** See the head of this file. */
export class SegmentSink implements DirectReader {
  full = false;
  /** Resolves once, when nothing more will come; what came may still have to be written: {@link SegmentSink.flush}. */
  readonly ended: Promise<SinkEnd>;
  readonly #claim: Claim;
  readonly #place: SinkPlace;
  readonly #answerEnd: number;
  #skip: number;
  #source: SinkSource | undefined;
  #end: ((end: SinkEnd) => void) | undefined;
  #buffer: Uint8Array | undefined;
  #filled = 0;
  readonly #waiting: Filled[] = [];
  #writing: Promise<void> | undefined;
  #broken: { readonly error: unknown } | undefined;
  #restUntil: CallbackDeadline | undefined;

  /** The answer has the bytes up to `answerEnd`, `Infinity` for nobody knows; its first `skip` bytes are not wanted. */
  constructor(
    claim: Claim,
    place: SinkPlace,
    { answerEnd, skip }: { readonly answerEnd: number; readonly skip: number },
  ) {
    this.#claim = claim;
    this.#place = place;
    this.#answerEnd = answerEnd;
    this.#skip = skip;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Where the bytes come from. Before the first one. */
  connect(source: SinkSource): void {
    this.#source = source;
  }

  onPiece(piece: Uint8Array): void {
    if (this.#end === undefined) return;
    const from = Math.min(this.#skip, piece.byteLength);
    this.#skip -= from;
    const wanted = from === 0 ? piece : piece.subarray(from);
    if (wanted.byteLength === 0) return;
    const before = this.#claim.position;
    this.#takeAll(wanted);
    this.#account(this.#claim.position - before);
  }

  onEnd(): void {
    this.#finish({ how: "end" });
  }

  onFail(error: Error): void {
    this.#finish({ how: "broken", error });
  }

  /** All that has come so far is written when this resolves. Rejects with what the disk said. */
  async flush(): Promise<void> {
    if (this.#filled > 0) this.#rotate();
    while (this.#writing !== undefined) await this.#writing;
    if (this.#broken !== undefined) throw this.#broken.error;
  }

  /** Ends it, whatever was to come; harmless when it is over. */
  stop(how: "limit"): void {
    this.#finish({ how });
    this.#source?.cancel(undefined);
  }

  /** Gives its buffer back. After the last {@link SegmentSink.flush}. */
  close(): void {
    if (this.#buffer !== undefined) this.#place.buffers.giveBack(this.#buffer);
    this.#buffer = undefined;
  }

  #takeAll(piece: Uint8Array): void {
    const claim = this.#claim;
    for (let at = 0; at < piece.byteLength; ) {
      const room = claim.end - claim.position;
      if (room <= 0) {
        if (claim.position < this.#answerEnd && this.#place.extend(claim)) continue;
        this.#finish({ how: claim.position < this.#answerEnd ? "limit" : "long" });
        this.#source?.cancel(undefined);
        return;
      }
      at += this.#copy(piece, at, room);
    }
  }

  #copy(piece: Uint8Array, at: number, room: number): number {
    this.#buffer ??= this.#place.buffers.take();
    const length = Math.min(piece.byteLength - at, room, this.#buffer.byteLength - this.#filled);
    const part = at === 0 && length === piece.byteLength ? piece : piece.subarray(at, at + length);
    this.#buffer.set(part, this.#filled);
    this.#filled += length;
    this.#claim.position += length;
    if (this.#filled === this.#buffer.byteLength) this.#rotate();
    return length;
  }

  #rotate(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    const length = this.#filled;
    this.#filled = 0;
    // Nothing is written any more: what comes is passed over until the source has stopped.
    if (this.#broken !== undefined) return;
    this.#waiting.push({ buffer, length, position: this.#claim.position - length });
    this.#buffer = undefined;
    if (this.#writing === undefined) this.#writing = this.#writeWaiting();
    else this.full = true;
  }

  async #writeWaiting(): Promise<void> {
    const place = this.#place;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { buffer, length, position } = next;
      try {
        if (this.#broken === undefined) {
          await place.write(length === buffer.byteLength ? buffer : buffer.subarray(0, length), position);
          this.#claim.written = position + length;
          place.onWritten(position, position + length);
        }
      } catch (error) {
        this.#broken = { error };
        this.#finish({ how: "disk", error });
        this.#source?.cancel(undefined);
      }
      place.buffers.giveBack(buffer);
      this.#readOn();
    }
    this.#writing = undefined;
  }

  /** There is room again, and the rate allows it. */
  #readOn(): void {
    if (!this.full || this.#waiting.length > 0 || this.#restUntil !== undefined) return;
    this.full = false;
    this.#source?.readOn();
  }

  #account(byteLength: number): void {
    if (byteLength === 0) return;
    const { limiter, clock, onReceived } = this.#place;
    onReceived(byteLength);
    if (limiter === undefined) return;
    const waitMs = limiter.spend(byteLength, clock.now());
    if (waitMs === 0) return;
    this.full = true;
    this.#restUntil ??= new CallbackDeadline(() => {
      this.#restUntil = undefined;
      this.#readOn();
    });
    clock.arm(this.#restUntil, waitMs, true);
  }

  #finish(end: SinkEnd): void {
    const resolve = this.#end;
    if (resolve === undefined) return;
    this.#end = undefined;
    if (this.#restUntil !== undefined) this.#place.clock.disarm(this.#restUntil);
    this.#restUntil = undefined;
    resolve(end);
  }
}
