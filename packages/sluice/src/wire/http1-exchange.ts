/**
 * One request on the wire and the answer it gets: what a server's application sees of a request (its `ServerExchange`), and the
 * link's own notes about it. Exchanges of one connection form a list through `next`, in the order in which they must be answered
 * (RFC 9112 §9.3.2).
 *
 * Whatever costs something is made when it is first asked for: a body object only where there is a body, a signal only
 * where somebody looks at it.
 */

import { Body } from "../body/body.js";
import { UsageError } from "../errors.js";
import type { FieldLines } from "../http1/sinks.js";
import { writeResponseHead } from "../http1/write-head.js";
import type { PeerInfo } from "../net/transport.js";
import type { Answer } from "./answer.js";
import type { BodyFeed } from "./body-feed.js";

const HTTP_11 = 11;
const SWITCHING_PROTOCOLS = 101;
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** The head of a request as it was read. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** 10 or 11. */
  readonly version: number;
  readonly fields: FieldLines;
}

/** The link, as far as an exchange needs it. */
export interface ExchangeHost {
  readonly secure: boolean;
  peer(): PeerInfo;
  /** The exchange has something for `takeInterim`. */
  onInterim(exchange: Http1Exchange): void;
}

/** A request being served. The public part satisfies the application's `ServerExchange`. */
export class Http1Exchange implements RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: number;
  readonly fields: FieldLines;

  /** The body on its way, where there is one. */
  feed: BodyFeed | undefined = undefined;
  /** 100 (Continue) is awaited and was not sent (RFC 9110 §10.1.1). */
  awaitsContinue = false;
  /** The client asked for another protocol, or for a tunnel; its next bytes are not read before the answer. */
  upgrade = false;
  /** The client wants, or its request forces, the connection to end after the answer. */
  last = false;
  /** The application has been asked. */
  dispatched = false;
  answer: Answer | undefined = undefined;
  next: Http1Exchange | undefined = undefined;

  readonly #host: ExchangeHost;
  #interim = "";
  #continueDue = false;
  #emptyBody: Body | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #gone: Error | undefined = undefined;

  constructor(host: ExchangeHost, head: RequestHead) {
    this.#host = host;
    this.method = head.method;
    this.target = head.target;
    this.version = head.version;
    this.fields = head.fields;
  }

  get hasBody(): boolean {
    return this.feed !== undefined;
  }

  /** The request's body. Asking for it the first time sends 100 (Continue), if that is awaited and still of use. */
  get body(): Body {
    const { feed } = this;
    if (feed !== undefined) {
      if (this.awaitsContinue && this.answer === undefined) {
        this.awaitsContinue = false;
        this.#continueDue = true;
        this.#host.onInterim(this);
      }
      return feed.body;
    }
    this.#emptyBody ??= Body.empty();
    return this.#emptyBody;
  }

  get secure(): boolean {
    return this.#host.secure;
  }

  /**
   * Aborted, with the reason, when the connection ends before the answer is complete, or the client ends its side of it: hardly any
   * client does that and still waits. What is answered nevertheless is sent.
   */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone !== undefined) this.#controller.abort(this.#gone);
    }
    return this.#controller.signal;
  }

  peer(): PeerInfo {
    return this.#host.peer();
  }

  /**
   * Sends an interim response before the final one; without effect towards HTTP/1.0 (RFC 9110 §15.2) and once the final one is
   * given. Throws `UsageError` `reply/interim-status` for a status outside 102 to 199, and for fields that cannot be sent.
   */
  inform(status: number, fields: FieldLines): void {
    if (!Number.isInteger(status) || status <= SWITCHING_PROTOCOLS || status > 199) {
      throw new UsageError("reply/interim-status", `Cannot send ${status} as interim response: expected 102 to 199`);
    }
    const text = writeResponseHead(status, undefined, fields);
    if (this.answer !== undefined || this.version < HTTP_11) return;
    this.#interim += text;
    this.#host.onInterim(this);
  }

  /** Removes the interim responses that are to be written now that it is this exchange's turn; "" for none. */
  takeInterim(): string {
    if (this.#continueDue) {
      this.#continueDue = false;
      // RFC 9110 §10.1.1: may be left out, being pointless, once content has come.
      if (this.feed?.receivedBytes === 0 && !this.feed.ended) this.#interim = CONTINUE + this.#interim;
    }
    const text = this.#interim;
    this.#interim = "";
    return text;
  }

  /** The client is gone, or the request can never become complete. The first reason stays. */
  abort(reason: Error): void {
    this.#gone ??= reason;
    this.#controller?.abort(this.#gone);
  }
}
