/**
 * A WebSocket that outlives its connections: it connects, and connects again when a connection is lost, as `reconnect-policy.ts`
 * decides. What is sent meanwhile waits in a bounded queue; what is received is read as one stream of messages.
 *
 * It gives a message to one connection at most: what was handed over when a connection broke is lost or was received, and only the
 * peer's own protocol can tell which. See docs/websocket.md.
 */
import { abortError, linkSignal, onAbort } from "../../concurrency/abort.js";
import type { Clock } from "../../concurrency/clock.js";
import { sleep } from "../../concurrency/sleep.js";
import { CLOSE_CODES } from "../../websocket/close-codes.js";
import { checkSend, type SendOptions } from "../../wire/websocket/call-options.js";
import { checkClose } from "../../wire/websocket/check-close.js";
import { closedError } from "../../wire/websocket/closed-error.js";
import { isEndOf } from "../../wire/websocket/is-end-of.js";
import { jsonMessage, type MessageInput, toMessage } from "../../wire/websocket/message-input.js";
import { quietly } from "../../wire/websocket/quietly.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";
import type { ClientSession } from "../session.js";
import { MessageRelay, type SocketMessage } from "./message-relay.js";
import { delayAfter, type SocketEnding } from "./reconnect-policy.js";
import {
  type ReconnectingWebSocketOptions,
  type ResolvedReconnecting,
  resolveReconnecting,
} from "./reconnecting-options.js";
import { requireSession } from "./require-session.js";
import { type Sending, SendQueue } from "./send-queue.js";

const { NORMAL, ABNORMAL } = CLOSE_CODES;
const OVER = { code: "websocket/closed", why: "the reconnecting WebSocket is closed" };

/** `waiting`: between two connections. */
export type ReconnectingState = "connecting" | "open" | "waiting" | "closing" | "closed";

/** Where to connect to; a function is asked before each try, for an address that holds only for a while. */
export type SocketAddress = string | URL | (() => string | URL | Promise<string | URL>);

type Inspect = (value: unknown, options: object) => string;

/** `next`: undefined for never. */
interface Verdict {
  readonly next: number | undefined;
}

/** See the head of this file. Begins to connect in a microtask. Closing it, by `close()` or `await using`, is its maker's duty. */
export class ReconnectingWebSocket implements AsyncIterable<SocketMessage> {
  /** Resolves, never rejects, when it is over: with how the last connection ended. */
  readonly closed: Promise<SocketEnding>;
  readonly #session: ClientSession;
  readonly #address: SocketAddress;
  readonly #options: ResolvedReconnecting;
  readonly #clock: Clock;
  readonly #queue: SendQueue;
  readonly #relay: MessageRelay;
  /** Ends handshakes, waits and connections. */
  readonly #controller = new AbortController();
  readonly #closedByUs = abortError("The reconnecting WebSocket was closed");
  #state: ReconnectingState = "connecting";
  #socket: WebSocketConnection | undefined;
  /** Failures in a row. */
  #failures = 0;
  #connections = 0;
  /** By {@link close}. */
  #closing = false;

  /** Throws `UsageError` for options that are unknown or out of range, and for what is no session. */
  constructor(session: ClientSession, address: SocketAddress, options: ReconnectingWebSocketOptions = {}) {
    requireSession(session);
    const { clock, random } = session.connector;
    this.#session = session;
    this.#address = address;
    this.#options = resolveReconnecting(options, random);
    this.#clock = clock;
    this.#queue = new SendQueue(this.#options.queue);
    this.#relay = new MessageRelay(this.#options.maxQueuedBytes);
    this.closed = this.#run();
  }

  get state(): ReconnectingState {
    return this.#state;
  }

  /** The connection there is; undefined while there is none or it ends, and while `onOpen` is at work. */
  get socket(): WebSocketConnection | undefined {
    return this.#state === "open" && this.#socket?.state === "open" ? this.#socket : undefined;
  }

  /** How many messages wait for a connection. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Bytes that wait: for a connection, or on it. */
  get bufferedAmount(): number {
    return this.#queue.bytes + (this.socket?.bufferedAmount ?? 0);
  }

  /**
   * Sends on the connection there is, or on the next one. Resolves when that has taken it, or rejects as that does: with
   * `websocket/queue-full` where there is no room to wait, and when it is over before it was sent. A rejection that nobody awaits does
   * no harm. `signal` ends the waiting for a connection, too. What is no message is a `UsageError` `websocket/bad-message`, thrown at once.
   */
  send(message: MessageInput, options?: SendOptions): Promise<void> {
    if (options !== undefined) checkSend(options);
    return quietly(this.#send({ message: toMessage(message), options }));
  }

  /** Sends a value as JSON, as {@link send} does. */
  sendJson(value: unknown, options?: SendOptions): Promise<void> {
    return this.send(jsonMessage(value), options);
  }

  /**
   * Messages over as many connections as it takes, for one reader at a time. Leaving the loop closes nothing. Throws `SluiceError`
   * `websocket/reader-behind` where messages were dropped, because connections had ended and left more than `maxQueuedBytes` unread: the
   * next loop goes on behind the gap.
   */
  [Symbol.asyncIterator](): AsyncGenerator<SocketMessage, void, undefined> {
    return this.#relay.read();
  }

  /**
   * Ends it for good: the connection with this code, or the try to make one. Messages that wait are rejected. Idempotent. Throws `UsageError`
   * `websocket/bad-close` for a code or reason that cannot be sent.
   */
  async close(code: number = NORMAL, reason = ""): Promise<SocketEnding> {
    checkClose(code, reason);
    if (this.#state !== "closed" && this.#state !== "closing") {
      const socket = this.#socket;
      this.#state = "closing";
      this.#closing = true;
      if (socket === undefined) this.#controller.abort(this.#closedByUs);
      else await socket.close(code, reason);
    }
    return await this.closed;
  }

  [Symbol.asyncDispose](): Promise<unknown> {
    return this.close();
  }

  /** Nothing secret: no message, no address. */
  toJSON(): Record<string, unknown> {
    const { state, queued, bufferedAmount } = this;
    return { state, connections: this.#connections, failures: this.#failures, queued, bufferedAmount };
  }

  [Symbol.for("nodejs.util.inspect.custom")](_depth: number, options: object, inspect: Inspect): string {
    return `ReconnectingWebSocket ${inspect(this.toJSON(), options)}`;
  }

  #send(sending: Sending): Promise<void> {
    const { socket } = this;
    if (socket !== undefined) return socket.send(sending.message, sending.options);
    if (this.#state === "closed" || this.#state === "closing") return Promise.reject(overError());
    return this.#queue.add(sending);
  }

  async #run(): Promise<SocketEnding> {
    await undefined;
    const { socket, listeners } = this.#options;
    const stop = linkSignal(socket.signal, this.#controller);
    let ending: SocketEnding;
    try {
      ending = await this.#untilFinal();
    } catch (error) {
      const failure = error === this.#closedByUs ? undefined : error;
      ending = { code: undefined, reason: "", wasClean: false, error: failure };
    }
    stop();
    this.#state = "closed";
    this.#queue.rejectAll(overError());
    this.#relay.end(this.#errorOf(ending));
    tell(listeners.onClosed, ending);
    return ending;
  }

  /** Connection after connection, until one ends for good. Throws the reason of an abort, and what a callback throws. */
  async #untilFinal(): Promise<SocketEnding> {
    const { listeners } = this.#options;
    for (;;) {
      const ending = await this.#oneConnection();
      const { next } = this.#judge(ending);
      if (next === undefined) return ending;
      this.#state = "waiting";
      listeners.onReconnect({ ending, attempt: this.#failures, delay: next });
      await this.#wait(next);
    }
  }

  async #oneConnection(): Promise<SocketEnding> {
    const { policy, listeners } = this.#options;
    this.#state = "connecting";
    let socket: WebSocketConnection;
    try {
      socket = await this.#connect();
    } catch (error) {
      if (this.#controller.signal.aborted) throw this.#controller.signal.reason;
      this.#failures += 1;
      return { code: undefined, reason: "", wasClean: false, error };
    }
    const openedAt = this.#clock.now();
    this.#connections += 1;
    this.#socket = socket;
    await this.#greet(socket);
    const { code, reason, wasClean } = await socket.closed;
    this.#socket = undefined;
    if (this.#controller.signal.aborted) throw this.#controller.signal.reason;
    this.#failures = this.#clock.now() - openedAt >= policy.stableAfter ? 1 : this.#failures + 1;
    const ending = { code, reason, wasClean, error: wasClean ? undefined : socket.signal.reason };
    listeners.onLost(ending);
    return ending;
  }

  async #connect(): Promise<WebSocketConnection> {
    const address = this.#address;
    const { signal } = this.#controller;
    const url = typeof address === "function" ? await address() : address;
    return await this.#session.websocket(url, { ...this.#options.socket, signal });
  }

  /** First whoever opens it, then what waited, then everybody. What waits goes on waiting if the connection has ended meanwhile. */
  async #greet(socket: WebSocketConnection): Promise<void> {
    await Promise.race([this.#open(socket), socket.closed]);
    this.#relay.add(socket);
    if (socket.state !== "open" || this.#state !== "connecting") return;
    this.#state = "open";
    this.#queue.flush(({ message, options }) => socket.send(message, options));
  }

  /** Never rejects: that the connection has ended is told by that, and anything else ends us, however late. */
  async #open(socket: WebSocketConnection): Promise<void> {
    const { onOpen } = this.#options.listeners;
    try {
      await onOpen(socket, { attempt: this.#failures + 1, connection: this.#connections });
    } catch (error) {
      if (!isEndOf(socket, error)) this.#controller.abort(error);
    }
  }

  #judge(ending: SocketEnding): Verdict {
    const { policy } = this.#options;
    const mayTry = this.#connections > 0 || policy.beforeOpen;
    const isOver = this.#closing || this.#session.closed || !mayTry;
    if (isOver || this.#failures > policy.attempts || !policy.shouldReconnect(ending)) return { next: undefined };
    return { next: delayAfter(ending, this.#failures, policy, this.#clock.wallTime()) };
  }

  /** Ended by closing it, and by the session's closing. */
  async #wait(delay: number): Promise<void> {
    const { signal } = this.#controller;
    const stop = onAbort(this.#session.closing, (reason) => this.#controller.abort(reason));
    try {
      await sleep(delay, { signal, clock: this.#clock });
    } finally {
      stop();
    }
  }

  /** What a reader is told behind the last message; undefined for an end in good order. */
  #errorOf({ code, reason, error }: SocketEnding): unknown {
    if (code === undefined) return error;
    if (this.#closing || code === NORMAL) return undefined;
    return error ?? closedError("receive", { code, reason, wasClean: false }, undefined);
  }
}

/** Nothing can be sent any more. */
function overError(): Error {
  return closedError("send", { code: ABNORMAL, reason: "", wasClean: false }, OVER);
}

/** What it throws is nobody's but its own: all is over. */
function tell(listener: (ending: SocketEnding) => void, ending: SocketEnding): void {
  try {
    listener(ending);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
