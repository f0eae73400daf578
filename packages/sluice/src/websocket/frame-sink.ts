/** What a frame reader tells its owner. */

import type { DataOpcode } from "./opcodes.js";

/**
 * Receives the frames of a peer. Every call happens inside `feed` or `resume`. Payloads are unmasked; a `borrowed` one is valid
 * until the call returns, another is the sink's for good. What is said to be text has been checked to be UTF-8, as far as it
 * has come (RFC 6455 §8.1), unless it is compressed.
 */
export interface FrameSink {
  /** A text of one frame, all of it there, as a string: stands for `onMessageStart`, `onData` and `onMessageEnd`. Never a compressed one. */
  onText(text: string): void;
  /** The same for any other message of one frame. `compressed`: the payload is deflated (RFC 7692 §6). */
  onWhole(opcode: DataOpcode, compressed: boolean, payload: Buffer, borrowed: boolean): void;
  /** A message begins that is in several frames, or not all there yet. */
  onMessageStart(opcode: DataOpcode, compressed: boolean): void;
  /** Octets of it, at least one. `lastOfFrame`: its sender ended a fragment here. */
  onData(piece: Buffer, borrowed: boolean, lastOfFrame: boolean): void;
  onMessageEnd(): void;
  /** To be answered by a pong with the same payload (RFC 6455 §5.5.2), which is always borrowed. */
  onPing(payload: Buffer): void;
  /** The payload is always borrowed. */
  onPong(payload: Buffer): void;
  /** The last call of all: what comes behind a close frame is dropped (§5.5.1). `code` is 1005 if the frame had none (§7.1.5). */
  onClose(code: number, reason: string): void;
}
