/**
 * The server's end of one HTTP/1.1 connection: request codec × transport. It knows what bytes mean, in which order answers leave
 * (RFC 9112 §9.3.2) and when the connection ends (§9.6); it knows nothing of handlers, routes or time.
 *
 * Strategy: a packet is read to its end first; only then are the requests found in it given to the owner, and what they are
 * answered with at once leaves in one write. Requests are handed out together as long as all before them are safe
 * (RFC 9112 §9.3.2), otherwise one after the other. Answers given later are written when it is their turn; those of one turn of the loop
 * share a write.
 *
 * The end of a connection is always the same: everything owed is written, then FIN, then what the peer still sends is let pass for
 * a while, so that it can read the answer before a reset destroys it (RFC 9112 §9.6).
 */

import { ConnectionLostError, type PeerError, ProtocolError, UsageError } from "../errors.js";
import type { PeerInfo, Transport, TransportHandler } from "../net/transport.js";
import { type Answer, refusalOf } from "./answer.js";
import { AnswerQueue, type AnswerQueueOwner } from "./answer-queue.js";
import type { BodyFeed } from "./body-feed.js";
import { HandedOver, type Successor } from "./handed-over.js";
import { Http1Exchange, type RequestHead } from "./http1-exchange.js";
import { type IntakeOwner, RequestIntake } from "./request-intake.js";
import type { ReadPhase, ServerLinkOwner, ServerLinkSettings } from "./server-link-owner.js";

type LinkState = "open" | "lingering" | "handed-over" | "closed";

/** The head that stands for bytes that had none: it is answered in full, and nobody else sees it. */
const NO_HEAD: RequestHead = { method: "GET", target: "", version: 11, fields: [] };

/** Serves one connection; made when it is accepted. */
export class Http1ServerLink implements TransportHandler, AnswerQueueOwner, IntakeOwner {
  readonly transport: Transport;
  readonly #owner: ServerLinkOwner;
  readonly #settings: ServerLinkSettings;
  readonly #intake: RequestIntake;
  readonly #answers: AnswerQueue;
  #state: LinkState = "open";
  #phase: ReadPhase | undefined = "idle";
  /** A body that is let pass because its request was answered without it. */
  #draining: BodyFeed | undefined;
  /** A packet is being worked off: what happens meanwhile is seen to at its end. */
  #working = false;
  #flushDue = false;
  /** What is asked now is the last. */
  #retired = false;
  #transportPaused = false;
  #lingerBytesLeft: number;
  #secure: boolean | undefined;

  /** Starts at once; `owner` hears nothing before the constructor has returned. */
  constructor(transport: Transport, owner: ServerLinkOwner, settings: ServerLinkSettings) {
    this.transport = transport;
    this.#owner = owner;
    this.#settings = settings;
    this.#lingerBytesLeft = settings.lingerBytes;
    this.#intake = new RequestIntake(this, settings);
    this.#answers = new AnswerQueue(transport, this);
    transport.attach(this);
  }

  get secure(): boolean {
    this.#secure ??= this.transport.peer().tls !== undefined;
    return this.#secure;
  }

  /** The request body being received, if one is: for watching its rate. */
  get receiving(): BodyFeed | undefined {
    return this.#intake.receiving;
  }

  /** Requests read so far. */
  get requestCount(): number {
    return this.#intake.requestCount;
  }

  peer(): PeerInfo {
    return this.transport.peer();
  }

  /** Answers `exchange`, once; what comes too late, or a second time, is discarded. */
  answer(exchange: Http1Exchange, answer: Answer): void {
    if (exchange.answer !== undefined || this.#state !== "open") {
      const late = new ConnectionLostError("server/too-late", "Cannot answer: the request is over");
      this.#answers.giveUp(exchange, answer, late);
      return;
    }
    exchange.answer = answer;
    this.#goOn();
  }

  /** Ends the connection after what has been asked already; at once if nothing has (RFC 9112 §9.6). */
  retire(): void {
    if (this.#state !== "open") return;
    this.#retired = true;
    this.#answers.retire();
    this.#intake.end();
    const idle = this.#intake.closed && this.#answers.length === 0;
    if (idle && this.transport.bufferedBytes === 0) this.destroy();
    else this.#goOn();
  }

  /**
   * Ends reading because the peer is too slow or otherwise unbearable: what it has asked before is answered, then `error`, then the
   * connection ends.
   */
  refuse(error: PeerError): void {
    if (this.#state !== "open") return;
    this.#intake.refuse(error);
    this.#goOn();
  }

  /** Gives up the connection at once. */
  destroy(error?: Error): void {
    this.transport.destroy(error);
  }

  // What the transport says.

  onData(bytes: Uint8Array): void {
    if (this.#state !== "open" || this.#intake.closed) {
      this.#lingerBytesLeft -= bytes.byteLength;
      this.#settle();
      return;
    }
    this.#working = true;
    this.#intake.feed(bytes, this.transport.lends);
    this.#endPacket();
  }

  onEnd(): void {
    if (this.#state !== "open") return;
    this.#working = true;
    // Half-closed or gone, nobody can tell. What is answered is sent, in case somebody still reads; but nobody is to go on working
    // for a client that most probably is not there any more, and a body that would never end does not wait to find out.
    this.#answers.retire();
    this.#intake.finish();
    this.#answers.abort(clientLeft());
    this.#endPacket();
  }

  onDrain(): void {
    this.#answers.onDrain();
    this.#goOn();
  }

  onClose(error: Error | undefined): void {
    if (this.#state === "closed" || this.#state === "handed-over") return;
    this.#state = "closed";
    const lost = error instanceof ConnectionLostError ? error : clientGone(error);
    this.#intake.close(lost);
    this.#answers.drop(lost);
    this.#owner.onClosed();
  }

  // What the intake says.

  onExchange(exchange: Http1Exchange): void {
    this.#answers.push(exchange);
    if (this.#intake.finished) exchange.abort(clientLeft());
    // A head that follows is another one, for whoever measures how long heads take.
    this.#phase = undefined;
  }

  onBadRequest(error: PeerError, exchange: Http1Exchange | undefined): void {
    if (exchange === undefined) {
      const nameless = new Http1Exchange(this, NO_HEAD);
      nameless.last = true;
      nameless.answer = refusalOf(error);
      this.#answers.push(nameless);
      return;
    }
    exchange.last = true;
    exchange.answer ??= refusalOf(error);
    exchange.abort(new ProtocolError(error.code, error.message, { cause: error }));
  }

  hasRoom(): boolean {
    return this.#answers.length < this.#settings.maxPipelined && !this.#answers.stalled;
  }

  onBodyRoom(): void {
    this.#goOn();
  }

  onInterim(exchange: Http1Exchange): void {
    if (exchange === this.#answers.head) this.#goOn();
  }

  // What the answers need and say.

  dateLine(): string {
    return this.#settings.dateLine();
  }

  onAnswerError(error: unknown, exchange: Http1Exchange): void {
    this.#owner.onAnswerError(error, exchange);
  }

  onAnswered(exchange: Http1Exchange, closes: boolean, error: Error | undefined): void {
    if (closes) {
      this.#intake.close();
      this.#answers.drop(
        new ConnectionLostError("server/closed", "Cannot answer: the connection ended before its turn"),
      );
    } else if (exchange.feed?.ended === false) {
      this.#draining = exchange.feed;
      exchange.feed.abandon(new UsageError("body/answered", "Cannot read on: the request has been answered"));
    }
    if (exchange.upgrade) this.#intake.declineUpgrade();
    if (error !== undefined) {
      this.#owner.onAnswerError(error, exchange);
      this.destroy(error);
    }
    this.#goOn();
  }

  /** Whether nothing can follow the answer to `exchange` (RFC 9112 §9.3, §9.6). */
  mustClose(exchange: Http1Exchange): boolean {
    if (exchange.last || (this.#intake.ending && exchange.next === undefined)) return true;
    const { feed } = exchange;
    if (feed === undefined || feed.ended) return false;
    // RFC 9110 §10.1.1: whether the client still sends what it was not told to continue with is its own choice.
    if (exchange.awaitsContinue && feed.receivedBytes === 0) return true;
    return !feed.read && !feed.worthDraining;
  }

  onTakeOver(exchange: Http1Exchange, successor: Successor): void {
    const rest = this.#intake.takeRest();
    this.#state = "handed-over";
    const connection = new HandedOver(this.transport, successor, exchange.answer?.onSent);
    try {
      connection.begin(this.#owner.onHandedOver(connection), rest);
      if (this.#retired) connection.retire();
    } catch (error) {
      this.#owner.onAnswerError(error, exchange);
      connection.fail(error);
    }
    if (this.#transportPaused) this.transport.resume();
  }

  onStalled(stalled: boolean): void {
    this.#owner.onStalled(stalled);
  }

  // Going on: dispatch what may run, write what may leave, read what there is room for.

  #endPacket(): void {
    this.#work();
    this.#answers.flush();
    this.#settle();
  }

  /** Something has changed outside the reading of a packet. */
  #goOn(): void {
    if (this.#working) {
      this.#answers.advance();
      return;
    }
    this.#work();
    // While others are still to be answered, they may be in this very turn of the loop.
    if (this.#answers.length > 0 && !this.#answers.sending) this.#flushLater();
    else this.#answers.flush();
    this.#settle();
  }

  #work(): void {
    this.#working = true;
    if (this.#draining?.exhausted) this.#intake.close();
    if (this.#draining?.ended) this.#draining = undefined;
    do {
      this.#answers.advance();
      for (let next = this.#answers.takeDispatchable(); next !== undefined; next = this.#answers.takeDispatchable()) {
        this.#owner.onRequest(next);
        if (this.#state !== "open") break;
      }
    } while (this.#state === "open" && this.#intake.resume());
    this.#working = false;
  }

  // The end.

  /** Brings the end of the connection, the transport's flow and the owner's idea of the phase up to date. */
  #settle(): void {
    if (this.#working) return;
    if (this.#state === "open" && this.#intake.closed && this.#answers.length === 0) this.#finish();
    if (this.#state === "handed-over" || this.#state === "closed") return;
    this.#steerTransport();
    const phase = this.#currentPhase();
    if (phase === this.#phase && phase !== "idle") return;
    this.#phase = phase;
    this.#owner.onPhase(phase);
  }

  /** All is written: FIN, and the peer gets time to read before the connection is gone. */
  #finish(): void {
    this.#state = "lingering";
    if (this.transport.destroyed) return;
    this.#answers.flush();
    this.transport.end();
  }

  #steerTransport(): void {
    const letsPass = this.#state === "lingering" || this.#intake.closed;
    const pause = letsPass ? this.#lingerBytesLeft < 0 : this.#intake.full;
    if (pause === this.#transportPaused) return;
    this.#transportPaused = pause;
    if (pause) this.transport.pause();
    else this.transport.resume();
  }

  #currentPhase(): ReadPhase {
    if (this.#state === "lingering") return "linger";
    const { receiving } = this.#intake;
    if (receiving !== undefined) return receiving.paused ? "busy" : "body";
    if (this.#intake.midHead) return "head";
    return this.#answers.length > 0 || this.#intake.paused ? "busy" : "idle";
  }

  /** Flushes when the jobs that are ready now have run: their answers share a write. */
  #flushLater(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    process.nextTick(Http1ServerLink.#flushNow, this);
  }

  static readonly #flushNow = (link: Http1ServerLink): void => {
    link.#flushDue = false;
    link.#answers.flush();
    link.#settle();
  };
}

function clientLeft(): ConnectionLostError {
  return new ConnectionLostError(
    "server/client-gone",
    "Cannot wait for the answer: the client has ended the connection",
  );
}

function clientGone(cause: Error | undefined): ConnectionLostError {
  return new ConnectionLostError("server/client-gone", "Cannot complete the answer: the connection is gone", { cause });
}
