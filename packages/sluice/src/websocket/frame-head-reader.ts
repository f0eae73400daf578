/**
 * Reads the heads of frames (RFC 6455 §5.2): what may stand in them, whatever it means. A head that a packet cuts in two is put
 * together here, at most 14 octets.
 */

import { brokenFrame, controlTooLarge, wronglyMasked } from "./frame-faults.js";
import { LENGTH_IN_2, readExtendedLength } from "./frame-length.js";
import { BINARY, CLOSE, CONTINUATION, FIN, MAX_CONTROL_BYTES, PONG, RSV1, type WebSocketRole } from "./opcodes.js";

const RSV2_OR_RSV3 = 0x30;
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;
const LONGEST_HEAD_BYTES = 14;
const NOTHING = Buffer.alloc(0);

/** One head at a time; see the head of this file. */
export class FrameHeadReader {
  /** Of the head that was read last: FIN, RSV1 and opcode. */
  first = 0;
  /** Its mask, as one big-endian number; 0 where there is none. */
  key = 0;
  /** Octets of the payload. */
  payloadBytes = 0;
  #compression = false;
  #maskBit = 0;
  /** The octets of a head that is not all there. */
  #cut = NOTHING;
  #cutBytes = 0;

  /** For the heads of one connection from now on. `role`: our own. `compression`: whether RSV1 has a meaning (RFC 7692 §6). */
  begin(role: WebSocketRole, compression: boolean): void {
    this.#compression = compression;
    this.#maskBit = role === "server" ? MASKED : 0;
  }

  /** Whether no octets of a head are kept. */
  get atRest(): boolean {
    return this.#cutBytes === 0;
  }

  /** What it is: see `opcodes.ts`. */
  get opcode(): number {
    return this.first & OPCODE;
  }

  /** Whether payloads come masked (§5.1). */
  get masks(): boolean {
    return this.#maskBit !== 0;
  }

  /**
   * Reads a head from `start` on and returns the offset behind it; 0 if it is not all there: then what is there is kept, and the next
   * call has what follows it. `within` a message, others may come than between two. Throws `WebSocketFault`.
   */
  read(bytes: Buffer, start: number, within: boolean): number {
    if (this.#cutBytes > 0) return this.#readCut(bytes, start, within);
    const behind = this.#readWhole(bytes, start, within);
    if (behind === 0) this.#keep(bytes, start, bytes.length);
    return behind;
  }

  /** The same if it is all there; otherwise 0, and reading it anew changes nothing. */
  #readWhole(bytes: Buffer, start: number, within: boolean): number {
    const first = bytes[start] ?? 0;
    this.#checkFirst(first, within);
    if (bytes.length - start < 2) return 0;
    const second = bytes[start + 1] ?? 0;
    if ((second & MASKED) !== this.#maskBit) throw wronglyMasked(this.masks);
    let length = second & LENGTH;
    if ((first & OPCODE) >= CLOSE && length > MAX_CONTROL_BYTES) throw controlTooLarge();
    if ((first & OPCODE) === CLOSE && length === 1) {
      throw brokenFrame("websocket/close-invalid", "a close frame has half a code");
    }
    let at = start + 2;
    if (length >= LENGTH_IN_2) {
      const lengthBytes = length === LENGTH_IN_2 ? 2 : 8;
      if (bytes.length - at < lengthBytes) return 0;
      length = readExtendedLength(bytes, at, lengthBytes);
      at += lengthBytes;
    }
    if (this.#maskBit !== 0) {
      if (bytes.length - at < 4) return 0;
      this.key = bytes.readInt32BE(at);
      at += 4;
    }
    this.first = first;
    this.payloadBytes = length;
    return at;
  }

  /** The same for a head of which some octets came before. */
  #readCut(bytes: Buffer, start: number, within: boolean): number {
    const before = this.#cutBytes;
    this.#keep(bytes, start, Math.min(bytes.length, start + LONGEST_HEAD_BYTES - before));
    const headBytes = this.#readWhole(this.#cut.subarray(0, this.#cutBytes), 0, within);
    if (headBytes === 0) return 0;
    this.#cutBytes = 0;
    return start + headBytes - before;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    if (this.#cut.length === 0) this.#cut = Buffer.allocUnsafe(LONGEST_HEAD_BYTES);
    bytes.copy(this.#cut, this.#cutBytes, start, end);
    this.#cutBytes += end - start;
  }

  /** FIN, RSV and opcode, against what may come now (§5.2, §5.4, §5.5; RFC 7692 §6). */
  #checkFirst(first: number, within: boolean): void {
    const opcode = first & OPCODE;
    if ((first & RSV2_OR_RSV3) !== 0) {
      throw brokenFrame("websocket/reserved-bits", "RSV2 or RSV3 is set, and nothing gives them a meaning");
    }
    if (opcode > PONG || (opcode > BINARY && opcode < CLOSE)) {
      throw brokenFrame("websocket/unknown-opcode", `opcode ${opcode} is reserved`);
    }
    if ((first & RSV1) !== 0 && (!this.#compression || opcode === CONTINUATION || opcode >= CLOSE)) {
      throw brokenFrame("websocket/reserved-bits", "RSV1 is set where no compressed message can begin");
    }
    if (opcode >= CLOSE) {
      if ((first & FIN) === 0) throw brokenFrame("websocket/control-fragmented", "a control frame is fragmented");
    } else if (opcode === CONTINUATION) {
      if (!within) throw brokenFrame("websocket/unexpected-continuation", "a fragment goes on with no message");
    } else if (within) {
      throw brokenFrame("websocket/unfinished-message", "a message begins before the last one has ended");
    }
  }
}
