/** What one `serve` has running besides its server: the responder, what it reports, what goes on after answers, the globals. */

import type { Clock } from "../../concurrency/clock.js";
import { causeChain } from "../error-report.js";
import type { Responder, ServerExchange } from "../exchange.js";
import type { ProxyTrust } from "../trust-proxy.js";
import type { FetchHandler } from "./fetch-handler.js";
import { FetchResponder, isEchoOfLeaving } from "./fetch-responder.js";
import { useLightGlobals } from "./light-globals.js";
import { PendingWork } from "./pending-work.js";
import type { FetchErrorListener } from "./serve.js";

/** The options of `serve` that are not the server's. */
export interface FetchServiceOptions {
  readonly maxBodySize: number;
  readonly trust: ProxyTrust | undefined;
  readonly lightweightGlobals: boolean;
  readonly onError: FetchErrorListener | undefined;
}

/** See the head of this file. */
export class FetchService {
  /** Gives the globals back; harmless when done. */
  readonly release: () => void;
  readonly #responder: FetchResponder;
  readonly #work: PendingWork;
  readonly #onError: FetchErrorListener;

  constructor(handler: FetchHandler, options: FetchServiceOptions) {
    const { maxBodySize, trust, lightweightGlobals, onError = reportToStandardError } = options;
    this.#onError = onError;
    this.release = lightweightGlobals ? useLightGlobals() : () => undefined;
    this.#work = new PendingWork((error) => this.#report(error, undefined));
    this.#responder = new FetchResponder(handler, {
      maxBodySize,
      trust,
      lightweightGlobals,
      afterwards: this.#work,
      onError: (error, request) => this.#report(error, request),
    });
  }

  get respond(): Responder {
    return this.#responder.respond;
  }

  /** What the connections have to tell: an answer that broke off, first of all. */
  readonly onServerError = (error: unknown, exchange: ServerExchange | undefined): void => {
    // Not by the signal: it has been aborted with this very error.
    if (isEchoOfLeaving(error, undefined)) return;
    this.#report(error, exchange === undefined ? undefined : this.#responder.requestOf(exchange));
  };

  /** Waits for what goes on after the answers, then gives the globals back. */
  async end(clock: Clock): Promise<void> {
    await this.#work.end(clock);
    this.release();
  }

  #report(error: unknown, request: Request | undefined): void {
    try {
      this.#onError(error, request);
    } catch (thrown) {
      reportToStandardError(error, request);
      process.stderr.write(`The onError listener failed as well: ${causeChain(thrown)}\n`);
    }
  }
}

/** Writes the request, without its query, and the error with its stack and its causes'. */
function reportToStandardError(error: unknown, request: Request | undefined): void {
  const what = request === undefined ? "Server" : `${request.method} ${new URL(request.url).pathname}`;
  process.stderr.write(`${what} failed: ${causeChain(error)}\n`);
}
