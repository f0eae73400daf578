/**
 * The answers of one connection: which is to leave next, and what becomes of those that cannot. Answers leave in the order of
 * their requests (RFC 9112 §9.3.2), each planned when it is its turn, because what went before may have decided that the
 * connection ends. An answer that cannot be sent as it was given becomes a 500: nothing of it has been written by then.
 */

import { UsageError } from "../errors.js";
import type { Transport } from "../net/transport.js";
import { type Answer, refusal } from "./answer.js";
import { type AnswerPlan, planAnswer } from "./answer-head.js";
import { withTrailersFor } from "./answer-trailers.js";
import { AnswerWriter, type AnswerWriterOwner } from "./answer-writer.js";
import { ExchangeQueue } from "./exchange-queue.js";
import type { Successor } from "./handed-over.js";
import type { Http1Exchange } from "./http1-exchange.js";

/** Whoever has the connection. */
export interface AnswerQueueOwner {
  /** Whether the connection has to end after the answer to `exchange`, for other reasons than the answer's own. */
  mustClose(exchange: Http1Exchange): boolean;
  /** The answer is with the transport, or was cut short by `error`. `closes`: the connection has to end. */
  onAnswered(exchange: Http1Exchange, closes: boolean, error: Error | undefined): void;
  /** It is the turn of an answer that hands the connection over; `head` was written. */
  onTakeOver(exchange: Http1Exchange, successor: Successor): void;
  /** See `ServerLinkOwner.onAnswerError`. */
  onAnswerError(error: unknown, exchange: Http1Exchange): void;
  onStalled(stalled: boolean): void;
  dateLine(): string;
}

/** Sends the answers of one connection in order. */
export class AnswerQueue implements AnswerWriterOwner {
  readonly #owner: AnswerQueueOwner;
  readonly #writer: AnswerWriter;
  readonly #exchanges = new ExchangeQueue();
  /** The head is being sent; `#closes`: and is the last. */
  #sending = false;
  #closes = false;
  #advancing = false;
  #stopped = false;
  #retired = false;

  constructor(transport: Transport, owner: AnswerQueueOwner) {
    this.#owner = owner;
    this.#writer = new AnswerWriter(transport, this);
  }

  /** Requests without a complete answer. */
  get length(): number {
    return this.#exchanges.length;
  }

  /** The one whose answer is to leave next, or is leaving. */
  get head(): Http1Exchange | undefined {
    return this.#exchanges.head;
  }

  /** Whether an answer is being streamed. */
  get sending(): boolean {
    return this.#sending;
  }

  /** Whether the peer reads more slowly than we write. */
  get stalled(): boolean {
    return this.#writer.stalled;
  }

  push(exchange: Http1Exchange): void {
    this.#exchanges.push(exchange);
  }

  /** See {@link ExchangeQueue.takeDispatchable}. */
  takeDispatchable(): Http1Exchange | undefined {
    return this.#exchanges.takeDispatchable();
  }

  /** Writes the answers that are there, as far as it is their turn; they leave at the next `flush`. */
  advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    while (!this.#sending && !this.#stopped) {
      const head = this.#exchanges.head;
      if (head === undefined) break;
      const interim = head.takeInterim();
      if (interim !== "") this.#writer.sendText(interim);
      if (head.answer === undefined) break;
      this.#send(head, head.answer);
    }
    this.#advancing = false;
  }

  flush(): void {
    this.#writer.flush();
  }

  onDrain(): void {
    this.#writer.onDrain();
  }

  /** What is being sent, and what will be, is to come to its end soon. */
  retire(): void {
    this.#retired = true;
    if (this.#sending) this.#exchanges.head?.answer?.payload?.endSoon?.();
  }

  /** Tells all who work on an answer that probably nobody waits for it. */
  abort(reason: Error): void {
    for (let each = this.#exchanges.head; each !== undefined; each = each.next) each.abort(reason);
  }

  /** Nothing that waits will be answered. */
  drop(reason: Error): void {
    for (let next = this.#exchanges.shift(); next !== undefined; next = this.#exchanges.shift()) {
      next.feed?.fail(reason);
      next.abort(reason);
      if (this.#sending) this.#tellSent(next, this.#writer.cancel(), reason);
      else if (next.answer !== undefined) this.giveUp(next, next.answer, reason);
      this.#sending = false;
    }
  }

  /** `answer` is not sent. */
  giveUp(exchange: Http1Exchange, answer: Answer, reason: Error | undefined): void {
    answer.payload?.discard();
    answer.successor?.giveUp();
    this.#tellSent(exchange, 0, reason, answer);
  }

  onStalled(stalled: boolean): void {
    this.#owner.onStalled(stalled);
  }

  onAnswerEnd(bodyBytes: number, error: Error | undefined): void {
    this.#sending = false;
    const exchange = this.#exchanges.shift();
    if (exchange === undefined) return;
    this.#tellSent(exchange, bodyBytes, error);
    // The peer must not take what it has for the whole: a connection that breaks is the one sign there is.
    if (error !== undefined) exchange.abort(error);
    this.#owner.onAnswered(exchange, this.#closes || error !== undefined, error);
  }

  #send(exchange: Http1Exchange, given: Answer): void {
    const answer = given.payload?.trailers === undefined ? given : withTrailersFor(exchange, given);
    if (answer !== given) exchange.answer = answer;
    const plan = this.#plan(exchange, answer) ?? this.#planFailure(exchange);
    const { successor, payload } = exchange.answer ?? answer;
    if (successor === undefined) {
      this.#sending = true;
      this.#closes = plan.close;
      if (this.#retired) payload?.endSoon?.();
      this.#writer.send(plan, payload);
      return;
    }
    this.#stopped = true;
    this.#exchanges.shift();
    this.#writer.sendText(plan.head);
    this.#writer.flush();
    this.#owner.onTakeOver(exchange, successor);
  }

  /** Undefined if the answer cannot be sent; its sender has been told. */
  #plan(exchange: Http1Exchange, answer: Answer): AnswerPlan | undefined {
    try {
      if (answer.successor !== undefined) assertMayTakeOver(exchange);
      return planAnswer(exchange, answer, this.#owner.mustClose(exchange), this.#owner.dateLine());
    } catch (error) {
      this.giveUp(exchange, answer, error instanceof Error ? error : undefined);
      this.#owner.onAnswerError(error, exchange);
      return undefined;
    }
  }

  #planFailure(exchange: Http1Exchange): AnswerPlan {
    exchange.answer = refusal(500, "server/unsendable-answer");
    return planAnswer(exchange, exchange.answer, true, this.#owner.dateLine());
  }

  #tellSent(exchange: Http1Exchange, bodyBytes: number, reason: Error | undefined, answer = exchange.answer): void {
    try {
      answer?.onSent?.(bodyBytes, reason);
    } catch (error) {
      this.#owner.onAnswerError(error, exchange);
    }
  }
}

/** RFC 9110 §7.8, §9.3.6: only where the client asked, and when its request is complete. */
function assertMayTakeOver(exchange: Http1Exchange): void {
  if (!exchange.upgrade) {
    throw new UsageError("reply/no-upgrade", "Cannot change protocols: the client has not asked for it");
  }
  if (exchange.feed?.ended === false) {
    throw new UsageError(
      "reply/early-upgrade",
      "Cannot change protocols: the request's body has not arrived completely",
    );
  }
}
