/**
 * A server under test, seen from inside. A test that ends while one of its requests failed in a way that it did not look at has found
 * something, so the end of the server says it; and what hangs is broken off after a short while and named, so that no test hangs with it.
 */

import { systemClock } from "../../concurrency/clock.js";
import { CallbackDeadline } from "../../concurrency/deadline.js";
import { UsageError } from "../../errors.js";
import { Application } from "../../server/application.js";
import type { Responder } from "../../server/exchange.js";
import { type ListenOptions, startServer } from "../../server/listen.js";
import type { Server } from "../../server/server.js";
import { ExchangeWatch, type TestError } from "./exchange-watch.js";

/** What can be tested: an application, or the function below one. */
export type TestTarget = Application | Responder;

/** How a server under test ends. */
export interface WatchOptions {
  /**
   * Milliseconds of real time that running requests get at the end; then they are broken off. From 0.
   *
   * @default 1_000
   */
  readonly grace?: number;
  /**
   * Whether `close` rejects with the errors that nobody has taken by `takeErrors`, and with what had to be broken off.
   *
   * @default true
   */
  readonly strict?: boolean;
}

const DEFAULT_GRACE_MS = 1_000;
/** What a message names at most of each: more say no more. */
const MAX_NAMED = 10;

/** A running server of one target. */
export class WatchedServer {
  readonly server: Server;
  readonly #watch: ExchangeWatch;
  readonly #options: Required<WatchOptions>;
  #closing: Promise<void> | undefined;

  private constructor(server: Server, watch: ExchangeWatch, options: Required<WatchOptions>) {
    this.server = server;
    this.#watch = watch;
    this.#options = options;
  }

  /** Starts and listens. Rejects as `app.listen` does. */
  static async start(
    target: TestTarget,
    options: Required<WatchOptions>,
    listening: ListenOptions,
  ): Promise<WatchedServer> {
    const watch = new ExchangeWatch();
    const server =
      target instanceof Application
        ? await Application.listenWatched(target, listening, watch)
        : await startServer(watch.around(target), {
            ...listening,
            onError: (error, exchange) => watch.onError(error, exchange),
          });
    return new WatchedServer(server, watch, options);
  }

  /** What went wrong, and was not taken. */
  get errors(): readonly TestError[] {
    return this.#watch.errors;
  }

  /** Removes what went wrong so far: it was expected. */
  takeErrors(): TestError[] {
    return this.#watch.takeErrors();
  }

  /** Ends within the grace. If `strict`, rejects with an `AggregateError` of what was not taken, and of `testing/left-open`. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const problems: unknown[] = [];
    // The server's own grace runs on its own clock, which in a test may stand still.
    const end = new CallbackDeadline(() => {
      const left = this.#leftOpen();
      if (left !== undefined) problems.push(left);
      this.server.close({ grace: 0 }).catch(ignored);
    });
    // Connections in memory keep no process alive, so this does.
    systemClock.arm(end, this.#options.grace, true);
    try {
      await this.server.close({ grace: Number.POSITIVE_INFINITY });
    } catch (error) {
      problems.push(error);
    }
    systemClock.disarm(end);
    const failed = this.errors;
    if (!this.#options.strict || failed.length + problems.length === 0) return;
    const errors = [...failed.map(({ error }) => error), ...problems];
    throw new AggregateError(errors, summary(failed, problems), { cause: errors[0] });
  }

  /** A connection without a request, such as one whose client does not close its side, is no fault of the application's. */
  #leftOpen(): Error | undefined {
    const requests = this.#watch.unanswered();
    if (requests.length === 0) return undefined;
    return new UsageError(
      "testing/left-open",
      `The server had to be closed by force, ${this.#options.grace} ms after its end without an answer: ${shorten(requests, ", ")}`,
    );
  }
}

/** Checks and completes. Throws `UsageError` `options/…`. */
export function resolveWatchOptions(given: {
  readonly grace: number | undefined;
  readonly strict: boolean | undefined;
}): Required<WatchOptions> {
  const { grace = DEFAULT_GRACE_MS, strict = true } = given;
  if (typeof grace !== "number" || !(grace >= 0)) {
    const message = `Cannot use grace: expected 0 or more milliseconds, received ${String(grace)}`;
    throw new UsageError("options/out-of-range", message);
  }
  if (typeof strict !== "boolean") {
    throw new UsageError(
      "options/unknown-value",
      `Cannot use strict: expected true or false, received ${String(strict)}`,
    );
  }
  return { grace, strict };
}

function summary(failed: readonly TestError[], problems: readonly unknown[]): string {
  const told = failed.map(({ error, request }) => `${request ?? "the server"} failed: ${messageOf(error)}`);
  const advice = failed.length > 0 ? " (takeErrors() takes errors that are expected)" : "";
  return `The server under test did not end well: ${shorten([...told, ...problems.map(messageOf)], "; ")}${advice}`;
}

function shorten(parts: readonly string[], separator: string): string {
  return parts.slice(0, MAX_NAMED).join(separator) + (parts.length > MAX_NAMED ? `${separator}…` : "");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whoever closed first hears of it. */
function ignored(): void {}
