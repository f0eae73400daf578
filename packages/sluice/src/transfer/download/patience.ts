/** How often something is tried again, and after how long: full jitter, unless the server says when; progress begins the count anew. */

import type { ClientResponse } from "../../client/response.js";
import { fullJitter } from "../../concurrency/back-off.js";
import { sleep } from "../../concurrency/sleep.js";
import {
  ConnectError,
  ConnectionLostError,
  PayloadError,
  ProtocolError,
  RequestTimeoutError,
  ResponseTooLargeError,
  TlsError,
} from "../../errors.js";
import { parseRetryAfter } from "../../http/retry-after.js";
import type { DownloadContext } from "./download-context.js";

const BACK_OFF = { base: 500, cap: 30_000 } as const;

/** Whether what a request or a body failed with may be gone the next time. */
export function isPassing(error: unknown): error is Error {
  if (error instanceof TlsError || error instanceof ResponseTooLargeError) return false;
  return [ConnectError, ConnectionLostError, RequestTimeoutError, ProtocolError, PayloadError].some(
    (kind) => error instanceof kind,
  );
}

/** See the head of this file. */
export class Patience {
  readonly #context: DownloadContext;
  #failures = 0;

  constructor(context: DownloadContext) {
    this.#context = context;
  }

  /** Whether one more failure would be one too many. */
  get spent(): boolean {
    return this.#failures + 1 >= this.#context.options.attempts;
  }

  /** Something came: failures before it do not count any more. */
  renew(): void {
    this.#failures = 0;
  }

  /** Waits before the next try after `error`. Rejects with it when there are to be no more, and with the reason of `signal`. */
  async after(error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw signal.reason;
    if (!isPassing(error) || this.spent) throw error;
    await this.#wait(error, undefined, signal);
  }

  /** The same after an answer that says "later". */
  async afterAnswer(response: ClientResponse, signal: AbortSignal): Promise<void> {
    const { clock, options } = this.#context;
    const value = response.headers.get("retry-after");
    const asked = value === null ? undefined : parseRetryAfter(value, clock.wallTime());
    const error = await response.toError();
    if (this.spent || (asked !== undefined && asked > options.maxRetryAfter)) throw error;
    await this.#wait(error, asked, signal);
  }

  async #wait(error: Error, asked: number | undefined, signal: AbortSignal): Promise<void> {
    const { clock, random, emit } = this.#context;
    this.#failures += 1;
    const wait = asked ?? fullJitter(this.#failures, BACK_OFF, random);
    emit({ type: "retry", wait, attempt: this.#failures, error });
    await sleep(wait, { clock, signal });
  }
}
