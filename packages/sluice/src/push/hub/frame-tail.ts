/**
 * The newest frames of a room, one after the other without a hole: what somebody who has just read the history needs to catch up with what is sent
 * to the others meanwhile. Bounded: who needs more reads the history again.
 */

import type { Position } from "../protocol/position.js";
import type { WireFrame } from "../protocol/wire-frame.js";

const MOST_FRAMES = 256;
const MOST_BYTES = 256 * 1024;

/** Frames of one room, the newest last. */
export class FrameTail {
  /** Made for the first frame: most rooms of many are quiet. */
  #slots: (WireFrame | undefined)[] = [];
  #epoch = "";
  /** Offsets of the oldest frame, and of the one after the newest. */
  #from = 1;
  #to = 1;
  #bytes = 0;

  /** Adds the message after the newest; one that is not, or of another epoch, begins anew. */
  push(frame: WireFrame, { epoch, offset }: Position): void {
    if (epoch !== this.#epoch || offset !== this.#to) this.#begin(epoch, offset);
    while (
      this.#to - this.#from >= MOST_FRAMES ||
      (this.#bytes + frame.byteLength > MOST_BYTES && this.#from < this.#to)
    ) {
      this.#dropOldest();
    }
    this.#slots[offset % MOST_FRAMES] = frame;
    this.#bytes += frame.byteLength;
    this.#to = offset + 1;
  }

  /** The frame of the message right after `position`, if it is here. */
  after({ epoch, offset }: Position): WireFrame | undefined {
    const wanted = offset + 1;
    if (epoch !== this.#epoch || wanted < this.#from || wanted >= this.#to) return undefined;
    return this.#slots[wanted % MOST_FRAMES];
  }

  #begin(epoch: string, offset: number): void {
    this.#slots = new Array<WireFrame | undefined>(MOST_FRAMES);
    this.#epoch = epoch;
    this.#from = offset;
    this.#to = offset;
    this.#bytes = 0;
  }

  #dropOldest(): void {
    const index = this.#from % MOST_FRAMES;
    this.#bytes -= this.#slots[index]?.byteLength ?? 0;
    this.#slots[index] = undefined;
    this.#from += 1;
  }
}
