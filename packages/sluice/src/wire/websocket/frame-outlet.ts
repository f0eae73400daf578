/**
 * The way out of one connection. It decides in how many writes frames leave, and nothing of their order.
 *
 * Strategy: frames are gathered until the turn of the loop is over, or until there are many; so what one packet from the peer causes
 * leaves in one write, as does a burst of small messages (decision 0008). A payload beyond a size is not copied: it is written by
 * itself, behind what was gathered and its head.
 *
 * Of all messages a server's short texts in ASCII are the most frequent, and such a frame is text itself, one byte a character. It is
 * given to the transport as text, which a socket's gathers by itself: no bytes are made of it here. That is a quarter less work for
 * each of 16 messages in one packet, and 4 % of the whole where each has a packet of its own (`npm run bench -- websocket`).
 */

import { atTurnEnd, type TurnEnd } from "../../concurrency/clock.js";
import type { Transport } from "../../net/transport.js";
import { FrameBatch } from "../../websocket/frame-batch.js";
import { frameHead, wholeFrame } from "../../websocket/frame-writer.js";

/** Gives the key of the next masked frame: 32 bits that nobody can foresee (RFC 6455 §5.3). */
export type MaskSource = () => number;

/** What was gathered leaves at once when it is this much: the promise of a send has to know whether there is room. */
const GATHERED_BYTES = 32 * 1024;
/**
 * Larger payloads are lent to the transport instead of copied. That is more than the mark of a socket of any Node, so that the transport
 * says when it has taken them, and `send` can say when the bytes are the caller's again.
 */
const COPIED_BYTES = 64 * 1024;
/** Longer texts are made bytes of: a transport does not gather them. */
const SHORT_TEXT = 2 * 1024;

/** Frames of one connection, on their way to its transport. */
export class FrameOutlet implements TurnEnd {
  readonly #transport: Transport;
  readonly #nextKey: MaskSource | undefined;
  /** Made for the first frame that is gathered here: a server's short texts in ASCII are not. */
  #batch: FrameBatch | undefined = undefined;
  #stalled = false;
  #due = false;
  #handedBytes = 0;

  /** `nextKey` is a client's; what a server sends is not masked (RFC 6455 §5.1). */
  constructor(transport: Transport, nextKey: MaskSource | undefined) {
    this.#transport = transport;
    this.#nextKey = nextKey;
  }

  /** Whether frames are masked, so that none can be shared with other connections. */
  get masks(): boolean {
    return this.#nextKey !== undefined;
  }

  /** Whether the transport has more than enough; its drain follows. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** Bytes that the system has not taken. */
  get bufferedBytes(): number {
    return this.#transport.bufferedBytes + this.#gatheredBytes;
  }

  /** Bytes handed to the transport since the beginning. */
  get handedBytes(): number {
    return this.#handedBytes;
  }

  /** The transport has drained. */
  drained(): void {
    this.#stalled = false;
  }

  /** A frame with the first octet `first`; text is sent as UTF-8. Payloads beyond 64 KiB may be lent: see {@link stalled}. */
  frame(first: number, payload: string | Uint8Array): void {
    if (payload.length > COPIED_BYTES) {
      this.#writeLarge(first, typeof payload === "string" ? Buffer.from(payload) : payload);
      return;
    }
    if (typeof payload === "string" && this.#writeShortText(first, payload)) return;
    this.#batch ??= new FrameBatch(this.#nextKey);
    if (typeof payload === "string") this.#batch.addText(first, payload);
    else this.#batch.add(first, payload);
    if (this.#batch.byteLength >= GATHERED_BYTES) this.flush();
    else this.#flushLater();
  }

  /** Whole frames that are shared with other connections: as text of one byte a character a transport joins them by itself. */
  shared(frames: string | Uint8Array): void {
    this.flush();
    this.#write(frames);
  }

  /** Hands to the transport what was gathered. */
  flush(): void {
    if (this.#batch !== undefined && this.#batch.byteLength > 0) this.#write(this.#batch.take());
  }

  turnOver(): void {
    this.#due = false;
    this.flush();
  }

  get #gatheredBytes(): number {
    return this.#batch === undefined ? 0 : this.#batch.byteLength;
  }

  /** False if it is not short, not ASCII, or has to go behind what was gathered. */
  #writeShortText(first: number, text: string): boolean {
    const { length } = text;
    if (length > SHORT_TEXT || this.#nextKey !== undefined || this.#gatheredBytes > 0) return false;
    if (Buffer.byteLength(text) !== length) return false;
    this.#write(textHead(first, length) + text);
    return true;
  }

  #flushLater(): void {
    if (this.#due) return;
    this.#due = true;
    atTurnEnd(this);
  }

  #writeLarge(first: number, payload: Uint8Array): void {
    this.flush();
    const key = this.#nextKey?.();
    if (key !== undefined) {
      this.#write(wholeFrame(first, payload, key));
      return;
    }
    this.#transport.cork();
    this.#write(frameHead(first, payload.byteLength));
    this.#write(payload);
    this.#transport.uncork();
  }

  #write(bytes: string | Uint8Array): void {
    this.#handedBytes += bytes.length;
    if (!this.#transport.write(bytes, "latin1")) this.#stalled = true;
  }
}

/** Heads of unmasked frames as text, by first octet and length: there are few kinds, and each is wanted often. */
const textHeads = new Map<number, string[]>();

function textHead(first: number, length: number): string {
  let heads = textHeads.get(first);
  if (heads === undefined) {
    heads = [];
    textHeads.set(first, heads);
  }
  const known = heads[length];
  if (known !== undefined) return known;
  const head = frameHead(first, length).toString("latin1");
  heads[length] = head;
  return head;
}
