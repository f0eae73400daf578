/** When uploads expire, the clockwork that removes them, and the memory of those that are gone (410 says more than 404). */

import { CallbackDeadline } from "../../concurrency/deadline.js";
import { report } from "../error-report.js";
import type { StoredUpload } from "./upload-store.js";
import type { ResolvedUploadsOptions } from "./uploads-options.js";

/** Between two sweeps: a part of `expireAfter`, within these bounds. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 600_000;
const SWEEPS_PER_LIFE = 8;
/** Ids remembered of uploads that are gone. */
const REMEMBERED = 1_024;

/** See the head of this file. */
export class UploadExpiry {
  readonly #options: ResolvedUploadsOptions;
  readonly #sweep: () => Promise<void>;
  readonly #deadline = new CallbackDeadline(() => this.#run());
  readonly #gone = new Set<string>();
  #running = false;

  constructor(options: ResolvedUploadsOptions, sweep: () => Promise<void>) {
    this.#options = options;
    this.#sweep = sweep;
  }

  start(): void {
    this.#running = true;
    this.#arm();
  }

  stop(): void {
    this.#running = false;
    this.#options.clock.disarm(this.#deadline);
  }

  /** Milliseconds since the Unix epoch; undefined for one that is complete (its file stays), or never expires. */
  expiresAt({ record, offset, touchedAt }: StoredUpload): number | undefined {
    const { expireAfter } = this.#options;
    return expireAfter === Number.POSITIVE_INFINITY || offset === record.length ? undefined : touchedAt + expireAfter;
  }

  /** Of a complete upload: whether its record may go. */
  hasExpired({ touchedAt }: StoredUpload): boolean {
    return this.#options.clock.wallTime() > touchedAt + this.#options.expireAfter;
  }

  /** Whether an upload of this id was there not long ago. */
  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  remember(id: string): void {
    this.#gone.add(id);
    if (this.#gone.size <= REMEMBERED) return;
    const [oldest] = this.#gone;
    if (oldest !== undefined) this.#gone.delete(oldest);
  }

  #arm(): void {
    const { clock, expireAfter } = this.#options;
    if (!this.#running || expireAfter === Number.POSITIVE_INFINITY) return;
    clock.arm(this.#deadline, Math.min(LONGEST_MS, Math.max(SHORTEST_MS, expireAfter / SWEEPS_PER_LIFE)));
  }

  #run(): void {
    this.#sweep()
      .catch((error: unknown) => report(this.#options.onError, error, undefined))
      .finally(() => this.#arm());
  }
}
