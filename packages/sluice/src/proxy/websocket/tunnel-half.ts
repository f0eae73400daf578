/** One direction of a tunnel: from one connection to the other, no faster than that takes it. */

import type { Transport, TransportHandler } from "../../net/transport.js";
import { FrameBoundaries } from "./frame-boundaries.js";

/** The tunnel that a half is one of. */
export interface TunnelHalfOwner {
  /** Bytes have come. */
  onActivity(): void;
  /** The connection that this half reads is gone. Last call. */
  onGone(): void;
}

/** Passes on what `source` sends. */
export class TunnelHalf implements TransportHandler {
  /** The half that reads what this one writes to. */
  opposite: TunnelHalf | undefined;
  readonly #owner: TunnelHalfOwner;
  readonly #source: Transport;
  readonly #target: Transport;
  readonly #frames = new FrameBoundaries();
  #passedBytes = 0;
  /** To be sent in place of what follows the frame that is going by. */
  #lastFrame: Uint8Array | undefined;
  #cut = false;
  #ended = false;

  constructor(owner: TunnelHalfOwner, source: Transport, target: Transport) {
    this.#owner = owner;
    this.#source = source;
    this.#target = target;
  }

  get passedBytes(): number {
    return this.#passedBytes;
  }

  /** Whether nothing is passed on any more. */
  get cut(): boolean {
    return this.#cut;
  }

  /** Reads the connection from now on, `rest` before all else. */
  begin(rest: Uint8Array): void {
    let room = true;
    if (rest.length > 0) {
      this.#frames.pass(rest);
      this.#passedBytes += rest.length;
      room = this.#target.write(rest);
    }
    this.#source.attach(this);
    if (room) this.#source.resume();
    else this.#source.pause();
  }

  /** Sends `frame`, a Close frame, when the frame that is going by has ended, and nothing after it. */
  closeWith(frame: Uint8Array): void {
    // The source is about to close by itself: a second Close would be one too many (RFC 6455 §5.5.1).
    if (this.#frames.closing || this.#ended || this.#source.destroyed || this.#target.destroyed) return;
    if (this.#frames.between) this.#cutWith(frame);
    else this.#lastFrame = frame;
  }

  onData(bytes: Uint8Array): void {
    this.#owner.onActivity();
    if (this.#cut) {
      this.#frames.pass(bytes);
      this.finishIfAnswered();
    } else if (this.#lastFrame === undefined) {
      this.#frames.pass(bytes);
      this.#pass(bytes);
    } else {
      const taken = this.#frames.passFrame(bytes);
      this.#pass(bytes.subarray(0, taken));
      if (this.#frames.between) this.#cutWith(this.#lastFrame);
      if (taken < bytes.length) this.onData(bytes.subarray(taken));
    }
  }

  onEnd(): void {
    this.#ended = true;
    if (!this.#target.destroyed) this.#target.end();
  }

  onDrain(): void {
    // The source has taken what the opposite half wrote to it.
    this.opposite?.resume();
  }

  onClose(error: Error | undefined): void {
    // After its FIN it may be gone in peace, with the target still taking what came before.
    if (error !== undefined || !this.#ended) this.#target.destroy();
    this.#owner.onGone();
  }

  resume(): void {
    this.#source.resume();
  }

  /** Sends the source its FIN when it has answered the Close that it was sent: the closing handshake is done (RFC 6455 §7.1.1). */
  finishIfAnswered(): void {
    const answered = this.#cut && this.#frames.closing && this.#frames.between;
    if (answered && this.opposite?.cut === true && !this.#source.destroyed) this.#source.end();
  }

  #pass(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#target.destroyed) return;
    this.#passedBytes += bytes.length;
    const room = this.#target.write(this.#source.lends ? bytes.slice() : bytes);
    if (!room) this.#source.pause();
  }

  #cutWith(frame: Uint8Array): void {
    this.#lastFrame = undefined;
    this.#pass(frame);
    this.#cut = true;
    this.#source.resume();
    this.finishIfAnswered();
    this.opposite?.finishIfAnswered();
  }
}
