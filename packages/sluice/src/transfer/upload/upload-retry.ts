/** What to do about a failure: which are worth another try, how long to wait, and when it is enough. Bytes that arrive begin the count anew. */

import { ResponseError } from "../../client/response-error.js";
import { fullJitter } from "../../concurrency/back-off.js";
import type { Clock } from "../../concurrency/clock.js";
import { sleep } from "../../concurrency/sleep.js";
import {
  ConnectError,
  ConnectionLostError,
  PayloadError,
  ProtocolError,
  RequestTimeoutError,
  TlsError,
} from "../../errors.js";
import { parseRetryAfter } from "../../http/retry-after.js";
import { systemRandom } from "../../platform/random.js";
import type { ResolvedUploadOptions } from "./upload-options.js";

/** `again`: what failed may go well the next time. `gone`: there is no such upload. `final`: trying again would change nothing. */
export type Verdict = "again" | "gone" | "final";

/**
 * Below 500, those that speak of the moment. 409: the server has another offset than we thought. 423: somebody else has the upload, our
 * own lost connection perhaps. 460: a part arrived wrong.
 */
const AGAIN: ReadonlySet<number> = new Set([408, 409, 423, 425, 429, 460]);
/** From 500 on, those that speak of more than the moment: a method, a version that is not known, a disk that is full. */
const FINAL: ReadonlySet<number> = new Set([501, 505, 507, 511]);
const GONE: ReadonlySet<number> = new Set([404, 410]);

/** What an error means for an upload that the server has. */
export function verdictOn(error: unknown): Verdict {
  if (error instanceof ResponseError) {
    const { status } = error;
    if (GONE.has(status)) return "gone";
    return AGAIN.has(status) || (status >= 500 && !FINAL.has(status)) ? "again" : "final";
  }
  if (error instanceof TlsError) return "final";
  const network = [ConnectError, ConnectionLostError, RequestTimeoutError, ProtocolError, PayloadError];
  return network.some((kind) => error instanceof kind) ? "again" : "final";
}

/** Counts tries and waits between them. */
export class UploadRetry {
  readonly #options: ResolvedUploadOptions;
  readonly #clock: Clock;
  #failures = 0;
  #farthest = 0;

  constructor(options: ResolvedUploadOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** The server has so many bytes; more than ever, and the count begins anew. */
  reached(offset: number): void {
    if (offset <= this.#farthest) return;
    this.#farthest = offset;
    this.#failures = 0;
  }

  /** It began anew: what was reached before does not count. */
  reset(): void {
    this.#farthest = 0;
  }

  /** Waits for the next try on account of `error`; throws it when there is to be none. `onWait` is told before. */
  async wait(error: unknown, onWait: (waitMs: number, attempt: number, error: Error) => void): Promise<void> {
    const { attempts, backOff, maxRetryAfter, signal } = this.#options;
    this.#failures += 1;
    if (!(error instanceof Error) || this.#failures >= attempts) throw error;
    const asked = this.#retryAfter(error);
    if (asked !== undefined && asked > maxRetryAfter) throw error;
    const waitMs = asked ?? fullJitter(this.#failures, backOff, systemRandom);
    onWait(waitMs, this.#failures, error);
    await sleep(waitMs, { signal, clock: this.#clock });
  }

  #retryAfter(error: Error): number | undefined {
    const value = error instanceof ResponseError ? error.headers.get("retry-after") : null;
    return value === null ? undefined : parseRetryAfter(value, this.#clock.wallTime());
  }
}
