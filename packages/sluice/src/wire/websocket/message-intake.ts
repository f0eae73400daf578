/**
 * Makes messages of frames: pieces are joined once, text is decoded once, compressed messages are inflated; what is ready is put
 * into the inbox. It says when there is more than the program has taken, so that reading stops.
 *
 * Two modes. Usually a message is put into the box when it is whole. In streaming mode, which begins when a program asks for it, it is
 * put there when it begins, and its parts follow; of a compressed message the parts are what one frame inflates to.
 */

import { Collector } from "../../body/collect.js";
import { handOver } from "../../body/own-bytes.js";
import { Utf8Validator } from "../../bytes/utf8-validator.js";
import { textInvalid } from "../../websocket/frame-faults.js";
import type { FrameSink } from "../../websocket/frame-sink.js";
import type { MessageInflater } from "../../websocket/message-compression.js";
import { type DataOpcode, TEXT } from "../../websocket/opcodes.js";
import { Inbox, type Message } from "./inbox.js";
import type { InboxSource } from "./inbox-iterator.js";
import { IncomingStream, type MessageStreamOwner } from "./message-stream.js";

/** Smaller pieces of a message are copied together: to keep a view of a packet for each costs many times what is in it. */
const WORTH_KEEPING = 4 * 1024;

/** Whoever feeds the reader whose sink this is. */
export interface IntakeOwner {
  /** `intake.full` may have changed. Called inside a sink call, too. */
  steerReading(): void;
  /** A message could not be inflated, long after its frame was read. */
  onLateFault(error: unknown): void;
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  onPeerClose(code: number, reason: string): void;
}

/** What the inbox holds: whole messages, and in streaming mode those that begin. */
export type Incoming = Message | IncomingStream;

/** A message in several frames that is not complete: most connections have none. */
interface Coming {
  readonly isText: boolean;
  readonly compressed: boolean;
  /** Of a message that is given when it is whole. */
  collector: Collector | undefined;
  /** Of one that is read while it comes. */
  stream: IncomingStream | undefined;
  decoder: InstanceType<typeof TextDecoder> | undefined;
}

/** The messages of one connection on their way in. */
export class MessageIntake implements FrameSink, InboxSource<Incoming, Message>, MessageStreamOwner {
  readonly inbox = new Inbox<Incoming>();
  readonly #owner: IntakeOwner;
  readonly #maxQueuedBytes: number;
  readonly #makeInflater: (() => MessageInflater) | undefined;
  #inflater: MessageInflater | undefined = undefined;
  /** Whether the program was given something since the owner has last set this to false. */
  delivered = false;
  /** Set when the connection has ended, and not as it should. */
  failure: Error | undefined = undefined;
  #streaming = false;
  #coming: Coming | undefined = undefined;
  #inflating = false;
  #discarding = false;
  #full = false;
  /** Bytes of the parts that are kept in streams. */
  #streamCost = 0;

  /** `makeInflater`: called for the first compressed message; undefined where compression was not agreed. */
  constructor(owner: IntakeOwner, maxQueuedBytes: number, makeInflater: (() => MessageInflater) | undefined) {
    this.#owner = owner;
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#makeInflater = makeInflater;
  }

  /** Whether the peer has to wait; once it has, until half of what is kept was taken. */
  get full(): boolean {
    if (this.#discarding) return false;
    if (this.#inflating) return true;
    const { inbox } = this;
    const held = inbox.cost + this.#streamCost + (this.#coming?.collector?.byteLength ?? 0);
    this.#full = !inbox.awaited && held > (this.#full ? this.#maxQueuedBytes / 2 : this.#maxQueuedBytes);
    return this.#full;
  }

  /** From the next message on, messages are put into the box when they begin; what has come of the present one is its first part. */
  startStreaming(): void {
    this.#streaming = true;
    const coming = this.#coming;
    if (coming?.collector === undefined || coming.compressed) return;
    const { collector } = coming;
    coming.collector = undefined;
    this.#openStream(coming);
    if (collector.byteLength > 0) this.#streamPart(coming, collector.take(), false);
  }

  // Frames.

  onText(text: string): void {
    if (!this.#discarding) this.#deliver(text);
  }

  onWhole(opcode: DataOpcode, compressed: boolean, payload: Buffer, borrowed: boolean): void {
    if (this.#discarding) return;
    if (compressed) this.#inflate(opcode === TEXT, payload);
    else this.#deliver(borrowed ? new Uint8Array(payload) : handOver(payload));
  }

  onMessageStart(opcode: DataOpcode, compressed: boolean): void {
    if (this.#discarding) return;
    const isText = opcode === TEXT;
    const coming: Coming = { isText, compressed, collector: undefined, stream: undefined, decoder: undefined };
    this.#coming = coming;
    if (this.#streaming && !compressed) this.#openStream(coming);
    else coming.collector = new Collector(Number.POSITIVE_INFINITY, undefined);
  }

  onData(piece: Buffer, borrowed: boolean): void {
    const coming = this.#coming;
    if (coming?.stream !== undefined) this.#streamPart(coming, piece, borrowed);
    else coming?.collector?.add(piece, borrowed || piece.length < WORTH_KEEPING);
  }

  onMessageEnd(): void {
    const coming = this.#coming;
    if (coming === undefined) return;
    this.#coming = undefined;
    const { isText, compressed, collector, stream } = coming;
    stream?.finish();
    if (collector === undefined) return;
    const bytes = collector.take();
    if (compressed) this.#inflate(isText, bytes);
    else this.#deliver(isText ? decode(bytes) : bytes);
  }

  /** What comes from now on is of no interest. Messages in the box can still be taken; one that is not complete ends with `broken`. */
  discard(broken: Error): void {
    this.#discarding = true;
    this.#coming?.stream?.fail(broken);
    this.#coming = undefined;
  }

  /** Nothing comes any more; `failure` is for who waits, `undefined` for an end that is as it should be. */
  end(failure: Error | undefined, broken: Error): void {
    this.discard(broken);
    this.failure = failure;
    this.inbox.end();
    this.#inflater?.close();
  }

  onPing(payload: Buffer): void {
    this.#owner.onPing(payload);
  }

  onPong(payload: Buffer): void {
    this.#owner.onPong(payload);
  }

  onClose(code: number, reason: string): void {
    this.#owner.onPeerClose(code, reason);
  }

  // Readers.

  shape(item: Incoming): Message | Promise<Message> {
    return item instanceof IncomingStream ? item.whole() : item;
  }

  onRead(): void {
    this.#owner.steerReading();
  }

  onStreamRead(costChange: number): void {
    this.#streamCost += costChange;
    this.#owner.steerReading();
  }

  // Within.

  #deliver(message: Message): void {
    this.delivered = true;
    this.inbox.push(this.#streaming ? IncomingStream.of(message) : message);
    if (this.inbox.cost > this.#maxQueuedBytes) this.#owner.steerReading();
  }

  #openStream(coming: Coming): void {
    this.delivered = true;
    coming.decoder = coming.isText ? new TextDecoder("utf-8", { ignoreBOM: true }) : undefined;
    coming.stream = new IncomingStream(coming.isText ? "text" : "binary", this);
    this.inbox.push(coming.stream);
  }

  #streamPart({ stream, decoder }: Coming, piece: Uint8Array, borrowed: boolean): void {
    if (stream === undefined) return;
    const before = stream.inbox.cost;
    if (decoder !== undefined) stream.push(decoder.decode(piece, { stream: true }));
    else stream.push(borrowed ? new Uint8Array(piece) : handOver(piece));
    this.#streamCost += stream.inbox.cost - before;
  }

  /** While this lasts, reading stops: so messages keep their order. */
  #inflate(isText: boolean, coded: Uint8Array): void {
    this.#inflater ??= this.#makeInflater?.();
    const inflated = this.#inflater?.inflate(coded);
    if (inflated === undefined) return;
    if (!(inflated instanceof Promise)) {
      this.#deliver(isText ? checkedText(inflated) : handOver(inflated));
      return;
    }
    this.#inflating = true;
    this.#owner.steerReading();
    inflated
      .then((bytes) => {
        this.#inflating = false;
        if (!this.#discarding) this.#deliver(isText ? checkedText(bytes) : handOver(bytes));
        this.#owner.steerReading();
      })
      .catch((error: unknown) => {
        this.#inflating = false;
        this.#owner.onLateFault(error);
      });
  }
}

/** What frames said to be text has been checked; what it inflates to has not. Throws `WebSocketFault`. */
function checkedText(bytes: Uint8Array): string {
  const validator = new Utf8Validator();
  if (!validator.push(bytes) || !validator.end()) throw textInvalid("the inflated message");
  return decode(bytes);
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
