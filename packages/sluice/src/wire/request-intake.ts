/**
 * The receiving side of a server's connection: bytes in, exchanges out. It owns the reader and decides when the reader must
 * stop: at the end of a message after which none may follow (RFC 9112 §9.6), where another protocol may begin (RFC 9110 §7.8,
 * §9.3.6), when enough requests are queued, when a body's reader has fallen behind. Everything else (what is answered, and
 * when) is its owner's business.
 */

import { ConnectionLostError, PeerError, ProtocolError } from "../errors.js";
import { HTTP1_LIMITS, type Http1Limits } from "../http1/limits.js";
import { RequestReader } from "../http1/request-reader.js";
import {
  CHUNKED,
  EXPECT_CONTINUE,
  EXPECT_UNKNOWN,
  type FieldLines,
  KEEP_ALIVE,
  type RequestSink,
  UPGRADE,
} from "../http1/sinks.js";
import { refusal } from "./answer.js";
import { BodyFeed, type BodyFeedHost, type BodyFeedSizes } from "./body-feed.js";
import { type ExchangeHost, Http1Exchange } from "./http1-exchange.js";

/** What is kept behind a request for another protocol: some clients do not wait for the answer, and none says much by then. */
const MOST_EARLY_BYTES = 16 * 1024;

/** What an intake needs to know. */
export interface IntakeSettings extends BodyFeedSizes {
  readonly limits: Readonly<Http1Limits>;
  /** Requests served before the connection is closed; `Infinity` for no limit. */
  readonly maxRequests: number;
}

/** Whoever answers. Calls come from inside `feed`, `finish` and `resume`, except `onBodyRoom`. */
export interface IntakeOwner extends ExchangeHost, BodyFeedHost {
  /** A head is complete; its body, if any, is still to come. The exchange is the next to be answered. */
  onExchange(exchange: Http1Exchange): void;
  /** The bytes are no valid request; they belong to `exchange` where its head was valid. Nothing more is read. */
  onBadRequest(error: PeerError, exchange: Http1Exchange | undefined): void;
  /** Whether another request may be read now. */
  hasRoom(): boolean;
}

/** Stands where a reader was that is not needed any more: nobody looks at it. */
const SPENT_READER = new RequestReader(
  { onHead: () => undefined, onData: () => undefined, onEnd: () => undefined },
  HTTP1_LIMITS,
);

/** `open`: reading; `last`: up to the end of the message being read; `closed`: bytes are not looked at any more. */
type IntakeState = "open" | "last" | "closed";

/** Reads the requests of one connection. */
export class RequestIntake implements RequestSink {
  readonly #owner: IntakeOwner;
  readonly #settings: IntakeSettings;
  #reader: RequestReader;
  #state: IntakeState = "open";
  #requestCount = 0;
  /** The exchange whose message is being read. */
  #current: Http1Exchange | undefined;
  /** The exchange whose answer decides what the next bytes mean. */
  #upgrading: Http1Exchange | undefined;
  #lent = false;
  #finished = false;

  constructor(owner: IntakeOwner, settings: IntakeSettings) {
    this.#owner = owner;
    this.#settings = settings;
    this.#reader = new RequestReader(this, settings.limits);
  }

  /** No further request will be read. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /** No request will be read after the one being read now. */
  get ending(): boolean {
    return this.#state !== "open";
  }

  /** In the middle of a head. */
  get midHead(): boolean {
    return this.#state !== "closed" && this.#current === undefined && !this.#reader.paused && this.#reader.midMessage;
  }

  /** The body being received, if one is. */
  get receiving(): BodyFeed | undefined {
    return this.#current?.feed;
  }

  /** Bytes that come now have to be kept. */
  get paused(): boolean {
    return this.#state !== "closed" && this.#reader.paused;
  }

  /**
   * The transport should wait, because what it brings would have to be kept. Behind a request for another protocol a little is, for as
   * long as its answer takes: that a client has left is seen by those who read.
   */
  get full(): boolean {
    if (!this.paused) return false;
    const awaitsProtocol = this.#upgrading !== undefined && this.#current === undefined;
    return !awaitsProtocol || this.#reader.waitingBytes >= MOST_EARLY_BYTES;
  }

  /** The peer will send no more. */
  get finished(): boolean {
    return this.#finished;
  }

  get requestCount(): number {
    return this.#requestCount;
  }

  /** Reads bytes; `lent` ones are valid until this returns. Not to be called once `closed`. */
  feed(bytes: Uint8Array, lent: boolean): void {
    this.#lent = lent;
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The peer will send no more. */
  finish(): void {
    if (this.#state === "closed") return;
    this.#finished = true;
    this.#lent = true;
    try {
      this.#reader.finish();
    } catch (error) {
      this.#fail(error);
    }
    this.#closeAtEnd();
  }

  /** Reads on if nothing stands against it. Returns whether it did. */
  resume(): boolean {
    if (!this.paused || this.#upgrading !== undefined) return false;
    const { receiving } = this;
    if (receiving === undefined ? !this.#owner.hasRoom() : receiving.paused) return false;
    // What the reader has kept may be overwritten by what it keeps next.
    this.#lent = true;
    try {
      this.#reader.resume();
    } catch (error) {
      this.#fail(error);
    }
    this.#closeAtEnd();
    return true;
  }

  /** The message being read, if one is, shall be the last. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "last";
    if (this.#current === undefined && !this.midHead) this.close();
  }

  /** Nothing is read any more; a body that is incomplete fails with `error`. */
  close(error?: Error): void {
    this.#state = "closed";
    const current = this.#current;
    this.#current = undefined;
    current?.feed?.fail(
      error ?? new ConnectionLostError("server/closed", "Cannot read on: the connection was given up"),
    );
  }

  /** Nothing is read any more, because what the peer sends is wrong or too late. */
  refuse(error: PeerError): void {
    const current = this.#current;
    this.close(new ProtocolError(error.code, error.message, { cause: error }));
    this.#owner.onBadRequest(error, current);
  }

  /** The answer to an upgrade request was an ordinary one: HTTP goes on. */
  declineUpgrade(): void {
    this.#upgrading = undefined;
  }

  /** Ends reading for good and returns what the peer has sent beyond its last request. */
  takeRest(): Uint8Array {
    this.#state = "closed";
    const rest = this.#reader.takeRest();
    // Another protocol may keep the connection for hours: what only HTTP needs goes, the strings of the head's buffer with it.
    this.#reader = SPENT_READER;
    return rest;
  }

  // What the reader says.

  onHead(method: string, target: string, version: number, bodyLength: number, flags: number, fields: FieldLines): void {
    const exchange = new Http1Exchange(this.#owner, { method, target, version, fields });
    this.#requestCount += 1;
    this.#current = exchange;
    if (bodyLength !== 0) {
      exchange.feed = new BodyFeed(this.#owner, this.#settings, bodyLength === CHUNKED ? undefined : bodyLength);
      exchange.awaitsContinue = (flags & EXPECT_CONTINUE) !== 0;
    }
    exchange.last = (flags & KEEP_ALIVE) === 0 || this.#requestCount >= this.#settings.maxRequests;
    const tunnel = method === "CONNECT";
    if (tunnel || ((flags & UPGRADE) !== 0 && (flags & KEEP_ALIVE) !== 0)) {
      exchange.upgrade = true;
      this.#upgrading = exchange;
    }
    if ((flags & EXPECT_UNKNOWN) !== 0) {
      // RFC 9110 §10.1.1. Whether a body follows is the client's secret now, so nothing can be read after this.
      exchange.answer = refusal(417, "http1/unknown-expectation");
      exchange.last = true;
    }
    // After CONNECT the reader pauses by itself: its head is all there is.
    if (tunnel) this.#current = undefined;
    // What follows an upgrade is no further request: it waits for the answer, however many requests there were.
    if (exchange.last && (tunnel || !exchange.upgrade)) this.#state = tunnel ? "closed" : "last";
    this.#owner.onExchange(exchange);
  }

  onData(piece: Uint8Array): void {
    const feed = this.#current?.feed;
    if (feed === undefined) return;
    feed.take(piece, this.#lent);
    if (feed.paused) this.#reader.pause();
  }

  onEnd(trailers: FieldLines): void {
    const current = this.#current;
    this.#current = undefined;
    current?.feed?.finish(trailers);
    if (this.#state !== "open") this.#state = "closed";
    if (this.#state !== "open" || this.#upgrading !== undefined || !this.#owner.hasRoom()) this.#reader.pause();
  }

  /** After the peer's end nothing follows, once the reader has worked off what it kept while paused. */
  #closeAtEnd(): void {
    if (this.#finished && this.#state !== "closed" && !this.#reader.paused) this.close();
  }

  #fail(error: unknown): void {
    if (!(error instanceof PeerError)) throw error;
    this.refuse(error);
  }
}
