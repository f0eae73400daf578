/**
 * What is left of a handshake's exchange while its socket is open, for a handler that looks at its request hours later, and for the report
 * of what a handler throws. Thousands of idle sockets have one each: so the words of the request are one string here, taken apart when they
 * are asked for, and neither the connection nor the packet that brought them is kept for their sake.
 */

import { Body } from "../../body/body.js";
import type { FieldLines } from "../../http1/sinks.js";
import type { PeerInfo } from "../../net/transport.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";
import type { ServerExchange } from "../exchange.js";

/** No target and no field line has one in it (RFC 9112 §3.2, §5.5). */
const SEPARATOR = "\n";
const HTTP_11 = 11;

/** See the head of this file. */
export class PastExchange implements ServerExchange {
  readonly #words: string;
  readonly #socket: WebSocketConnection;

  /** `exchange` was a valid handshake (RFC 6455 §4.2.1): GET, HTTP/1.1 at least, without a body. */
  constructor({ target, fields }: ServerExchange, socket: WebSocketConnection) {
    this.#words = [target, ...fields].join(SEPARATOR);
    this.#socket = socket;
  }

  get method(): string {
    return "GET";
  }

  get version(): number {
    return HTTP_11;
  }

  get target(): string {
    return this.#words.slice(0, this.#targetEnd());
  }

  get fields(): FieldLines {
    const end = this.#targetEnd();
    return end === this.#words.length ? [] : this.#words.slice(end + 1).split(SEPARATOR);
  }

  get body(): Body {
    return Body.empty();
  }

  get hasBody(): boolean {
    return false;
  }

  get secure(): boolean {
    return this.peer().tls !== undefined;
  }

  /** Aborts with the socket. */
  get signal(): AbortSignal {
    return this.#socket.signal;
  }

  peer(): PeerInfo {
    return this.#socket.peer;
  }

  /** The final answer is given. */
  inform(): void {}

  #targetEnd(): number {
    const end = this.#words.indexOf(SEPARATOR);
    return end === -1 ? this.#words.length : end;
  }
}
