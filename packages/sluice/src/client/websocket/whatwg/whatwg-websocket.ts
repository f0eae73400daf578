/**
 * The `WebSocket` of browsers (WebSockets Standard, WHATWG) on a session: for libraries that take its constructor. Everything below it,
 * from proxies to limits, is the session's; the class of ours, `WebSocketConnection`, has what this interface lacks, back-pressure
 * above all.
 */
import { ownExactly } from "../../../body/own-bytes.js";
import { showUrl } from "../../../http/redact.js";
import type { WebSocketEnd } from "../../../wire/websocket/closed-error.js";
import type { WebSocketConnection } from "../../../wire/websocket/websocket-connection.js";
import type { ClientSession } from "../../session.js";
import type { WebSocketOptions } from "../websocket-options.js";
import { offeredProtocols, socketUrl } from "./constructor-arguments.js";
import { EventHandlers, type Handler } from "./event-handlers.js";
import { Outgoing, type Sendable } from "./outgoing.js";
import { SocketCloseEvent, type SocketCloseEventLike } from "./socket-close-event.js";
import { SocketErrorEvent } from "./socket-error-event.js";

/** Where sockets of a class come from. */
export interface WhatwgHome {
  readonly session: ClientSession;
  readonly options: Omit<WebSocketOptions, "protocols">;
  /** What relative URLs are relative to. */
  readonly baseUrl: URL | undefined;
}

type Inspect = (value: unknown, options: object) => string;

/** What binary messages come as. */
export type SocketBinaryType = "blob" | "arraybuffer";

/** `readyState`, in its order. */
const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** `CONNECTING` 0, `OPEN` 1, `CLOSING` 2 or `CLOSED` 3. */
export type SocketReadyState = 0 | 1 | 2 | 3;

const NORMAL = 1000;
const ABNORMAL = 1006;
/** RFC 6455 §5.5: a control frame has 125 bytes, two of which are the code. */
const MOST_REASON_BYTES = 123;
const MOST_UNSIGNED_SHORT = 0xffff;

/** See the head of this file. Made by the classes of `webSocketFor`. */
export class WhatwgWebSocket extends EventTarget {
  static readonly CONNECTING = CONNECTING;
  static readonly OPEN = OPEN;
  static readonly CLOSING = CLOSING;
  static readonly CLOSED = CLOSED;

  readonly #url: string;
  readonly #origin: string;
  readonly #handlers = new EventHandlers(this);
  readonly #outgoing = new Outgoing();
  /** Ends the handshake. */
  readonly #controller = new AbortController();
  #readyState: SocketReadyState = CONNECTING;
  #binaryType: SocketBinaryType = "blob";
  #connection: WebSocketConnection | undefined;
  #protocol = "";
  #extensions = "";

  /** Throws `SyntaxError` (a `DOMException`) for a URL or sub-protocols that cannot be. */
  constructor(home: WhatwgHome, url: string | URL, protocols: string | readonly string[]) {
    super();
    const record = socketUrl(url, home.baseUrl);
    this.#url = record.href;
    this.#origin = record.origin;
    const offered = offeredProtocols(protocols);
    void this.#run(home, offered);
  }

  /** `String(socket)` is `[object WebSocket]` (Web IDL §3.7.6), which is how some libraries know one. */
  get [Symbol.toStringTag](): string {
    return "WebSocket";
  }

  get CONNECTING(): typeof CONNECTING {
    return CONNECTING;
  }

  get OPEN(): typeof OPEN {
    return OPEN;
  }

  get CLOSING(): typeof CLOSING {
    return CLOSING;
  }

  get CLOSED(): typeof CLOSED {
    return CLOSED;
  }

  /** Absolute, with scheme `ws` or `wss`. */
  get url(): string {
    return this.#url;
  }

  get readyState(): SocketReadyState {
    return this.#readyState;
  }

  /** Bytes given to `send` that have not left; it never falls again once the connection has ended. */
  get bufferedAmount(): number {
    return this.#outgoing.bufferedBytes;
  }

  /** As the server agreed to them; empty before. */
  get extensions(): string {
    return this.#extensions;
  }

  /** The sub-protocol that the server chose; empty for none, and before. */
  get protocol(): string {
    return this.#protocol;
  }

  /** What binary messages come as. What is no such type is ignored, as for any enumeration of the standard. @default "blob" */
  get binaryType(): SocketBinaryType {
    return this.#binaryType;
  }

  set binaryType(type: SocketBinaryType) {
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  get onopen(): Handler<Event> {
    return this.#handlers.get("open");
  }

  set onopen(handler: Handler<Event>) {
    this.#handlers.set("open", handler);
  }

  get onmessage(): Handler<MessageEvent> {
    return this.#handlers.get("message");
  }

  set onmessage(handler: Handler<MessageEvent>) {
    this.#handlers.set("message", handler);
  }

  get onerror(): Handler<Event> {
    return this.#handlers.get("error");
  }

  set onerror(handler: Handler<Event>) {
    this.#handlers.set("error", handler);
  }

  get onclose(): Handler<SocketCloseEventLike> {
    return this.#handlers.get("close");
  }

  set onclose(handler: Handler<SocketCloseEventLike>) {
    this.#handlers.set("close", handler);
  }

  /** Throws `InvalidStateError` before the connection is open. Afterwards it never fails: what cannot be sent is counted. */
  send(...given: [data: Sendable]): void {
    if (given.length < 1) throw new TypeError("Cannot send: send() takes one argument");
    const [data] = given;
    if (this.#readyState === CONNECTING) {
      throw new DOMException("Cannot send: the connection is not open yet", "InvalidStateError");
    }
    const sendable = data instanceof Blob || data instanceof ArrayBuffer || ArrayBuffer.isView(data) || isShared(data);
    this.#outgoing.send(sendable ? data : String(data));
  }

  /**
   * Begins the closing handshake, or gives up the opening one. Throws `InvalidAccessError` for a code other than 1000 and 3000 to
   * 4999, `SyntaxError` for a reason of more than 123 bytes.
   */
  close(code?: number, reason?: string): void {
    const wanted = code === undefined ? undefined : clamped(code);
    if (wanted !== undefined && wanted !== NORMAL && (wanted < 3000 || wanted > 4999)) {
      throw new DOMException(`Cannot close with ${wanted}: expected 1000, or 3000 to 4999`, "InvalidAccessError");
    }
    const words = reason === undefined ? "" : String(reason);
    const bytes = Buffer.byteLength(words);
    if (bytes > MOST_REASON_BYTES) {
      const message = `Cannot close with a reason of ${bytes} bytes: the most is ${MOST_REASON_BYTES}`;
      throw new DOMException(message, "SyntaxError");
    }
    if (this.#readyState === CLOSING || this.#readyState === CLOSED) return;
    this.#readyState = CLOSING;
    if (this.#connection === undefined) this.#controller.abort();
    else void this.#closeBehind(this.#connection, wanted, words);
  }

  /** The address without its secrets. */
  [Symbol.for("nodejs.util.inspect.custom")](_depth: number, options: object, inspect: Inspect): string {
    const { readyState, protocol, extensions, bufferedAmount } = this;
    return `WebSocket ${inspect({ url: showUrl(this.#url), readyState, protocol, extensions, bufferedAmount }, options)}`;
  }

  /** What was given to `send` before goes before the close frame. */
  async #closeBehind(connection: WebSocketConnection, code: number | undefined, reason: string): Promise<void> {
    await this.#outgoing.flushed;
    // A reason has its place behind a code (RFC 6455 §5.5.1).
    if (code === undefined) await connection.close(null);
    else await connection.close(code, reason);
  }

  /** The life of the socket; tells of everything by events, and never rejects. */
  async #run({ session, options }: WhatwgHome, protocols: readonly string[]): Promise<void> {
    let connection: WebSocketConnection;
    try {
      const scope = options.signal === undefined ? session : session.with({ signal: options.signal });
      connection = await scope.websocket(this.url, { ...options, protocols, signal: this.#controller.signal });
    } catch (error) {
      this.#tellEnd({ code: ABNORMAL, reason: "", wasClean: false }, error);
      return;
    }
    this.#establish(connection);
    const failure = await this.#deliver(connection);
    const end = await connection.closed;
    this.#outgoing.detach();
    this.#tellEnd(end, failure);
  }

  #establish(connection: WebSocketConnection): void {
    this.#connection = connection;
    this.#outgoing.attach(connection);
    this.#protocol = connection.protocol;
    this.#extensions = connection.extensions;
    if (this.#readyState !== CONNECTING) return;
    this.#readyState = OPEN;
    this.dispatchEvent(new Event("open"));
  }

  /** All messages, as they come; resolves to what ended them, undefined for an end in good order. */
  async #deliver(connection: WebSocketConnection): Promise<unknown> {
    try {
      for await (const message of connection) {
        // What comes behind a call of close() is for nobody any more.
        if (this.#readyState !== OPEN) continue;
        const init = { data: this.#dataOf(message), origin: this.#origin };
        this.dispatchEvent(new MessageEvent("message", init));
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #dataOf(message: string | Uint8Array): unknown {
    if (typeof message === "string") return message;
    const bytes = ownExactly(message);
    return this.#binaryType === "blob" ? new Blob([bytes]) : bytes.buffer;
  }

  /** The last events. A connection that failed is told of as 1006, whatever we said to the peer: it has not said goodbye. */
  #tellEnd({ code, reason, wasClean }: WebSocketEnd, failure: unknown): void {
    this.#readyState = CLOSED;
    if (!wasClean) this.dispatchEvent(new SocketErrorEvent("error", failure));
    const said = wasClean ? { code, reason } : { code: ABNORMAL, reason: "" };
    this.dispatchEvent(new SocketCloseEvent("close", { wasClean, ...said }));
  }
}

/** Web IDL's `[Clamp] unsigned short`. */
function clamped(code: number): number {
  const number = Number(code);
  if (Number.isNaN(number)) return 0;
  return Math.min(Math.max(roundHalfToEven(number), 0), MOST_UNSIGNED_SHORT);
}

function roundHalfToEven(number: number): number {
  const down = Math.floor(number);
  if (number - down !== 0.5) return Math.round(number);
  return down % 2 === 0 ? down : down + 1;
}

function isShared(data: unknown): boolean {
  return typeof SharedArrayBuffer !== "undefined" && data instanceof SharedArrayBuffer;
}
