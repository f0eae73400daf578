/**
 * Whether an application can do its work: named checks, each asked with a time limit. Whoever asks, and however often, a check runs once
 * at a time, its outcome is good for a while, and one that hangs is not asked again before it has ended; so probes cost what
 * they are meant to, whoever sends them.
 */

import type { Clock } from "../../concurrency/clock.js";
import { callLater } from "../../concurrency/deadline.js";
import { HttpError } from "../http-error.js";

/** Looks whether something works: unready is what throws, rejects or returns false. `signal` aborts when its time is over. */
export type ReadinessCheck = (signal: AbortSignal) => unknown;

/** What came of a check. */
export type CheckOutcome = "ok" | "failed" | "timed out";

/** What checks have in common. */
export interface ReadinessSettings {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly maxAgeMs: number;
  /** Told why a check failed, when it did not fail the time before. */
  onFailure(error: HttpError): void;
}

/** One check; see the head of this file. */
export class Readiness {
  readonly #name: string;
  readonly #check: ReadinessCheck;
  readonly #settings: ReadinessSettings;
  #outcome: CheckOutcome = "ok";
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<CheckOutcome> | undefined;
  /** It has been given up, and has not ended. */
  #hangs = false;

  constructor(name: string, check: ReadinessCheck, settings: ReadinessSettings) {
    this.#name = name;
    this.#check = check;
    this.#settings = settings;
  }

  /** Never rejects. */
  async outcome(): Promise<CheckOutcome> {
    if (this.#asking !== undefined) return this.#asking;
    const { clock, maxAgeMs } = this.#settings;
    if (this.#hangs || clock.now() - this.#askedAt < maxAgeMs) return this.#outcome;
    this.#asking = this.#ask();
    const outcome = await this.#asking;
    this.#asking = undefined;
    this.#askedAt = clock.now();
    this.#outcome = outcome;
    return outcome;
  }

  #ask(): Promise<CheckOutcome> {
    const { clock, timeoutMs } = this.#settings;
    return new Promise((resolve) => {
      const controller = new AbortController();
      const deadline = callLater(clock, timeoutMs, () => {
        this.#hangs = true;
        const error = this.#failure(`did not end within ${timeoutMs} ms`, undefined);
        controller.abort(error);
        this.#tell(error);
        resolve("timed out");
      });
      const end = (outcome: CheckOutcome, error?: HttpError): void => {
        this.#hangs = false;
        clock.disarm(deadline);
        if (error !== undefined && !controller.signal.aborted) this.#tell(error);
        resolve(outcome);
      };
      this.#run(controller.signal).then(
        (result) => (result === false ? end("failed", this.#failure("returned false", undefined)) : end("ok")),
        (cause: unknown) => end("failed", this.#failure("failed", cause)),
      );
    });
  }

  async #run(signal: AbortSignal): Promise<unknown> {
    return this.#check(signal);
  }

  #failure(what: string, cause: unknown): HttpError {
    return new HttpError(503, `The readiness check "${this.#name}" ${what}`, { code: "server/not-ready", cause });
  }

  #tell(error: HttpError): void {
    if (this.#outcome === "ok") this.#settings.onFailure(error);
  }
}
