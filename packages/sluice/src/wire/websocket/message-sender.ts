/**
 * The order of what is sent. A message is written when it is sent, unless another has the floor: one that is being compressed off
 * the event loop, or one that is sent fragment by fragment; then it waits for its turn. Messages never overtake each other and their
 * fragments never mix (RFC 6455 §5.4). Control frames go in between and are none of its business, the close frame excepted: it is
 * the last of all.
 *
 * Back-pressure: a message is handed over at once, and its promise resolves when there is room again. On the usual path, with room
 * and nothing to wait for, all sends share one resolved promise. A rejection that nobody awaits ends no process.
 */

import type { MessageDeflater } from "../../websocket/message-compression.js";
import { BINARY, FIN, RSV1, TEXT } from "../../websocket/opcodes.js";
import type { FrameOutlet } from "./frame-outlet.js";
import type { Message } from "./inbox.js";
import type { PreparedMessage, SharedCompression } from "./prepared-message.js";
import { Gate, quietly, refused, untilAborted } from "./quietly.js";
import { SendQueue } from "./send-queue.js";

/** How messages are compressed. */
export interface SenderCompression extends SharedCompression {
  /** Bytes; shorter messages are not compressed unless that is asked for. */
  readonly threshold: number;
  /** Called for the first message that is compressed. */
  makeDeflater(): MessageDeflater;
}

const SENT = Promise.resolve();

/** The messages of one connection on their way out. */
export class MessageSender {
  readonly #outlet: FrameOutlet;
  readonly #compression: SenderCompression | undefined;
  #deflater: MessageDeflater | undefined = undefined;
  /** The message that has the floor while it is compressed. */
  #compressing: Gate | undefined = undefined;
  #occupied = false;
  #queue: SendQueue | undefined = undefined;
  #room: Gate | undefined = undefined;
  /** Why nothing more is taken. */
  #refusal: Error | undefined = undefined;
  /** What comes behind the last message. */
  #last: (() => void) | undefined = undefined;
  /** Nothing is written any more. */
  #dropped = false;
  /** Called when messages that waited for one to be compressed have been written, and the transport has room: nothing drains then. */
  onCaughtUp: (() => void) | undefined = undefined;

  /** `compression`: undefined where it was not agreed. */
  constructor(outlet: FrameOutlet, compression: SenderCompression | undefined) {
    this.#outlet = outlet;
    this.#compression = compression;
  }

  /** Bytes of messages that wait for their turn. */
  get waitingBytes(): number {
    return this.#queue === undefined ? 0 : this.#queue.byteLength;
  }

  /**
   * Sends a message. Bytes must not change before the promise has resolved. `signal` ends the waiting; a message whose turn has not
   * come is not sent then.
   */
  send(message: Message, compress: boolean | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (this.#refusal !== undefined) return refused(this.#refusal);
    if (signal?.aborted) return refused(signal.reason);
    if (!this.#occupied) {
      if (!this.#write(message, compress)) return this.#outlet.stalled ? this.room(signal) : SENT;
      return quietly(this.#compressed().then(() => this.room(signal)));
    }
    let compressed: Promise<void> | undefined;
    const turn = this.#waitForTurn(message.length, signal, () => {
      const compressing = this.#write(message, compress);
      if (compressing) compressed = this.#compressed();
      return compressing;
    });
    return quietly(turn.then(() => compressed).then(() => this.room(signal)));
  }

  /** Sends what many connections share; false if nothing is taken any more. Costs no promise. */
  sendPrepared(message: PreparedMessage): boolean {
    if (this.#refusal !== undefined) return false;
    if (this.#occupied) {
      this.#queue ??= new SendQueue();
      this.#queue.push(message.byteLength, () => this.#writePrepared(message));
    } else {
      this.#writePrepared(message);
    }
    return true;
  }

  /** Resolves when the caller alone may write frames of data, until it calls {@link passFloor}. */
  takeFloor(signal: AbortSignal | undefined): Promise<void> {
    if (this.#refusal !== undefined) return refused(this.#refusal);
    if (signal?.aborted) return refused(signal.reason);
    if (this.#occupied) return this.#waitForTurn(0, signal, () => true);
    this.#occupied = true;
    return SENT;
  }

  /** For whoever has the floor; undefined where compression was not agreed. */
  deflater(): MessageDeflater | undefined {
    this.#deflater ??= this.#compression?.makeDeflater();
    return this.#deflater;
  }

  /** Whoever is next takes the floor. */
  passFloor(): void {
    this.#occupied = false;
    while (!this.#occupied && this.#queue !== undefined) {
      this.#occupied = true;
      const kept = this.#queue.next();
      if (kept !== true) this.#occupied = false;
      if (kept === undefined) break;
    }
    if (!this.#occupied) this.#writeLast();
  }

  /** Resolves when the transport has room; rejects with the end of the connection. */
  room(signal: AbortSignal | undefined): Promise<void> {
    if (this.#dropped && this.#refusal !== undefined) return refused(this.#refusal);
    if (!this.#outlet.stalled) return SENT;
    this.#room ??= new Gate();
    const { promise } = this.#room;
    return signal === undefined ? promise : untilAborted(promise, signal);
  }

  /** The transport has drained. */
  drained(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.open();
  }

  /** No message is taken after those that were: later ones are refused with `refusal`. `last` is called behind the last of them. */
  finish(refusal: Error, last: () => void): void {
    if (this.#refusal !== undefined) return;
    this.#refusal = refusal;
    this.#last = last;
    if (!this.#occupied) this.#writeLast();
  }

  /** Nothing is written any more, and nobody waits on. */
  drop(error: Error): void {
    this.#dropped = true;
    this.#refusal = error;
    this.#last = undefined;
    this.#queue?.drop(error);
    this.#room?.fail(error);
    this.#room = undefined;
    this.#compressing?.fail(error);
    this.#compressing = undefined;
    this.#deflater?.close();
  }

  /** Writes `message`; true if that is still to come, because it takes long to compress it: it keeps the floor until then. */
  #write(message: Message, compress: boolean | undefined): boolean {
    const isText = typeof message === "string";
    const opcode = isText ? TEXT : BINARY;
    const compression = this.#compression;
    if (compression === undefined || !(compress ?? message.length >= compression.threshold)) {
      this.#outlet.frame(FIN | opcode, message);
      return false;
    }
    this.#deflater ??= compression.makeDeflater();
    const deflated = this.#deflater.deflate(isText ? Buffer.from(message) : message);
    if (!(deflated instanceof Promise)) {
      this.#outlet.frame(FIN | RSV1 | opcode, deflated);
      return false;
    }
    this.#waitForCompressed(deflated, (bytes) => this.#outlet.frame(FIN | RSV1 | opcode, bytes));
    return true;
  }

  /** Keeps the floor until the compressed form of a message is there and written; `plain` writes it where there will be none. */
  #waitForCompressed<T>(compressed: Promise<T>, write: (compressed: T) => void, plain?: () => void): void {
    this.#occupied = true;
    this.#compressing = new Gate();
    compressed.then(
      (value) => this.#goOn(() => write(value)),
      (error: unknown) => (plain === undefined ? this.#failCompressing(error) : this.#goOn(plain)),
    );
  }

  #goOn(write: () => void): void {
    if (this.#dropped) return;
    write();
    this.#compressing?.open();
    this.#compressing = undefined;
    this.passFloor();
    if (!this.#occupied && !this.#outlet.stalled) this.onCaughtUp?.();
  }

  #compressed(): Promise<void> {
    return this.#compressing === undefined ? SENT : this.#compressing.promise;
  }

  #failCompressing(error: unknown): void {
    if (this.#dropped) return;
    this.#compressing?.fail(error);
    this.#compressing = undefined;
    this.passFloor();
  }

  #waitForTurn(byteLength: number, signal: AbortSignal | undefined, take: () => boolean): Promise<void> {
    this.#queue ??= new SendQueue();
    return this.#queue.wait(byteLength, signal, take);
  }

  #writePrepared(message: PreparedMessage): boolean {
    if (this.#outlet.masks) return this.#write(message.data, message.compress);
    const compression = this.#compression;
    if (compression === undefined || !(message.compress ?? message.data.length >= compression.threshold)) {
      this.#outlet.shared(message.frame);
      return false;
    }
    // Our own messages must not refer to earlier ones as if this one did not stand between them (RFC 7692 §7.1.1).
    this.#deflater?.close();
    this.#deflater = undefined;
    const frame = message.compressedFrame(compression);
    if (!(frame instanceof Promise)) {
      this.#outlet.shared(frame);
      return false;
    }
    // Nobody waits for it who could be told that it cannot be compressed, and each message may go as it is (RFC 7692 §6).
    const plain = () => this.#outlet.shared(message.frame);
    this.#waitForCompressed(frame, (bytes) => this.#outlet.shared(bytes), plain);
    return true;
  }

  #writeLast(): void {
    const last = this.#last;
    this.#last = undefined;
    last?.();
  }
}
