/** A body as Node's `Readable`, for everything that pipes. */

import { Readable } from "node:stream";
import type { ReadableStream as WebReadableStream } from "node:stream/web";
import type { BodyFlow } from "../body-flow.js";
import { handOver } from "../own-bytes.js";
import { errorForStream, type ReaderSite } from "./fail-reader.js";

/** Whether anybody has read from a web stream, or has cancelled it: "disturbed", in the words of the Streams standard. */
export function wasRead(stream: WebReadableStream): boolean {
  // The types have Node's own streams only; the function takes both.
  return Readable.isDisturbed(stream as unknown as Readable);
}

/** Reads on demand; destroying it before the end cancels the body. */
export class BodyReadable extends Readable {
  readonly #flow: BodyFlow;
  readonly #site: ReaderSite;
  #waiting = false;

  /** `site`: where it was asked for, for its error. */
  constructor(flow: BodyFlow, site: ReaderSite) {
    super();
    this.#flow = flow;
    this.#site = site;
  }

  override _read(): void {
    if (this.#waiting) return;
    try {
      this.#forward();
    } catch (error) {
      this.destroy(errorForStream(this.#flow, error, this.#site) as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#flow.drained) this.#flow.cancel(error ?? undefined);
    done(error);
  }

  #forward(): void {
    for (let piece = this.#flow.take(); piece !== undefined; piece = this.#flow.take()) {
      if (!this.push(handOver(piece))) return;
    }
    if (this.#flow.atEnd()) {
      this.push(null);
      return;
    }
    this.#waiting = true;
    this.#flow.wait(this.#onReady);
  }

  /** May be called while the wire is being read: listeners, which are users' code, run after that. */
  readonly #onReady = (): void => {
    queueMicrotask(() => {
      this.#waiting = false;
      if (!this.destroyed) this._read();
    });
  };
}
