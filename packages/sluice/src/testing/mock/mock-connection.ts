/**
 * The far end of one connection to a mock: the server's engine reads requests, the book says what they get, and the answer is written by
 * the engine, or the connection ends as a fault wants it. It has no time limits of its own: the client's are under test.
 */

import type { Clock } from "../../concurrency/clock.js";
import { sleep } from "../../concurrency/sleep.js";
import { SluiceError, UsageError } from "../../errors.js";
import type { MemoryTransport } from "../../net/memory.js";
import type { HandedOverOwner } from "../../wire/handed-over.js";
import type { Http1Exchange } from "../../wire/http1-exchange.js";
import { Http1ServerLink } from "../../wire/http1-server-link.js";
import type { ServerLinkOwner, ServerLinkSettings } from "../../wire/server-link-owner.js";
import type { MockBook } from "./mock-book.js";
import { checkReply, connectFault, type MockBreak, type MockFault, toAnswer } from "./mock-reply.js";
import { MockRequest, type ShownNames } from "./mock-request.js";
import type { MockOutcome } from "./mock-route.js";
import { socketAnswer } from "./mock-socket.js";

/** What the connections of a mock share. */
export interface MockHost {
  readonly book: MockBook;
  readonly clock: Clock;
  readonly shown: ShownNames;
  readonly settings: ServerLinkSettings;
}

/** Serves one connection of a mock. */
export class MockConnection implements ServerLinkOwner, HandedOverOwner {
  readonly #host: MockHost;
  readonly #near: MemoryTransport;
  readonly #far: MemoryTransport;
  /** Scheme, host and port that were dialed. */
  readonly #origin: URL;
  readonly #link: Http1ServerLink;

  /** `near` is the client's end. */
  constructor(host: MockHost, near: MemoryTransport, far: MemoryTransport, origin: URL) {
    this.#host = host;
    this.#near = near;
    this.#far = far;
    this.#origin = origin;
    this.#link = new Http1ServerLink(far, this, host.settings);
  }

  onRequest(exchange: Http1Exchange): void {
    this.#serve(exchange).catch((error: unknown) => this.#fail(exchange, error));
  }

  onAnswerError(error: unknown, exchange: Http1Exchange): void {
    // Nobody is told of an answer that came too late.
    if (!this.#near.destroyed) this.#fail(exchange, error);
  }

  onPhase(): void {}
  onStalled(): void {}
  onHandedOver(): HandedOverOwner {
    return this;
  }
  onClosed(): void {}
  onReleased(): void {}
  onReleaseError(): void {}

  async #serve(exchange: Http1Exchange): Promise<void> {
    const { book, clock } = this.#host;
    const isPossible = book.isPossible(this.#requestOf(exchange, undefined));
    // A small body has come with its head; a large one is waited for where it matters.
    const bytes = exchange.body.takeWhole() ?? (isPossible ? await exchange.body.bytes() : undefined);
    const request = this.#requestOf(exchange, bytes);
    const { outcome, delayMs } = book.answerTo(request);
    // A client that goes away ends the wait: there is nobody left to answer.
    if (delayMs > 0) await sleep(delayMs, { clock, signal: exchange.signal });
    await this.#answer(exchange, request, outcome);
  }

  #requestOf(exchange: Http1Exchange, bytes: Uint8Array | undefined): MockRequest {
    const { clock, shown } = this.#host;
    const { method, target, fields } = exchange;
    // "*" is the server as a whole (RFC 9112 §3.2.4); a full URL is what a proxy is asked for.
    const url = new URL(target === "*" ? "/*" : target, this.#origin);
    return new MockRequest({ method, url, fields, bytes, time: clock.now(), shown });
  }

  async #answer(exchange: Http1Exchange, request: MockRequest, outcome: MockOutcome): Promise<void> {
    if (outcome.kind === "fault") {
      this.#fault(outcome.fault, request);
    } else if (outcome.kind === "raw") {
      for (const piece of outcome.pieces) {
        this.#far.write(piece);
        await undefined;
      }
      this.#break(outcome.end);
    } else if (outcome.kind === "socket") {
      const { clock } = this.#host;
      const { converse, options } = outcome;
      const onFailure = (error: unknown): void => void this.#told(error);
      this.#link.answer(exchange, socketAnswer(exchange, request, { converse, options, clock, onFailure }));
    } else {
      const reply = await outcome.make(request);
      checkReply(reply);
      this.#link.answer(
        exchange,
        toAnswer(reply, () => this.#break(reply.breakBy ?? "reset")),
      );
    }
  }

  #fault(fault: MockFault, request: MockRequest): void {
    if (fault instanceof Error) this.#near.destroy(fault);
    else if (fault === "refused" || fault === "dns") this.#near.destroy(connectFault(fault, request.url));
    else this.#break(fault);
  }

  #break(by: MockBreak): void {
    if (by === "reset") this.#far.reset();
    else if (by === "close") this.#far.end();
  }

  /** The request fails, and says why: nothing about it is the network's fault, so nothing would try it again. */
  #fail(exchange: Http1Exchange, error: unknown): void {
    if (exchange.signal.aborted) return;
    this.#near.destroy(this.#told(error));
  }

  #told(error: unknown): Error {
    if (error instanceof SluiceError && error.code === "mock/unmatched") return error;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The mock's reply cannot be made: ${reason}`;
    return this.#host.book.failed(new UsageError("mock/reply-failed", message, { cause: error }));
  }
}
