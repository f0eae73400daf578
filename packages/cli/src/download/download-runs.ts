/** The downloads of one command, some at a time: begun, told about, and stopped. */
import { basename } from "node:path";
import { type ClientSession, mapConcurrent } from "sluice";
import {
  type DownloadEvent,
  type DownloadResult,
  type DownloadTask,
  RateLimiter,
  startDownload,
} from "sluice/transfer";
import { EXIT_FAILED, EXIT_OK, exitCodeFor, type StopSignal } from "../exit-codes.js";
import type { InputSource } from "../fetch/input-source.js";
import type { Input } from "../fetch/outcome.js";
import { Bars } from "../terminal/bars.js";
import { explain } from "../terminal/explain.js";
import type { Io } from "../terminal/io.js";
import { OutputClosed } from "../terminal/output.js";
import { showBytes, showDuration } from "../terminal/quantities.js";
import { safeLine } from "../terminal/safe-text.js";
import { barText, totalText } from "./bar-text.js";
import type { DownloadSettings } from "./settings.js";
import { TakenPlaces } from "./taken-places.js";

/** A download under way. */
interface Running {
  readonly input: Input;
  readonly name: string;
  readonly task: DownloadTask;
}

/** Why downloads are stopped that a person has stopped. */
const STOPPED = new Error("Stopped");
const REPORT_MS = 1_000;
/** What is in the progress, or in the result, anyway. */
const UNTOLD: ReadonlySet<DownloadEvent["type"]> = new Set(["target", "segments", "verifying", "renewed"]);

/** See the head of this file. Runs once. */
export class DownloadRuns {
  readonly #settings: DownloadSettings;
  readonly #io: Io;
  readonly #target: string;
  readonly #several: boolean;
  readonly #count: number | undefined;
  readonly #limiter: RateLimiter | undefined;
  readonly #running = new Set<Running>();
  readonly #stop = new AbortController();
  readonly #bars: Bars;
  #tellsLines: boolean;
  /** What was last said of an input's trouble. */
  readonly #complaints = new Map<number, string>();
  readonly #taken = new TakenPlaces();
  #by: StopSignal | undefined;
  #exitCode: number = EXIT_OK;
  #done = 0;
  #failed = 0;
  #repeated = 0;
  #bytes = 0;
  /** Of what has stopped or failed, bytes that the same command goes on with. */
  #kept = 0;

  /** `count` is that of all inputs, where it is known. */
  constructor(settings: DownloadSettings, io: Io, target: string, count: number | undefined) {
    const { limitRate, inputs } = settings;
    this.#settings = settings;
    this.#io = io;
    this.#target = target;
    this.#limiter = Number.isFinite(limitRate) ? new RateLimiter(limitRate) : undefined;
    this.#several = inputs.file !== undefined || inputs.urls.length > 1;
    this.#count = count;
    this.#bars = new Bars(io.stderr, (width, height) => this.#lines(width, height));
    this.#tellsLines = !io.stdout.isTerminal;
  }

  /** Something is about to be written where the bars are. */
  makeRoom(): void {
    this.#bars.clear();
  }

  /** Downloads all that `source` gives, and resolves to the exit code. */
  async run(session: ClientSession, source: InputSource): Promise<number> {
    const { concurrency, quiet } = this.#settings;
    const forget = this.#io.onStopSignal((signal) => {
      if (this.#by !== undefined) this.#io.exit(exitCodeFor(signal));
      this.#by = signal;
      source.stop();
      this.#stop.abort(STOPPED);
    });
    if (!quiet) this.#bars.start();
    try {
      for await (const { error } of mapConcurrent(source, (input) => this.#one(session, input), { concurrency })) {
        if (error !== undefined) throw error;
      }
    } finally {
      forget();
      await this.#bars.end();
    }
    this.#sayLast();
    if (this.#by !== undefined) return exitCodeFor(this.#by);
    return this.#exitCode;
  }

  /** Throws only what makes going on senseless: an output that cannot be written to. */
  async #one(session: ClientSession, input: Input): Promise<void> {
    const startedAt = performance.now();
    let running: Running | undefined;
    try {
      const before = this.#taken.earlier(input.index, input.url);
      if (before !== undefined) return await this.#tellRepeated(input, before);
      if (input.tooLong) throw new Error("Cannot download: the line is too long for a URL");
      const task = this.#begin(session, input);
      running = { input, name: nameOf(input.url), task };
      this.#running.add(running);
      await this.#follow(running);
      const result = await task.result;
      this.#done += 1;
      this.#bytes += result.size - result.resumedBytes;
      await this.#tellDone(input, result, performance.now() - startedAt);
    } catch (error) {
      this.#kept += running?.task.progress.kept ?? 0;
      if (error === STOPPED) return;
      this.#failed += 1;
      await this.#tellFailed(input, error);
    } finally {
      if (running !== undefined) this.#running.delete(running);
      this.#complaints.delete(input.index);
    }
  }

  #begin(session: ClientSession, input: Input): DownloadTask {
    return startDownload(session, input.url, this.#target, {
      ...this.#settings.options,
      ...(this.#limiter === undefined ? {} : { rateLimit: this.#limiter }),
      signal: this.#stop.signal,
      onEvent: (event) => this.#tellEvent(input, event),
    });
  }

  /** Resolves with the download, which may have failed. */
  async #follow({ input, task }: Running): Promise<void> {
    const ended = task.result.then(
      () => undefined,
      () => undefined,
    );
    if (!this.#tellsLines || this.#settings.quiet) return ended;
    let toldAt = performance.now();
    // The download's own failure comes with its result.
    const told = (async () => {
      for await (const { state, transferred, total, rate, remaining, segments } of task) {
        if (performance.now() - toldAt < REPORT_MS || state === "done") continue;
        toldAt = performance.now();
        const left = remaining === undefined ? undefined : Math.round(remaining);
        const figures = {
          state,
          transferred,
          total,
          rate: Math.round(rate),
          remaining: left,
          segments: segments.length,
        };
        await this.#line({ type: "progress", ...inputFields(input), ...figures });
      }
    })().catch(() => undefined);
    await ended;
    await told;
  }

  // ── what is told ───────────────────────────────────────────────────────────────────────────────────────────────────

  #tellEvent(input: Input, event: DownloadEvent): void {
    if (event.type === "target") this.#taken.take(input.index, event.path);
    if (UNTOLD.has(event.type)) return;
    const { type, ...details } = event;
    if (this.#tellsLines) {
      const told =
        "error" in details ? { ...details, wait: Math.round(details.wait), error: details.error.message } : details;
      this.#io.stdout.say(`${JSON.stringify({ type, ...inputFields(input), ...told })}\n`);
    } else if (!this.#settings.quiet) this.#sayEvent(input, event);
  }

  /** Of failures each one once: segments fail alike, and again. */
  #sayEvent({ index, url }: Input, event: DownloadEvent): void {
    if (event.type === "restarted") this.#say(`${nameOf(url)}: begins anew, because ${event.detail}`);
    if (event.type !== "retry") return;
    const { message } = explain(event.error);
    if (this.#complaints.get(index) === message) return;
    this.#complaints.set(index, message);
    this.#say(`${message}; trying again`);
  }

  async #tellDone(input: Input, result: DownloadResult, elapsed: number): Promise<void> {
    const { status, path, size, resumedBytes, restarts, verified } = result;
    if (this.#tellsLines) {
      const figures = { status, file: path, size, resumedBytes, restarts, verified, elapsed: Math.round(elapsed) };
      await this.#line({ type: "done", ...inputFields(input), ...figures });
      return;
    }
    if (this.#settings.quiet) return;
    if (status === "unchanged") return this.#say(`${path}: unchanged`);
    const came = size - resumedBytes;
    const speed = `${showBytes((came / Math.max(1, elapsed)) * 1_000)}/s`;
    const before = resumedBytes === 0 ? "" : `, ${showBytes(resumedBytes)} from before`;
    const checked = verified.length === 0 ? "" : `, ${verified.join(" and ")} right`;
    this.#say(`${path}: ${showBytes(size)} in ${showDuration(elapsed)} (${speed}${before}${checked})`);
  }

  async #tellRepeated(input: Input, before: number): Promise<void> {
    this.#repeated += 1;
    if (this.#tellsLines) await this.#line({ type: "repeated", ...inputFields(input), of: before });
    else if (!this.#settings.quiet)
      this.#say(`${nameOf(input.url)}: URL ${input.index + 1} is URL ${before + 1} again`);
  }

  async #tellFailed(input: Input, error: unknown): Promise<void> {
    const { message, code, exitCode } = explain(error);
    // Of several some may be right.
    this.#exitCode = this.#several ? EXIT_FAILED : exitCode;
    if (this.#tellsLines) await this.#line({ type: "failed", ...inputFields(input), error: { code, message } });
    this.#say(`sluice: ${message}`);
  }

  #sayLast(): void {
    const { quiet, options } = this.#settings;
    const same = options.fresh === true ? "the same command without --fresh" : "the same command";
    const kept = this.#kept === 0 ? "" : ` What has come is kept: ${same} goes on with it.`;
    if (this.#by !== undefined) this.#say(`Stopped.${kept}`);
    else if (this.#failed > 0 && !quiet) {
      const counts = this.#several ? `${this.#failed} failed, ${this.#done} done.` : "";
      if (counts + kept !== "") this.#say((counts + kept).trim());
    }
  }

  #say(text: string): void {
    this.#bars.clear();
    this.#io.stderr.say(`${safeLine(text)}\n`);
  }

  async #line(record: object): Promise<void> {
    this.#bars.clear();
    try {
      await this.#io.stdout.write(`${JSON.stringify(record)}\n`);
    } catch (error) {
      // Whoever has read enough still wants the files.
      if (!(error instanceof OutputClosed)) throw error;
      this.#tellsLines = false;
    }
  }

  /** Those that there is no room for are in the line for all. */
  #lines(width: number, height: number): string[] {
    const shown = [...this.#running].slice(0, Math.max(1, height - 1));
    const bars = shown.map(({ name, task }) => barText(name, task.progress, width));
    if (!this.#several) return bars;
    let [bytes, rate] = [this.#bytes, 0];
    for (const { task } of this.#running) {
      bytes += task.progress.transferred;
      rate += task.progress.rate;
    }
    const figures = {
      done: this.#done,
      failed: this.#failed,
      running: this.#running.size,
      total: this.#count === undefined ? undefined : this.#count - this.#repeated,
      bytes,
      rate,
    };
    return [...bars, totalText(figures, width)];
  }
}

function inputFields({ index, url }: Input): object {
  return { index, url };
}

/** The last part of the URL's path, for people. */
function nameOf(url: string): string {
  try {
    const { pathname, hostname } = new URL(url);
    return safeLine(decodeURIComponent(basename(pathname))) || hostname;
  } catch {
    // No URL, or escapes that are none: it is shown as it is.
    return safeLine(url);
  }
}
