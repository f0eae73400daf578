/**
 * One connection of a server: asks the responder for answers, and limits every wait for the client. The link below knows
 * what bytes mean but no time; this knows time and nothing of bytes.
 *
 * Two deadlines serve a connection for its life. The first follows what the link waits for: a request, the rest of a head, the
 * rest of a body, the client's end. While the connection is busy with us it is left where it is and ignored, because
 * moving a deadline costs more than letting it come up. The second watches a client that does not read.
 */

import type { Clock } from "../concurrency/clock.js";
import type { Deadline } from "../concurrency/deadline.js";
import { OwnedDeadline } from "../concurrency/owned-deadline.js";
import { ConnectionLostError, PeerError } from "../errors.js";
import type { Transport } from "../net/transport.js";
import { refusal } from "../wire/answer.js";
import type { BodyFeed } from "../wire/body-feed.js";
import type { HandedOver, HandedOverOwner } from "../wire/handed-over.js";
import type { Http1Exchange } from "../wire/http1-exchange.js";
import { Http1ServerLink } from "../wire/http1-server-link.js";
import type { ReadPhase, ServerLinkOwner, ServerLinkSettings } from "../wire/server-link-owner.js";
import type { ResolvedConnectionOptions } from "./connection-options.js";
import type { Responder, ServerExchange } from "./exchange.js";
import type { Reply } from "./reply.js";

const SECOND_MS = 1_000;
/** For the rest of a head when the server closes: a client that sends one in two packets is not slower. */
const LAST_HEAD_MS = 1_000;

/** What the connections of a server share. */
export interface ConnectionHost {
  readonly responder: Responder;
  readonly options: ResolvedConnectionOptions;
  readonly linkSettings: ServerLinkSettings;
  readonly clock: Clock;
  /** An answer failed: its payload broke off, or it could not be sent as it was. `exchange` says which, where that is known. */
  onError(error: unknown, exchange: ServerExchange | undefined): void;
  /** The connection is gone. Last call. */
  onConnectionClosed(connection: Connection): void;
  /** Another protocol has its transport: `successor` takes its place. Last call, too. Returns who is told of the successor's end. */
  onConnectionHandedOver(connection: Connection, successor: HandedOver): HandedOverOwner;
}

/** `start` is `idle` before the first request: what is awaited then is a head. */
type Phase = ReadPhase | "start";

/** Serves one accepted transport. */
export class Connection implements ServerLinkOwner {
  readonly #host: ConnectionHost;
  readonly #link: Http1ServerLink;
  readonly #readDeadline: Deadline;
  #sendDeadline: Deadline | undefined;
  #phase: Phase = "start";
  /** What is asked now is the last. */
  #retired = false;
  /** The body that is being received, and since when. */
  #received: BodyFeed | undefined;
  #receivingSince = 0;
  #stalledBytes = 0;

  constructor(transport: Transport, host: ConnectionHost) {
    this.#host = host;
    this.#readDeadline = new OwnedDeadline(this, Connection.#readExpired);
    host.clock.arm(this.#readDeadline, host.options.headersTimeout);
    this.#link = new Http1ServerLink(transport, this, host.linkSettings);
  }

  /** Whether nothing is being asked or answered. */
  get idle(): boolean {
    return this.#phase === "idle" || this.#phase === "start";
  }

  /** Ends after what has been asked; at once if nothing has. The rest of a head that has begun gets a moment: it may be on its way. */
  retire(): void {
    this.#retired = true;
    this.#link.retire();
    if (this.#phase === "head") this.#hurryHead();
  }

  /** Ends at once; the signals of running requests abort with `reason`. */
  destroy(reason?: Error): void {
    this.#link.destroy(reason);
  }

  // What the link says.

  onRequest(exchange: Http1Exchange): void {
    let reply: Reply | Promise<Reply>;
    try {
      reply = this.#host.responder(exchange);
    } catch (error) {
      this.#answerFailure(exchange, error);
      return;
    }
    if (!(reply instanceof Promise)) {
      this.#link.answer(exchange, reply);
      return;
    }
    reply.then(
      (settled) => this.#link.answer(exchange, settled),
      (error: unknown) => this.#answerFailure(exchange, error),
    );
  }

  onPhase(phase: ReadPhase): void {
    const { clock, options } = this.#host;
    if (this.#received !== undefined) this.#pauseReceiving(this.#received);
    switch (phase) {
      case "idle":
        // Stray line ends before the first request are no request.
        if (this.#phase === "start" && this.#link.requestCount === 0) return;
        clock.arm(this.#readDeadline, options.keepAliveTimeout);
        break;
      case "head":
        if (this.#phase !== "start") clock.arm(this.#readDeadline, options.headersTimeout);
        if (this.#retired) this.#hurryHead();
        break;
      case "body":
        this.#startReceiving();
        break;
      case "linger":
        clock.arm(this.#readDeadline, options.lingerTimeout);
        this.#watchRest();
        break;
      case "busy":
        break;
    }
    this.#phase = phase;
  }

  onStalled(stalled: boolean): void {
    if (stalled) this.#watchSending();
    else if (this.#sendDeadline !== undefined) this.#host.clock.disarm(this.#sendDeadline);
  }

  onAnswerError(error: unknown, exchange: Http1Exchange): void {
    this.#host.onError(error, exchange);
  }

  onHandedOver(successor: HandedOver): HandedOverOwner {
    this.#disarm();
    return this.#host.onConnectionHandedOver(this, successor);
  }

  onClosed(): void {
    this.#disarm();
    this.#host.onConnectionClosed(this);
  }

  // Time.

  static readonly #readExpired = (connection: Connection): void => connection.#expireRead();
  static readonly #sendExpired = (connection: Connection): void => connection.#expireSend();

  #hurryHead(): void {
    const { clock } = this.#host;
    if (this.#readDeadline.dueAt > clock.now() + LAST_HEAD_MS) clock.arm(this.#readDeadline, LAST_HEAD_MS);
  }

  #expireRead(): void {
    const allowed = this.#retired
      ? "the server could wait for when it closed"
      : `${this.#host.options.headersTimeout} ms`;
    switch (this.#phase) {
      case "start":
        this.#link.destroy();
        break;
      case "idle":
      case "linger":
        this.#endUnlessSending();
        break;
      case "head":
        this.#link.refuse(tooSlow("server/headers-timeout", `its head took longer than ${allowed}`));
        break;
      case "body":
        this.#checkRate();
        break;
      default:
        // The wait is ours, not the client's.
        break;
    }
  }

  /**
   * A client that is still taking the last answer, however slowly, is the send time-out's business. The end is no fault: without an
   * error it is a FIN, behind what the system still has to send; a reset would throw that away.
   */
  #endUnlessSending(): void {
    const { clock, options } = this.#host;
    if (this.#link.transport.bufferedBytes === 0) {
      this.#link.destroy();
      return;
    }
    this.#watchRest(); // what waits may be too little to have stalled anything
    clock.arm(this.#readDeadline, this.#phase === "linger" ? options.lingerTimeout : options.keepAliveTimeout);
  }

  #startReceiving(): void {
    const feed = this.#link.receiving;
    if (feed === undefined) return;
    this.#received = feed;
    this.#receivingSince = this.#host.clock.now();
    this.#host.clock.arm(this.#readDeadline, this.#allowedMs(feed) - feed.activeMs);
  }

  #pauseReceiving(feed: BodyFeed): void {
    feed.activeMs += this.#host.clock.now() - this.#receivingSince;
    this.#received = undefined;
  }

  /** The time a body may take, given what has come of it: a total, and a share of it for every byte that has come. */
  #allowedMs(feed: BodyFeed): number {
    const { receiveTimeout, receiveGrace, minReceiveRate } = this.#host.options;
    if (minReceiveRate === 0) return receiveTimeout;
    return Math.min(receiveTimeout, receiveGrace + (feed.receivedBytes / minReceiveRate) * SECOND_MS);
  }

  #checkRate(): void {
    const feed = this.#received;
    if (feed === undefined) return;
    this.#pauseReceiving(feed);
    if (this.#allowedMs(feed) > feed.activeMs) {
      this.#startReceiving();
      return;
    }
    const came = `${feed.receivedBytes} bytes of its body came in ${Math.round(feed.activeMs)} ms`;
    this.#link.refuse(tooSlow("server/receive-timeout", came));
  }

  #watchSending(): void {
    const { clock, options } = this.#host;
    this.#sendDeadline ??= new OwnedDeadline(this, Connection.#sendExpired);
    this.#stalledBytes = this.#link.transport.bufferedBytes;
    clock.arm(this.#sendDeadline, options.sendTimeout);
  }

  /** Before the connection's end nothing may have been stalled, and after it nobody would be told. */
  #watchRest(): void {
    if (this.#link.transport.bufferedBytes > 0 && this.#sendDeadline?.armed !== true) this.#watchSending();
  }

  /** Bytes taken since the last look, however they came to wait: what is written meanwhile only makes it look like less. */
  #expireSend(): void {
    const { sendTimeout, minSendRate } = this.#host.options;
    const left = this.#link.transport.bufferedBytes;
    if (left === 0) return;
    const taken = this.#stalledBytes - left;
    if (taken >= Math.max(1, (minSendRate * sendTimeout) / SECOND_MS)) {
      this.#watchSending();
      return;
    }
    const stalled = `the client has taken ${Math.max(0, taken) || "nothing"} of ${this.#stalledBytes} bytes in ${sendTimeout} ms`;
    this.#link.destroy(timeout("server/send-timeout", stalled));
  }

  #disarm(): void {
    this.#host.clock.disarm(this.#readDeadline);
    if (this.#sendDeadline !== undefined) this.#host.clock.disarm(this.#sendDeadline);
  }

  /** A responder that throws breaks its contract; the client gets an answer nevertheless. */
  #answerFailure(exchange: Http1Exchange, error: unknown): void {
    this.#host.onError(error, exchange);
    this.#link.answer(exchange, refusal(500, "server/responder-failed"));
  }
}

/** RFC 9110 §15.5.9. */
function tooSlow(code: string, what: string): PeerError {
  return new PeerError(code, `Cannot wait longer for the request: ${what}`, 408);
}

function timeout(code: string, what: string): ConnectionLostError {
  return new ConnectionLostError(code, `Cannot keep the connection: ${what}`);
}
