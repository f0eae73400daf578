/**
 * A transport whose other end is a script: pieces of bytes, an end, a failure, given one after the other, while all that
 * is written is recorded. For tests that say exactly which bytes arrive in which piece.
 *
 * Steps are played one in each microtask after a handler is attached, or at once by `flush()`: the test is the event loop.
 */

import { UsageError } from "../errors.js";
import type { PeerInfo, Transport, TransportHandler } from "./transport.js";

const POISON = 0xdd;
const UNKNOWN_PEER: PeerInfo = {
  remoteAddress: undefined,
  remotePort: undefined,
  localAddress: undefined,
  localPort: undefined,
  tls: undefined,
};

/** Bytes that arrive in one piece (a string as latin1, one byte a character), the peer's FIN, or the end by an error. */
export type ScriptStep = Uint8Array | string | { readonly end: true } | { readonly error: Error };

/** What is scripted, and how the transport behaves. */
export interface ScriptedTransportOptions {
  /** Played first; `feed` adds to it. @default [] */
  readonly script?: readonly ScriptStep[] | undefined;
  /** Whether pieces are lent for the call only, and overwritten after it. @default false */
  readonly lends?: boolean | undefined;
  /** Bytes written from which on `write` returns false, until `drain()` is called. At least 1. @default Infinity */
  readonly highWaterMark?: number | undefined;
  /** What `peer()` says. @default all unknown */
  readonly peer?: PeerInfo | undefined;
}

/** {@link Transport} for tests: scripted on one side, recording on the other. */
export class ScriptedTransport implements Transport {
  readonly lends: boolean;
  readonly #highWaterMark: number;
  readonly #peerInfo: PeerInfo;
  readonly #steps: ScriptStep[];
  readonly #writes: Uint8Array[] = [];
  #corked: Uint8Array[] = [];
  #corks = 0;
  #handler: TransportHandler | undefined;
  #playScheduled = false;
  #telling = false;
  #paused = false;
  #ended = false;
  #peerEnded = false;
  #referenced = true;
  #closing = false;
  #closed = false;
  #failure: Error | undefined;
  #buffered = 0;
  #drainOwed = false;

  /** Throws {@link UsageError} `options/out-of-range`. */
  constructor(options: ScriptedTransportOptions = {}) {
    const { highWaterMark = Number.POSITIVE_INFINITY } = options;
    if (!(highWaterMark >= 1)) {
      const message = `Cannot use highWaterMark: expected 1 or more, received ${highWaterMark}`;
      throw new UsageError("options/out-of-range", message);
    }
    this.lends = options.lends ?? false;
    this.#highWaterMark = highWaterMark;
    this.#peerInfo = options.peer ?? UNKNOWN_PEER;
    this.#steps = [...(options.script ?? [])];
  }

  get destroyed(): boolean {
    return this.#closing;
  }

  /** Bytes written since the last `drain()`; always 0 without a high-water mark. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  /** What left in one go each: a write, or all writes between cork and uncork. Copies, made when they were written. */
  get writes(): readonly Uint8Array[] {
    return this.#writes;
  }

  /** All that was written, as latin1: one character a byte. */
  get written(): string {
    return Buffer.concat(this.#writes).toString("latin1");
  }

  /** Whether `end()` was called. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether `onData` is held back. */
  get paused(): boolean {
    return this.#paused;
  }

  /** False after `unref()`. */
  get referenced(): boolean {
    return this.#referenced;
  }

  /** What was given to `destroy`, or the script's error. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Adds steps to the script. */
  feed(...steps: readonly ScriptStep[]): void {
    this.#steps.push(...steps);
    this.#schedule();
  }

  /** Plays now all that can be played. Throws {@link UsageError} inside a call to the handler: that would nest. */
  flush(): void {
    if (this.#telling) throw new UsageError("transport/nested", "Cannot flush: the handler is being called");
    while (this.#playOne());
  }

  /** The peer has taken all that was written: `onDrain` follows if `write` has returned false. */
  drain(): void {
    this.#buffered = 0;
    this.#schedule();
  }

  /** Empties the record and returns what it held, as latin1. */
  takeWritten(): string {
    const taken = this.written;
    this.#writes.length = 0;
    return taken;
  }

  attach(handler: TransportHandler): void {
    this.#handler = handler;
    this.#closed = false;
    if (this.#peerEnded && !this.#closing) this.#steps.unshift({ end: true });
    this.#schedule();
  }

  write(bytes: Uint8Array | string, encoding: "latin1" | "utf8" = "latin1"): boolean {
    if (this.#closing) return false;
    if (this.#ended) throw new UsageError("transport/write-after-end", "Cannot write: end() was called before");
    if (bytes.length > 0) {
      const copy = typeof bytes === "string" ? Buffer.from(bytes, encoding) : Uint8Array.from(bytes);
      this.#corked.push(copy);
      // Corked bytes count, as Node counts them.
      if (this.#highWaterMark !== Number.POSITIVE_INFINITY) this.#buffered += copy.length;
      this.#leave();
    }
    if (this.#buffered < this.#highWaterMark) return !this.#drainOwed;
    this.#drainOwed = true;
    return false;
  }

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    if (this.#corks > 0) this.#corks -= 1;
    this.#leave();
  }

  end(): void {
    if (this.#ended || this.#closing) return;
    this.#corks = 0;
    this.#leave();
    this.#ended = true;
    this.#schedule();
  }

  destroy(error?: Error): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#failure = error;
    this.#steps.length = 0;
    this.#schedule();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  ref(): void {
    this.#referenced = true;
  }

  unref(): void {
    this.#referenced = false;
  }

  peer(): PeerInfo {
    return this.#peerInfo;
  }

  /** Records what is written as one piece, unless corked. */
  #leave(): void {
    if (this.#corks > 0 || this.#corked.length === 0) return;
    this.#writes.push(Buffer.concat(this.#corked));
    this.#corked = [];
  }

  #schedule(): void {
    if (this.#playScheduled || this.#handler === undefined) return;
    this.#playScheduled = true;
    queueMicrotask(() => {
      this.#playScheduled = false;
      if (this.#playOne()) this.#schedule();
    });
  }

  /** Makes at most one call to the handler; false if there was nothing to tell. */
  #playOne(): boolean {
    const handler = this.#handler;
    if (handler === undefined) return false;
    this.#telling = true;
    try {
      return this.#tellNext(handler);
    } finally {
      this.#telling = false;
    }
  }

  #tellNext(handler: TransportHandler): boolean {
    if (this.#closing || (this.#ended && this.#peerEnded && this.#steps.length === 0)) return this.#tellClose(handler);
    if (this.#drainOwed && this.#buffered === 0) {
      this.#drainOwed = false;
      handler.onDrain();
      return true;
    }
    const [step] = this.#steps;
    const isBytes = typeof step === "string" || step instanceof Uint8Array;
    if (step === undefined || (isBytes && this.#paused)) return false;
    this.#steps.shift();
    if (isBytes) this.#tellBytes(handler, step);
    else if ("end" in step) {
      this.#peerEnded = true;
      handler.onEnd();
    } else this.destroy(step.error);
    return true;
  }

  #tellBytes(handler: TransportHandler, step: Uint8Array | string): void {
    const piece = typeof step === "string" ? Buffer.from(step, "latin1") : Buffer.from(step);
    handler.onData(piece);
    if (this.lends) piece.fill(POISON);
  }

  #tellClose(handler: TransportHandler): boolean {
    if (this.#closed) return false;
    this.#closing = true;
    this.#closed = true;
    handler.onClose(this.#failure);
    return true;
  }
}
