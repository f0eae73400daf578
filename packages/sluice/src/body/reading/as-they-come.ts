/** The plainest cut: the pieces of a body as they arrive. */

import { handOver } from "../own-bytes.js";
import type { Shaper } from "./shaper.js";

/** Gives each piece as it comes; the receiver may keep and change it. */
export class AsTheyCome implements Shaper<Uint8Array> {
  #piece: Uint8Array | undefined = undefined;

  feed(piece: Uint8Array): void {
    this.#piece = handOver(piece);
  }

  take(): Uint8Array | undefined {
    const piece = this.#piece;
    this.#piece = undefined;
    return piece;
  }

  finish(): void {
    // Nothing is ever unfinished.
  }
}
