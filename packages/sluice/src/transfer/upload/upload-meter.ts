/** How far an upload has come: counted, told to a listener some times a second, and kept for whoever iterates. */

import { PROGRESS_INTERVAL_MS } from "../../body/progress.js";
import { SpeedMeter } from "../speed-meter.js";
import type { UploadProgress } from "./upload-events.js";

/** What an upload does at the moment. */
export type UploadState = UploadProgress["state"];

/** See the head of this file. */
export class UploadMeter {
  readonly #now: () => number;
  readonly #listener: (progress: UploadProgress) => void;
  readonly #speed: SpeedMeter;
  readonly #startedAt: number;
  #total: number | undefined;
  #position = 0;
  #confirmed = 0;
  #state: UploadState = "connecting";
  #reportedAt = Number.NEGATIVE_INFINITY;
  #latest: UploadProgress | undefined = undefined;
  #ended = false;
  #wake: (() => void) | undefined = undefined;

  /** `now` is milliseconds on any steady scale. */
  constructor(now: () => number, listener: (progress: UploadProgress) => void) {
    this.#now = now;
    this.#listener = listener;
    this.#startedAt = now();
    this.#speed = new SpeedMeter(this.#startedAt);
  }

  /** Bytes that the server has, as far as it has said. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Bytes of the source up to which everything was handed to the connection. */
  get position(): number {
    return this.#position;
  }

  /** How far it has come, now. */
  get progress(): UploadProgress {
    const now = this.#now();
    const rate = this.#speed.at(now);
    const left = this.#total === undefined ? undefined : Math.max(0, this.#total - this.#position);
    return {
      state: this.#state,
      transferred: this.#position,
      confirmed: this.#confirmed,
      total: this.#total,
      rate,
      remaining: left === 0 ? 0 : left === undefined || rate === 0 ? undefined : (left / rate) * 1_000,
      elapsed: now - this.#startedAt,
      done: this.#state === "done",
    };
  }

  /** Bytes in all, as soon as that is known. */
  setTotal(total: number | undefined): void {
    this.#total = total;
  }

  /** So many more bytes were handed to the connection. */
  sent(byteLength: number): void {
    this.#position += byteLength;
    this.#speed.add(byteLength);
    if (this.#now() - this.#reportedAt >= PROGRESS_INTERVAL_MS) this.#report();
  }

  /** The server has so many bytes: what went beyond that has to go again. */
  confirm(offset: number): void {
    this.#confirmed = offset;
    this.#position = offset;
  }

  /** Another state is told at once. */
  enter(state: UploadState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#report();
  }

  /** Nothing more will be told. */
  end(outcome: "done" | "failed"): void {
    if (outcome === "done") this.enter("done");
    this.#ended = true;
    this.#wake?.();
  }

  /** The latest report each time one is asked for that has not been given yet. */
  async *[Symbol.asyncIterator](): AsyncGenerator<UploadProgress, void, undefined> {
    let given: UploadProgress | undefined;
    for (;;) {
      if (this.#latest !== undefined && this.#latest !== given) {
        given = this.#latest;
        yield given;
      } else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #report(): void {
    this.#reportedAt = this.#now();
    this.#latest = this.progress;
    this.#wake?.();
    this.#listener(this.#latest);
  }
}
