/**
 * Reads the frames of one peer (RFC 6455 §5, §8.1; RFC 7692 §6). Strict: what a peer must not send is refused with the first
 * octet that shows it, and nothing is told from then on.
 *
 * Strategy: nothing of a data message is kept here. A message of one frame that lies in the packet is told in one call;
 * anything else is handed on, unmasked where it lies, as it comes, so that what is held of it is its recipient's decision. Only
 * heads (14 octets) and control frames (125) that a packet cuts in two are collected.
 *
 * The size of a message is known before the message is: each head says how much its frame adds, and one that says too much is
 * refused before its payload (§10.4). Frames are not counted. An empty fragment changes nothing and is not told.
 */

import { isUtf8 } from "node:buffer";
import { ByteQueue } from "../bytes/byte-queue.js";
import { Utf8Validator } from "../bytes/utf8-validator.js";
import { UsageError } from "../errors.js";
import { CLOSE_CODES, mayBeReceived } from "./close-codes.js";
import { brokenFrame, messageTooLarge, textInvalid } from "./frame-faults.js";
import { FrameHeadReader } from "./frame-head-reader.js";
import type { FrameSink } from "./frame-sink.js";
import { mask, maskPayload } from "./mask.js";
import {
  CLOSE,
  CONTINUATION,
  type DataOpcode,
  FIN,
  MAX_CONTROL_BYTES,
  PING,
  PONG,
  RSV1,
  TEXT,
  type WebSocketRole,
} from "./opcodes.js";

const NOTHING = Buffer.alloc(0);
/** What decoders put in place of octets that are no UTF-8, and what somebody may have sent as well. */
const REPLACEMENT = "\uFFFD";
/** No message is under way. */
const NO_MESSAGE = 0;
/** What deflate may add to data that does not compress, generously: RFC 7692 §6 has blocks of any size, even empty ones. */
const DEFLATE_OVERHEAD = 1 / 8;
const DEFLATE_OVERHEAD_BYTES = 1_024;

// The states, in the order in which a frame goes through them:
//
//   head ── complete ──> whole: told at once, head again
//                   └──> payload ── all of it ──> payload end ── told ──> head
//   payload end ── of a close frame ──> closed

/** Within a head, or before one. */
const HEAD = 0;
const PAYLOAD = 1;
/** The payload is complete, and what that means has not been told yet: a sink may pause between the two. */
const PAYLOAD_END = 2;
/** Behind a close frame. */
const CLOSED = 3;

/** What this side of the connection takes. */
export interface FrameReaderSettings {
  /** Our own: a server takes masked frames only, a client unmasked ones only (§5.1). */
  readonly role: WebSocketRole;
  /** Whether permessage-deflate was agreed upon, so that messages may be compressed. */
  readonly compression: boolean;
  /** As `WebSocketLimits` has it. Of a compressed message, the deflated octets are held to a little more. */
  readonly maxMessageSize: number;
}

/** Reads one direction of one connection; see the head of this file. */
export class FrameReader {
  #sink: FrameSink;
  #maxMessageSize: number;
  readonly #head = new FrameHeadReader();
  #state = HEAD;
  #paused = false;
  #running = false;
  #failure: { readonly error: unknown } | undefined = undefined;
  /** A control frame's payload that came in pieces. */
  #collected = NOTHING;
  #collectedLength = 0;
  readonly #waiting = new ByteQueue();
  /** Of the frame that is read: payload octets still to come. */
  #left = 0;
  /** Of the message that is read: opcode or {@link NO_MESSAGE}, octets of its frames so far, checker of text. */
  #message: DataOpcode | typeof NO_MESSAGE = NO_MESSAGE;
  #messageBytes = 0;
  #compressed = false;
  #text: Utf8Validator | undefined = undefined;

  constructor(sink: FrameSink, { role, compression, maxMessageSize }: FrameReaderSettings) {
    this.#sink = sink;
    this.#maxMessageSize = maxMessageSize;
    this.#head.begin(role, compression);
  }

  /** Reads another connection from now on. Only {@link atRest}. */
  begin(sink: FrameSink, { role, compression, maxMessageSize }: FrameReaderSettings): void {
    this.#sink = sink;
    this.#maxMessageSize = maxMessageSize;
    this.#head.begin(role, compression);
  }

  /** Whether it is between two messages, with nothing that waits: then it knows no more than a new one would. */
  get atRest(): boolean {
    if (this.#state !== HEAD || this.#message !== NO_MESSAGE || this.#paused || this.#running) return false;
    return this.#head.atRest && this.#waiting.length === 0 && this.#failure === undefined;
  }

  /** Whether what is fed waits for `resume`. */
  get paused(): boolean {
    return this.#paused;
  }

  /** True once the reader has thrown. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Reads `bytes` and tells the sink what they mean before it returns. They are **changed**: unmasked where they lie. If
   * `borrowed` they may be used again afterwards, otherwise the sink may keep pieces of them. While paused they are copied and
   * wait, without limit: whoever pauses a reader pauses its transport too. Throws `WebSocketFault`, then and ever after;
   * `UsageError` `websocket/re-entered` inside a sink call.
   */
  feed(bytes: Uint8Array, borrowed: boolean): void {
    this.#checkUsable();
    const given = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#drive(given, borrowed);
  }

  /** From the next sink call on, nothing is told until `resume`. May be called inside a sink call. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on with what came meanwhile, before it returns; inside a sink call, after that. May throw as `feed` does. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#running || this.#failure !== undefined) return;
    this.#drive(NOTHING, true);
  }

  /** Removes the octets that wait, unread, and gives them away. Throws `UsageError` inside a sink call. */
  takeRest(): Buffer {
    this.#checkUsable();
    return this.#waiting.take();
  }

  #checkUsable(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#running) {
      throw new UsageError("websocket/re-entered", "Cannot feed a reader inside its own sink call");
    }
  }

  /** Reads `bytes` behind what waits, and lets what is left wait: the one place where reading starts, and where failing is remembered. */
  #drive(bytes: Buffer, borrowed: boolean): void {
    this.#running = true;
    try {
      if (this.#waiting.length === 0) {
        const used = this.#run(bytes, borrowed);
        if (used < bytes.length) this.#waiting.append(bytes, used);
      } else {
        this.#waiting.append(bytes);
        if (!this.#paused) this.#waiting.consume(this.#run(this.#waiting.peek(), true));
      }
    } catch (error) {
      this.#failure = { error };
      this.#waiting.clear();
      throw error;
    } finally {
      this.#running = false;
    }
  }

  /** Reads until the bytes are used up or the reader is paused; returns how many were used. */
  #run(bytes: Buffer, borrowed: boolean): number {
    if (this.#state === CLOSED) return bytes.length;
    let at = 0;
    while (!this.#paused) {
      if (this.#state === PAYLOAD_END) {
        this.#endPayload();
        continue;
      }
      if (at === bytes.length) break;
      if (this.#state === HEAD) at = this.#readFrame(bytes, at, borrowed);
      else if (this.#state === PAYLOAD) at = this.#readPayload(bytes, at, borrowed);
      else return bytes.length;
    }
    return at;
  }

  /** Reads a head, and the payload with it if that makes it a message or a control frame that is all there. */
  #readFrame(bytes: Buffer, start: number, borrowed: boolean): number {
    const head = this.#head;
    const at = head.read(bytes, start, this.#message !== NO_MESSAGE);
    if (at === 0) return bytes.length;
    this.#left = head.payloadBytes;
    const end = at + this.#left;
    const { opcode } = head;
    if (opcode >= CLOSE) {
      if (end > bytes.length) return this.#toPayload(at);
      this.#endControl(opcode, this.#unmasked(bytes, at, end));
      return end;
    }
    this.#countMessage(opcode);
    if (opcode === CONTINUATION) return this.#left === 0 ? this.#toPayloadEnd(at) : this.#toPayload(at);
    const compressed = (this.#head.first & RSV1) !== 0;
    if ((this.#head.first & FIN) !== 0 && end <= bytes.length) {
      if (opcode === TEXT && !compressed) this.#sink.onText(this.#wholeText(bytes, at, end));
      else this.#sink.onWhole(opcode as DataOpcode, compressed, this.#unmasked(bytes, at, end), borrowed);
      return end;
    }
    this.#message = opcode as DataOpcode;
    this.#compressed = compressed;
    this.#sink.onMessageStart(opcode as DataOpcode, compressed);
    return this.#left === 0 ? this.#toPayloadEnd(at) : this.#toPayload(at);
  }

  /** Adds this frame to its message, and refuses it if that makes too much: before any of its payload is looked at. */
  #countMessage(opcode: number): void {
    const isFirst = opcode !== CONTINUATION;
    const compressed = isFirst ? (this.#head.first & RSV1) !== 0 : this.#compressed;
    this.#messageBytes = isFirst ? this.#head.payloadBytes : this.#messageBytes + this.#head.payloadBytes;
    const maxMessageSize = this.#maxMessageSize;
    if (this.#messageBytes <= maxMessageSize) return;
    if (compressed && this.#messageBytes <= maxMessageSize * (1 + DEFLATE_OVERHEAD) + DEFLATE_OVERHEAD_BYTES) return;
    throw messageTooLarge(maxMessageSize);
  }

  #toPayload(at: number): number {
    this.#state = PAYLOAD;
    return at;
  }

  #toPayloadEnd(at: number): number {
    this.#state = PAYLOAD_END;
    return at;
  }

  /** Octets of a payload that is not all there, or not of a whole message. */
  #readPayload(bytes: Buffer, start: number, borrowed: boolean): number {
    const end = Math.min(bytes.length, start + this.#left);
    const isControl = this.#head.opcode >= CLOSE;
    const piece = this.#unmasked(bytes, start, end);
    if (this.#left === 0) this.#state = PAYLOAD_END;
    if (isControl) {
      this.#collect(piece, 0, piece.length);
      return end;
    }
    if (this.#message === TEXT && !this.#compressed) this.#checkText(piece, false);
    this.#sink.onData(piece, borrowed, this.#left === 0);
    return end;
  }

  /** The payload of the frame is complete: it ends its message if it is the last one, or is a control frame. */
  #endPayload(): void {
    this.#state = HEAD;
    const opcode = this.#head.opcode;
    if (opcode >= CLOSE) {
      const payload = this.#collected.subarray(0, this.#collectedLength);
      this.#collectedLength = 0;
      this.#endControl(opcode, payload);
      return;
    }
    if ((this.#head.first & FIN) === 0) return;
    if (this.#message === TEXT && !this.#compressed) this.#checkText(NOTHING, true);
    this.#message = NO_MESSAGE;
    this.#sink.onMessageEnd();
  }

  /** A payload that is all there. What is no UTF-8 shows in the text: only where that has U+FFFD the octets are looked at (§8.1). */
  #wholeText(bytes: Buffer, start: number, end: number): string {
    if (this.#head.masks) maskPayload(bytes, start, end, this.#head.key);
    this.#left = 0;
    const text = bytes.toString("utf8", start, end);
    if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(start, end))) throw textInvalid("the message");
    return text;
  }

  /** Unmasks the next octets of the frame's payload, which lie from `start` up to `end`, and counts them. */
  #unmasked(bytes: Buffer, start: number, end: number): Buffer {
    const piece = bytes.subarray(start, end);
    if (this.#head.masks) mask(piece, this.#head.key, this.#head.payloadBytes - this.#left);
    this.#left -= piece.length;
    return piece;
  }

  #endControl(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.#sink.onPing(payload);
    else if (opcode === PONG) this.#sink.onPong(payload);
    else this.#endConnection(payload);
  }

  /** §5.5.1, §7.1.5, §7.1.6, §7.4. */
  #endConnection(payload: Buffer): void {
    let code: number = CLOSE_CODES.NO_STATUS;
    let reason = "";
    if (payload.length > 0) {
      code = payload.readUInt16BE(0);
      if (!mayBeReceived(code))
        throw brokenFrame(
          "websocket/close-code-invalid",
          `a close frame has the code ${code}, which is not for sending`,
        );
      const octets = payload.subarray(2);
      if (!isUtf8(octets)) throw textInvalid("the reason of a close frame");
      reason = octets.toString("utf8");
    }
    this.#state = CLOSED;
    this.#sink.onClose(code, reason);
  }

  /** §8.1: fails at once where no valid text can begin with what has come. */
  #checkText(piece: Buffer, last: boolean): void {
    this.#text ??= new Utf8Validator();
    if (this.#text.push(piece) && (!last || this.#text.end())) return;
    throw textInvalid("the message");
  }

  /** Keeps octets of a control frame's payload until the rest of it comes. */
  #collect(bytes: Buffer, start: number, end: number): void {
    if (this.#collected.length === 0) this.#collected = Buffer.allocUnsafe(MAX_CONTROL_BYTES);
    bytes.copy(this.#collected, this.#collectedLength, start, end);
    this.#collectedLength += end - start;
  }
}
