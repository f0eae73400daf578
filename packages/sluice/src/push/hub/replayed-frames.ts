/**
 * Frames of older messages, while many may ask for the same: after a network fault all members of a room come back at once, and each message is still
 * written once. Bounded by forgetting everything when it is full.
 */

import type { BusMessage } from "../bus/bus.js";
import { messageFrame } from "../protocol/frames.js";
import type { WireFrame } from "../protocol/wire-frame.js";

const MOST_BYTES = 256 * 1024;

/** Frames of one room by offset, of one epoch at a time. */
export class ReplayedFrames {
  readonly #frames = new Map<number, WireFrame>();
  #epoch = "";
  #bytes = 0;

  frameOf(room: string, message: BusMessage): WireFrame {
    const { epoch, offset } = message;
    if (epoch !== this.#epoch || this.#bytes > MOST_BYTES) {
      this.#frames.clear();
      this.#bytes = 0;
      this.#epoch = epoch;
    }
    const known = this.#frames.get(offset);
    if (known !== undefined) return known;
    const frame = messageFrame(room, message);
    this.#frames.set(offset, frame);
    this.#bytes += frame.byteLength;
    return frame;
  }
}
