/** A download under way: its result, how far it has come, and the means to end it. */

import type { ClientSession } from "../../client/session.js";
import { AsyncQueue } from "../../concurrency/async-queue.js";
import type { Clock } from "../../concurrency/clock.js";
import { CallbackDeadline } from "../../concurrency/deadline.js";
import { type DurableFiles, systemFiles } from "../../platform/durable-files.js";
import { type Random, systemRandom } from "../../platform/random.js";
import { SpeedMeter } from "../speed-meter.js";
import { TaskLife } from "../task-life.js";
import type { DownloadEvent } from "./download-events.js";
import { type DownloadOptions, type ResolvedDownloadOptions, resolveDownloadOptions } from "./download-options.js";
import type { DownloadProgress } from "./download-progress.js";
import type { DownloadResult } from "./download-result.js";
import { DownloadRun } from "./download-run.js";
import { BufferStock } from "./segments/segment-sink.js";
import { type BegunAnswer, type DownloadUrl, Source } from "./source.js";

/** What is below a download, for tests, and the answer that it begins with, for `response.save`. @internal */
export interface DownloadGround {
  readonly files: DurableFiles;
  readonly random: Random;
  /** Milliseconds between two records of what is there. */
  readonly saveInterval: number;
  /** Bytes that are written at once. */
  readonly bufferBytes: number;
  readonly begun?: BegunAnswer;
}

const GROUND: DownloadGround = {
  files: systemFiles,
  random: systemRandom,
  saveInterval: 2_000,
  bufferBytes: 1024 * 1024,
};
const REPORT_MS = 200;

/** See the head of this file. Iterating it gives its progress, some times a second, until it ends; leaving the loop does not end it. */
export class DownloadTask implements AsyncIterable<DownloadProgress> {
  /** Settles with the download. */
  readonly result: Promise<DownloadResult>;
  readonly #options: ResolvedDownloadOptions;
  readonly #clock: Clock;
  readonly #life = new TaskLife();
  readonly #run: DownloadRun;
  readonly #meter: SpeedMeter;
  readonly #startedAt: number;
  readonly #report: CallbackDeadline;
  readonly #readers = new Set<AsyncQueue<DownloadProgress>>();
  /** The last pause before another try, and how many bytes had come before it. */
  #pause = { until: Number.NEGATIVE_INFINITY, bytes: 0 };

  /** @internal */
  constructor(
    session: ClientSession,
    url: DownloadUrl,
    target: string | URL,
    options: DownloadOptions,
    ground: Partial<DownloadGround> = {},
  ) {
    const { files, random, saveInterval, bufferBytes, begun } = { ...GROUND, ...ground };
    this.#options = resolveDownloadOptions(options);
    this.#clock = session.connector.clock;
    this.#startedAt = this.#clock.now();
    this.#meter = new SpeedMeter(this.#startedAt);
    this.#report = new CallbackDeadline(() => this.#tell());
    const context = {
      options: this.#options,
      clock: this.#clock,
      random,
      source: new Source(session, url, this.#options, begun),
      buffers: new BufferStock(bufferBytes),
      meter: this.#meter,
      signal: this.#life.signal,
      emit: (event: DownloadEvent) => this.#emit(event),
    };
    const askedUrl = typeof url === "function" ? undefined : String(url);
    this.#run = new DownloadRun(context, { files, target, saveInterval, askedUrl, begun: begun?.response });
    this.result = this.#life.run(() => this.#work(), this.#options.signal);
  }

  /** How far it has come. */
  get progress(): DownloadProgress {
    const { state, generation, received, kept } = this.#run;
    const transferred = received.reduce((sum, { start, end }) => sum + end - start, 0);
    const now = this.#clock.now();
    const total = generation?.version.size;
    const done = state === "done";
    const rate = done ? 0 : this.#meter.at(now);
    const left = total === undefined ? undefined : Math.max(0, total - transferred);
    const segments = [...(generation?.segments ?? [])].map(({ claim, meter }) => ({
      position: claim.position,
      end: Number.isFinite(claim.end) ? claim.end : undefined,
      rate: meter.at(now),
    }));
    return {
      state: this.#waits(now) && (state === "connecting" || state === "downloading") ? "waiting" : state,
      transferred,
      kept,
      total,
      rate,
      remaining: left === undefined || (rate < 1 && left > 0) ? undefined : left === 0 ? 0 : (left / rate) * 1_000,
      elapsed: now - this.#startedAt,
      done,
      segments: segments.sort((a, b) => a.position - b.position),
      received,
    };
  }

  async *[Symbol.asyncIterator](): AsyncIterator<DownloadProgress, undefined> {
    const queue = new AsyncQueue<DownloadProgress>(1);
    this.#readers.add(queue);
    this.result.then(
      () => queue.close(),
      (error: unknown) => queue.cancel(error),
    );
    try {
      yield this.progress;
      yield* queue;
      yield this.progress;
    } finally {
      this.#readers.delete(queue);
    }
    return undefined;
  }

  /**
   * Ends it, unless it has ended; what has come is recorded, and the next download to the same place goes on. Resolves when all that is
   * done; `result` rejects with an `AbortError`.
   */
  async close(): Promise<void> {
    await this.#life.end("The download was closed; it can be gone on with", this.result);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #work(): Promise<DownloadResult> {
    this.#clock.arm(this.#report, REPORT_MS);
    try {
      const result = await this.#run.run();
      this.#tell();
      return result;
    } finally {
      this.#clock.disarm(this.#report);
    }
  }

  #tell(): void {
    const { progress } = this;
    for (const queue of this.#readers) {
      // One that is not read fast enough gets the latest.
      if (!queue.tryPut(progress)) {
        queue.tryTake();
        queue.tryPut(progress);
      }
    }
    this.#life.call(() => this.#options.onProgress?.(progress));
    if (!progress.done && !this.#life.signal.aborted) this.#clock.arm(this.#report, REPORT_MS);
  }

  /** Not while other segments bring something. */
  #waits(now: number): boolean {
    return now < this.#pause.until && this.#meter.bytes === this.#pause.bytes;
  }

  #emit(event: DownloadEvent): void {
    if (event.type === "retry") this.#pause = { until: this.#clock.now() + event.wait, bytes: this.#meter.bytes };
    this.#life.call(() => this.#options.onEvent?.(event));
  }
}

/**
 * Downloads what `url` names to the file `target`, or into it if it is a folder; goes on with what an earlier run has left there. The file
 * appears when it is whole, and is never mixed from two versions. A failure leaves what there is to be gone on with. Rejects with
 * `SluiceError` `download/…`, `ResponseError` for an error status, and what requests reject with.
 */
export async function download(
  session: ClientSession,
  url: DownloadUrl,
  target: string | URL,
  options: DownloadOptions = {},
): Promise<DownloadResult> {
  return startDownload(session, url, target, options).result;
}

/** {@link download}, and the means to watch and to end it. Throws `UsageError` for options that cannot be. */
export function startDownload(
  session: ClientSession,
  url: DownloadUrl,
  target: string | URL,
  options: DownloadOptions = {},
): DownloadTask {
  return new DownloadTask(session, url, target, options);
}
