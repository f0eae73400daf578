/**
 * The bytes of one incoming body between the link that feeds them and the reader that wants them.
 *
 * Strategy: everything is synchronous. A piece that finds a *direct* reader (one that wants everything: collecting,
 * dropping) goes straight to it without being copied; otherwise it is kept, and a reader that pulls is woken. Flow
 * control is by bytes kept: `push` answers false above the high-water mark, and taking pieces calls `source.resume()`
 * once there is room, never from inside `push`. Two states are kept apart: what has happened on the wire, and what the
 * reader will find after the last kept piece, because a decoder may still be at work when the wire is done, and bytes
 * kept before a failure are still delivered.
 */

import { UsageError } from "../errors.js";
import type { BodyDecoder, DecoderSink } from "./body-decoder.js";
import type { BodyOutcome, BodyOwner, BodySource } from "./body-source.js";
import type { BodyTap } from "./body-tap.js";
import { copyBorrowed } from "./own-bytes.js";
import { PieceQueue } from "./piece-queue.js";

/** A reader that takes every byte at once. */
export interface DirectReader {
  /**
   * `borrowed` bytes are valid until this returns. What it throws ends the body: the reader is told through `onFail`.
   */
  onPiece(piece: Uint8Array, borrowed: boolean): void;
  onEnd(): void;
  onFail(error: Error): void;
  /**
   * Whether it wants a pause: the source is asked to stop, and no time limit runs, until it calls {@link BodyFlow.readOn}. What is on
   * its way still comes. @default false
   */
  readonly full?: boolean;
}

type WireState = "open" | BodyOutcome;
type TailState = "more" | "end" | "failed";

/** Holds, meters and delivers the bytes of one body. */
export class BodyFlow implements DecoderSink {
  readonly #source: BodySource;
  readonly #highWaterMark: number;
  readonly #kept = new PieceQueue();
  #wire: WireState = "open";
  #tail: TailState = "more";
  #error: Error | undefined = undefined;
  #wireError: Error | undefined = undefined;
  #direct: DirectReader | undefined = undefined;
  #tap: BodyTap | undefined = undefined;
  #wake: (() => void) | undefined = undefined;
  #waiting = false;
  #throttled = false;
  #pushing = false;
  #decoder: BodyDecoder | undefined = undefined;
  #owner: BodyOwner | undefined = undefined;
  #bytesReceived = 0;
  #trailers: readonly string[] | undefined = undefined;

  constructor(source: BodySource, highWaterMark: number) {
    this.#source = source;
    this.#highWaterMark = highWaterMark;
  }

  get wire(): WireState {
    return this.#wire;
  }

  /** Whether the reader has had everything, the end or the failure included. */
  get drained(): boolean {
    return this.#tail !== "more" && this.#kept.byteLength === 0;
  }

  /** Bytes from the wire, before decoding. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  get trailers(): readonly string[] | undefined {
    return this.#trailers;
  }

  get owner(): BodyOwner | undefined {
    return this.#owner;
  }

  get decoded(): boolean {
    return this.#decoder !== undefined;
  }

  /** Sets the one owner; it is told at once what it has missed. */
  ownedBy(owner: BodyOwner): void {
    this.#owner = owner;
    if (this.#waiting) owner.onWaiting(true);
    if (this.#wire !== "open") owner.onSettled(this.#wire, this.#wireError);
  }

  decodeWith(decoder: BodyDecoder): void {
    if (this.#bytesReceived > 0 || this.#wire !== "open" || this.#decoder !== undefined) {
      throw new UsageError("body/late-decoder", "Cannot add a decoder: the body has begun, or has one already");
    }
    this.#decoder = decoder;
    decoder.connect(this);
  }

  /** From now on `tap` sees what the reader gets, beginning with what is kept. One that comes while another is there sees nothing. */
  tapBy(tap: BodyTap): void {
    const missed = this.#direct !== undefined || this.#tail === "failed" || this.#tap !== undefined;
    if (missed) {
      tap.onLost();
      return;
    }
    for (const piece of this.#kept) tap.onPiece(piece);
    if (this.#tail === "end") tap.onEnd();
    else this.#tap = tap;
  }

  /** Nobody will want the decoded bytes: what comes from now on is given as it came from the wire. */
  dropDecoder(): void {
    if (this.#decoder !== undefined) this.#endTap(true);
    this.#decoder?.cancel();
    this.#decoder = undefined;
  }

  // ── the wire's side ────────────────────────────────────────────────────────────────────────────────────────────────

  push(piece: Uint8Array, borrowed: boolean): boolean {
    if (this.#wire !== "open") return true;
    this.#bytesReceived += piece.byteLength;
    this.#pushing = true;
    if (this.#decoder !== undefined) this.#decoder.write(piece, borrowed);
    else this.#deliver(piece, borrowed);
    this.#pushing = false;
    this.#throttled = this.#wire === "open" && !this.#hasRoom();
    if (this.#throttled && this.#direct !== undefined) this.#setWaiting(false);
    return !this.#throttled;
  }

  finish(trailers: readonly string[]): void {
    if (this.#wire !== "open") return;
    this.#wire = "finished";
    this.#trailers = trailers;
    this.#setWaiting(false);
    if (this.#decoder !== undefined) this.#decoder.end();
    else this.#close(undefined);
    this.#owner?.onSettled("finished", undefined);
  }

  fail(error: Error): void {
    if (this.#wire !== "open") return;
    this.#wire = "failed";
    this.#wireError = error;
    this.#setWaiting(false);
    if (this.#decoder !== undefined) this.#decoder.fail(error);
    else this.#close(error);
    this.#owner?.onSettled("failed", error);
  }

  // ── the reader's side ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Removes the next kept piece; undefined if there is none now. */
  take(): Uint8Array | undefined {
    const piece = this.#kept.shift();
    if (piece === undefined) return undefined;
    if (this.#kept.byteLength <= this.#highWaterMark) this.#decoder?.resume();
    this.#makeRoom();
    return piece;
  }

  /** After `take` found nothing: true at the end, false if more is to come; throws what the body failed with. */
  atEnd(): boolean {
    if (this.#tail === "failed" && this.#kept.byteLength === 0) throw this.#error;
    return this.drained;
  }

  /** Calls `wake` once, as soon as `take` or `atEnd` has news; perhaps before this returns, perhaps inside `push`. */
  wait(wake: () => void): void {
    this.#decoder?.start("pieces");
    if (this.#kept.byteLength > 0 || this.#tail !== "more") {
      wake();
      return;
    }
    this.#wake = wake;
    this.#setWaiting(this.#wire === "open");
  }

  /** Gives everything, what is kept and what will come, to one reader. */
  divert(reader: DirectReader): void {
    this.#direct = reader;
    this.#decoder?.start("whole");
    for (
      let piece = this.#kept.shift();
      piece !== undefined && this.#direct !== undefined;
      piece = this.#kept.shift()
    ) {
      this.#giveDirectly(reader, piece, false);
    }
    if (this.#direct === undefined) return;
    if (this.#tail !== "more") {
      this.#endDirect();
      return;
    }
    this.#setWaiting(this.#wire === "open" && reader.full !== true);
    this.#decoder?.resume();
    this.#makeRoom();
  }

  /** The reader that {@link BodyFlow.divert} named is no longer full. */
  readOn(): void {
    if (this.#direct === undefined || this.#direct.full === true) return;
    this.#setWaiting(this.#wire === "open");
    this.#decoder?.resume();
    this.#makeRoom();
  }

  /** All pieces, if all are here; undefined if not. Throws what the body failed with. */
  takeAll(): PieceQueue | undefined {
    if (this.#wire === "finished") this.#decoder?.start("whole");
    if (this.#tail === "failed") throw this.#error;
    return this.#tail === "end" ? this.#kept : undefined;
  }

  /** The reader gives up, or was ended by `error`. Harmless when everything is over. */
  cancel(error: Error | undefined): void {
    // Whoever is in the middle of what has arrived must not take this for the end.
    const untold = this.#kept.byteLength > 0 || this.#direct !== undefined;
    const missed = this.#tail === "more" || (this.#tail === "end" && untold);
    this.#kept.clear();
    this.#decoder?.cancel();
    const open = this.#wire === "open";
    if (open) this.#wire = "cancelled";
    if (missed) this.#close(error ?? new UsageError("body/cancelled", "Cannot read on: the body was cancelled"));
    if (open) this.#giveUp(error);
  }

  // ── the decoder's side ─────────────────────────────────────────────────────────────────────────────────────────────

  onDecoded(piece: Uint8Array): boolean {
    this.#deliver(piece, false);
    const room = this.#kept.byteLength <= this.#highWaterMark && this.#direct?.full !== true;
    if (!room && !this.#pushing && !this.#throttled && this.#wire === "open") {
      this.#throttled = true;
      this.#source.pause();
    }
    return room;
  }

  onDecodedEnd(): void {
    if (this.#tail === "more") this.#close(undefined);
  }

  onDecodeError(error: Error): void {
    if (this.#tail !== "more") return;
    const open = this.#wire === "open";
    if (open) this.#wire = "cancelled";
    this.#close(error);
    if (open) this.#giveUp(error);
  }

  onInputTaken(): void {
    this.#makeRoom();
  }

  // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #giveUp(error: Error | undefined): void {
    this.#wireError = error;
    this.#source.cancel(error);
    this.#owner?.onSettled("cancelled", error);
  }

  #deliver(piece: Uint8Array, borrowed: boolean): void {
    if (this.#tap !== undefined && this.#tail === "more") this.#tap.onPiece(piece);
    if (this.#direct !== undefined) {
      this.#giveDirectly(this.#direct, piece, borrowed);
    } else if (piece.byteLength > 0 && this.#tail === "more") {
      this.#kept.push(borrowed ? copyBorrowed(piece) : piece);
      this.#wakeReader();
    }
  }

  #giveDirectly(reader: DirectReader, piece: Uint8Array, borrowed: boolean): void {
    try {
      reader.onPiece(piece, borrowed);
    } catch (error) {
      this.cancel(error instanceof Error ? error : new UsageError("body/reader-failed", String(error)));
    }
  }

  #close(error: Error | undefined): void {
    this.#tail = error === undefined ? "end" : "failed";
    this.#error = error;
    if (this.#tap !== undefined) this.#endTap(error !== undefined);
    this.#setWaiting(false);
    if (this.#direct !== undefined) this.#endDirect();
    else this.#wakeReader();
  }

  #endTap(lost: boolean): void {
    const tap = this.#tap;
    this.#tap = undefined;
    if (lost) tap?.onLost();
    else tap?.onEnd();
  }

  #endDirect(): void {
    const reader = this.#direct;
    this.#direct = undefined;
    if (this.#error === undefined) reader?.onEnd();
    else reader?.onFail(this.#error);
  }

  #wakeReader(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    this.#setWaiting(false);
    wake();
  }

  #setWaiting(waiting: boolean): void {
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    this.#owner?.onWaiting(waiting);
  }

  #hasRoom(): boolean {
    if (this.#direct?.full === true) return false;
    return this.#kept.byteLength + (this.#decoder?.bufferedBytes ?? 0) <= this.#highWaterMark;
  }

  #makeRoom(): void {
    if (!this.#throttled || this.#pushing || this.#wire !== "open" || !this.#hasRoom()) return;
    this.#throttled = false;
    this.#source.resume();
  }
}
