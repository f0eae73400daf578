/** The requests of one server under test: which it is answering, and what went wrong with them. */

import { systemClock } from "../../concurrency/clock.js";
import type { Responder, ServerExchange } from "../../server/exchange.js";
import { HttpError } from "../../server/http-error.js";
import type { Reply } from "../../server/reply.js";
import type { ServerWatch } from "../../server/server-watch.js";

/** Something that went wrong while a request was answered. */
export interface TestError {
  /** As it was thrown. */
  readonly error: unknown;
  /** Method and path of the request, such as `GET /users/1`; undefined if it was none's. */
  readonly request: string | undefined;
}

/** Notes what passes. Times are real, whatever the clock of the test says. */
export class ExchangeWatch implements ServerWatch {
  readonly #running = new Map<ServerExchange, number>();
  /** Those that stand in for one of them, by it. */
  readonly #standIns = new Map<ServerExchange, ServerExchange>();
  #errors: TestError[] = [];

  /** What went wrong, and was not taken. */
  get errors(): readonly TestError[] {
    return this.#errors;
  }

  /** Removes what went wrong so far. */
  takeErrors(): TestError[] {
    const taken = this.#errors;
    this.#errors = [];
    return taken;
  }

  /** The requests that wait for an answer whose clients are still there, each with the time it has waited. */
  unanswered(): string[] {
    const now = systemClock.now();
    return [...this.#running]
      .filter(([exchange]) => !exchange.signal.aborted)
      .map(([exchange, since]) => `${nameOf(exchange)} (for ${Math.round(now - since)} ms)`);
  }

  around(responder: Responder): Responder {
    return (exchange) => {
      this.#running.set(exchange, systemClock.now());
      const answered = (reply: Reply): Reply => reply.whenSent(() => this.#forget(exchange));
      const failed = (error: unknown): never => {
        this.#forget(exchange);
        throw error;
      };
      try {
        const reply = responder(exchange);
        return reply instanceof Promise ? reply.then(answered, failed) : answered(reply);
      } catch (error) {
        return failed(error);
      }
    };
  }

  watches(exchange: ServerExchange): boolean {
    return this.#running.has(exchange) || [...this.#standIns.values()].includes(exchange);
  }

  onOutlived(former: ServerExchange, present: ServerExchange): void {
    this.#standIns.set(former, present);
  }

  onError(error: unknown, exchange: ServerExchange | undefined): void {
    if (isChosenAnswer(error)) return;
    this.#errors.push({ error, request: exchange === undefined ? undefined : nameOf(exchange) });
  }

  #forget(exchange: ServerExchange): void {
    this.#running.delete(exchange);
    this.#standIns.delete(exchange);
  }
}

/** An `HttpError` of 501 and above is what the application meant to answer. */
function isChosenAnswer(error: unknown): boolean {
  return error instanceof HttpError && error.status > 500;
}

/** The query may hold secrets of the test's; method and path are enough to find it. */
function nameOf({ method, target }: ServerExchange): string {
  return `${method} ${target.split("?", 1)[0]}`;
}
