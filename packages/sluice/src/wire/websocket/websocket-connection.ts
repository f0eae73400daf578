/**
 * A WebSocket as a program sees it, the same on both sides: messages in by iteration, messages out by promises that resolve when there is
 * room. What it does is done by the link; here are the words for it.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { schemaFirst, validate } from "../../body/schema.js";
import { decodeText, parseJson } from "../../body/text.js";
import type { PeerInfo } from "../../net/transport.js";
import {
  checkSend,
  checkSendStream,
  checkWait,
  NO_OPTIONS,
  type SendOptions,
  type SendStreamOptions,
  type WaitOptions,
} from "./call-options.js";
import { checkClose } from "./check-close.js";
import { closedError, type WebSocketEnd } from "./closed-error.js";
import type { ConnectionState } from "./connection-state.js";
import type { Message } from "./inbox.js";
import { InboxIterator } from "./inbox-iterator.js";
import {
  checkSource,
  jsonMessage,
  type MessageInput,
  type MessageSource,
  notPrepared,
  toMessage,
} from "./message-input.js";
import { MessageLoop } from "./message-loop.js";
import type { MessageStream } from "./message-stream.js";
import { MessageStreams } from "./message-streams.js";
import { PreparedMessage } from "./prepared-message.js";
import { quietly, refused, unlessAborted } from "./quietly.js";
import { sendStream } from "./send-stream.js";
import { takeMessage } from "./take-message.js";
import type { WebSocketLink } from "./websocket-link.js";

/** `closing` from the first word of the closing handshake on; `closed` when the connection is gone. */
export type WebSocketState = "open" | "closing" | "closed";

type Inspect = (value: unknown, options: object) => string;

/** What was agreed upon when the connection was opened. */
export interface WebSocketAgreement {
  /** The sub-protocol (RFC 6455 §1.9). @default "" */
  readonly protocol?: string | undefined;
  /** The extensions in use, as the handshake named them. @default "" */
  readonly extensions?: string | undefined;
}

/**
 * An open WebSocket; made by `session.websocket` and given to the handler of `app.websocket`. Iterating over it gives its messages and ends
 * with the connection: quietly after 1000, 1001 and 1005, with a `WebSocketClosedError` after anything else. Messages that come
 * before anybody listens are kept; when there are many, reading stops until they are taken.
 */
export class WebSocketConnection implements AsyncIterable<Message, undefined> {
  readonly #link: WebSocketLink;
  readonly #state: ConnectionState;
  readonly #agreement: WebSocketAgreement;

  /** See `openWebSocket`. */
  constructor(link: WebSocketLink, state: ConnectionState, agreement: WebSocketAgreement) {
    this.#link = link;
    this.#state = state;
    this.#agreement = agreement;
  }

  /** The sub-protocol agreed upon (RFC 6455 §1.9); empty for none. */
  get protocol(): string {
    return this.#agreement.protocol ?? "";
  }

  /** The extensions agreed upon, as the handshake has them; empty for none. */
  get extensions(): string {
    return this.#agreement.extensions ?? "";
  }

  get state(): WebSocketState {
    const { state } = this.#link;
    return state === "ending" ? "closing" : state;
  }

  /** Bytes that were sent and that the system has not taken: how far the peer is behind. */
  get bufferedAmount(): number {
    return this.#link.bufferedBytes;
  }

  /** Bytes of whole messages that have come and were not taken, 64 more for each: how far the program is behind. */
  get queuedBytes(): number {
    return this.#link.intake.inbox.cost;
  }

  /** Bytes sent so far, as frames, those that the system has not taken yet included. */
  get bytesSent(): number {
    return this.#link.handedBytes;
  }

  /** The code of the end (RFC 6455 §7.4), as soon as it is known: 1005 for none, 1006 for a connection that broke off. */
  get closeCode(): number | undefined {
    return this.#link.end?.code;
  }

  /** The words that came with the code. */
  get closeReason(): string | undefined {
    return this.#link.end?.reason;
  }

  /** Resolves when the connection is gone, with how it ended. Never rejects. */
  get closed(): Promise<WebSocketEnd> {
    return this.#state.closed;
  }

  /** Aborts when the connection is gone: for work that is done on its behalf. */
  get signal(): AbortSignal {
    return this.#state.signal;
  }

  /** The peer's address, and what TLS agreed upon. */
  get peer(): PeerInfo {
    return this.#link.transport.peer();
  }

  /** Called each time when there is room again after sending had to wait; for owners that send with {@link sendPrepared}. One only. */
  get onDrain(): (() => void) | undefined {
    return this.#state.onDrain;
  }

  set onDrain(listener: (() => void) | undefined) {
    this.#state.onDrain = listener;
  }

  /**
   * Called once when the server that has this connection closes, in place of closing it with 1001: for owners that say goodbye in their own way. They have
   * until the grace of the server is over to end the connection. One only. @default closes it with 1001
   */
  onEndSoon: (() => void) | undefined = undefined;

  // Receiving.

  /** The messages, text as strings, others as bytes of the receiver's own. Leaving the loop leaves the connection as it is. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return new InboxIterator(this.#link.intake);
  }

  /**
   * Calls `listener` with one message after the other, with the next when the promise it returned has resolved. Resolves or rejects when and as
   * a loop over the connection would end, and rejects with what `listener` throws. While nothing comes, a server's handler that returns
   * this keeps 900 bytes less than one with a loop: for very many sockets.
   */
  receiveEach(listener: (message: Message) => unknown): Promise<undefined> {
    return new MessageLoop(this.#link.intake, listener);
  }

  /**
   * The next message; several may wait, and not to wait any more harms nothing. Throws `WebSocketClosedError` if the connection ends before, however peacefully;
   * `RequestTimeoutError` `timeout.receive`; the signal's reason; at once, `UsageError` for options that are none.
   */
  receive(options: WaitOptions = NO_OPTIONS): Promise<Message> {
    checkWait(options);
    const closedNow = () => this.#refusal("receive");
    return takeMessage({ intake: this.#link.intake, clock: this.#state.clock, closedError: closedNow }, options);
  }

  /**
   * The next message, parsed as JSON, and made by `schema` (any Standard Schema) what it is to be. Throws as {@link receive} does;
   * `PayloadError` `body/invalid-json`; `ValidationError` `body/schema-mismatch`. The message is taken either way.
   */
  receiveJson<T = unknown>(options?: WaitOptions): Promise<T>;
  receiveJson<S extends StandardSchemaV1>(schema: S, options?: WaitOptions): Promise<StandardSchemaV1.InferOutput<S>>;
  receiveJson(first?: StandardSchemaV1 | WaitOptions, second?: WaitOptions): Promise<unknown> {
    const { schema, options } = schemaFirst(first, second);
    return quietly(readJson(this.receive(options), schema));
  }

  /**
   * The messages as they begin, each to be read while it comes: for messages larger than memory. With `maxMessageSize: Infinity` they may
   * be of any size. Going on to the next message drops what was not read of the last one. From the first call on, messages that
   * nobody takes are kept in parts too. A compressed message is kept until it is whole, and held to `maxMessageSize`.
   */
  streams(): AsyncIterableIterator<MessageStream, undefined> {
    this.#link.intake.startStreaming();
    return new MessageStreams(this.#link.intake);
  }

  // Sending.

  /**
   * Sends a message: a string as text, anything else as bytes, which must not change until the promise has resolved. It resolves when there is
   * room for more, at once if there is: to await it is back-pressure. Messages leave in the order of the calls. Throws
   * `WebSocketClosedError` when the connection is closing or closed; a rejection that nobody awaits harms nothing. What is no message is
   * a `UsageError` `websocket/bad-message`, thrown at once.
   */
  send(message: MessageInput, options?: SendOptions): Promise<void> {
    if (options !== undefined) checkSend(options);
    return this.#link.sender.send(toMessage(message), options?.compress, options?.signal);
  }

  /** Sends what `JSON.stringify` makes of `value`, as {@link send} does. Throws `UsageError` `websocket/bad-message` if that is nothing. */
  sendJson(value: unknown, options?: SendOptions): Promise<void> {
    return this.send(jsonMessage(value), options);
  }

  /**
   * Sends one message in fragments, as `source` gives its parts; other messages wait until it is complete. Compressed only if asked. Resolves
   * when all was handed over. Throws what the source throws, and ends the connection with 1011 if the message was begun; as {@link send}
   * does, too; the end of the connection does not wait for the source.
   */
  sendStream(source: MessageSource, options: SendStreamOptions = NO_OPTIONS): Promise<void> {
    checkSource(source);
    checkSendStream(options);
    const sending = sendStream(this.#link, source, options);
    return unlessAborted(sending, this.#state.signal, () => this.#refusal("send"));
  }

  /** Sends what was prepared for many: no promise, no copy; false if the connection is closing or closed. See {@link bufferedAmount}. */
  sendPrepared(message: PreparedMessage): boolean {
    if (!(message instanceof PreparedMessage)) throw notPrepared(message);
    return this.#link.sender.sendPrepared(message);
  }

  /**
   * Sends a ping and resolves with the milliseconds until its pong came. Throws `RequestTimeoutError` `timeout.ping`, the signal's
   * reason, or `WebSocketClosedError`.
   */
  ping(options: WaitOptions = NO_OPTIONS): Promise<number> {
    checkWait(options);
    if (this.#link.state !== "open") return refused(this.#refusal("send a ping"));
    if (options.signal?.aborted) return refused(options.signal.reason);
    return this.#state.pings.ping((payload) => this.#link.ping(payload), options);
  }

  // The end.

  /**
   * Sends a close frame behind what was sent, and resolves when the connection is gone: with the peer's answer, or after `closeTimeout`.
   * Messages that come meanwhile are dropped. Does not reject for the way it ends; calling it again waits for the same end.
   * `null` for no code, as pages close, and then no reason. Throws `UsageError` `websocket/bad-close` for a code or reason that cannot be
   * sent (RFC 6455 §5.5, §7.4).
   */
  async close(code: number | null = 1000, reason = ""): Promise<void> {
    checkClose(code, reason);
    this.#link.close(code ?? undefined, reason);
    await this.#state.closed;
  }

  /** Ends the connection at once, without a word: 1006 on both sides. `cause`: of the error that whoever waits is given. */
  terminate(cause?: unknown): void {
    this.#link.terminate({ code: "websocket/terminated", why: "the connection was terminated", cause });
  }

  /** Closes with 1000. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Nothing secret: no message, no address, no words of the peer. */
  toJSON(): Record<string, unknown> {
    const { state, protocol, extensions, bufferedAmount, closeCode } = this;
    return { state, protocol, extensions, bufferedAmount, kept: this.#link.intake.inbox.size, closeCode };
  }

  [Symbol.for("nodejs.util.inspect.custom")](_depth: number, options: object, inspect: Inspect): string {
    return `WebSocketConnection ${inspect(this.toJSON(), options)}`;
  }

  #refusal(doing: string): Error {
    const end = this.#link.end ?? { code: 1000, reason: "", wasClean: false };
    return closedError(doing, end, this.#link.cause);
  }
}

async function readJson(receiving: Promise<Message>, schema: StandardSchemaV1 | undefined): Promise<unknown> {
  const message = await receiving;
  const text = typeof message === "string" ? message : decodeText(message, undefined);
  const value = parseJson(text, "the message");
  return schema === undefined ? value : await validate(schema, value, "the message");
}
