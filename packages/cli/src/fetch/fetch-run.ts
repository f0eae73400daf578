/**
 * The work of `sluice fetch`, in constant memory: inputs are read as places become free, each outcome is written as it comes and then
 * forgotten. What is kept is counts, and the inputs that were broken off.
 */
import { type ClientSession, mapConcurrent, type RequestOptions } from "sluice";
import { EXIT_FAILED, EXIT_OK, exitCodeFor } from "../exit-codes.js";
import type { Io } from "../terminal/io.js";
import { OutputClosed } from "../terminal/output.js";
import { showCount } from "../terminal/quantities.js";
import { countInputs, type InputSource } from "./input-source.js";
import { runJob, type TakeBody } from "./job.js";
import { type Answered, type Failed, isFine, type Outcome } from "./outcome.js";
import { Places } from "./places.js";
import { Progress } from "./progress.js";
import { writeRemaining } from "./remaining.js";
import { jsonLine, type TableStyle, tableHead, tableRow } from "./reports.js";
import type { ResultFile } from "./results/result-file.js";
import type { FetchSettings } from "./settings.js";
import { Stopping } from "./stopping.js";
import { summaryText } from "./summary.js";
import type { Tally } from "./tally.js";

/** With a limit for each host, so many times the concurrency wait: else a sorted list would be worked off one host at a time. */
const WAITING_FACTOR = 8;

/** What a run sends with. */
export interface RunParts {
  readonly session: ClientSession;
  /** Undefined where requests have nothing of their own. */
  readonly options: RequestOptions | undefined;
  readonly takeBody: TakeBody;
  /** Where outcomes are written; undefined for standard output. */
  readonly results: ResultFile | undefined;
}

/** What a run works off, and what counts it. */
export interface RunTools {
  readonly source: InputSource;
  readonly tally: Tally;
}

/** One run, once. */
export class FetchRun {
  readonly #settings: FetchSettings;
  readonly #io: Io;
  readonly #source: InputSource;
  readonly #tally: Tally;
  readonly #stopping: Stopping;
  readonly #progress: Progress;
  readonly #startedAt = performance.now();
  readonly #table: TableStyle | undefined;
  #headWritten = false;
  /** URLs that were begun and not done. */
  readonly #brokenOff: string[] = [];
  /** What ended the run, if it was not the inputs. */
  #failure: { readonly error: unknown } | undefined;

  constructor(settings: FetchSettings, io: Io, tools: RunTools) {
    const { stdout } = io;
    this.#settings = settings;
    this.#io = io;
    this.#source = tools.source;
    this.#tally = tools.tally;
    this.#stopping = new Stopping(tools.source);
    this.#progress = new Progress(io.stderr, this.#tally, () => performance.now());
    const asTable = (settings.format ?? (stdout.isTerminal ? "table" : "jsonl")) === "table";
    this.#table = asTable
      ? { colours: stdout.colours, width: stdout.isTerminal ? stdout.columns : undefined }
      : undefined;
  }

  /** Resolves to the exit code; throws what ended the run before its time. */
  async run(parts: RunParts): Promise<number> {
    this.#stopping.listen(this.#io, () => this.#tellStopping());
    try {
      this.#startProgress();
      await this.#workOff(parts);
      await this.#progress.end();
      return await this.#end();
    } finally {
      await this.#progress.end();
      this.#stopping.end();
    }
  }

  /** Takes the progress away, so that something else can be written to standard error. */
  makeRoom(): void {
    this.#progress.clear();
  }

  async #workOff(parts: RunParts): Promise<void> {
    const { concurrency, perHost, method, sending, timeout, maxSize } = this.#settings;
    const waiting = perHost < concurrency ? WAITING_FACTOR : 1;
    const places = new Places(concurrency, perHost);
    const { beginning, running } = this.#stopping;
    const session = parts.session.with({ signal: running });
    const job = {
      ...parts,
      session,
      method,
      retry: sending.retry,
      timeout,
      maxSize,
      places,
      tally: this.#tally,
      beginning,
      running,
    };
    const outcomes = mapConcurrent(this.#source, (input) => runJob(input, job), { concurrency: concurrency * waiting });
    try {
      for await (const { input, value, error } of outcomes) {
        if (error !== undefined) this.#fail(error);
        // What ends after a failure is not reported any more: it counts as not done.
        if (this.#failure !== undefined || value === undefined) this.#brokenOff.push(input.url);
        else await this.#take(value, parts.results).catch((failure: unknown) => this.#fail(failure));
      }
    } catch (error) {
      // The input itself broke off.
      this.#fail(error);
    }
  }

  async #take(outcome: Outcome, results: ResultFile | undefined): Promise<void> {
    this.#tally.add(outcome);
    if (outcome.kind === "left") {
      this.#brokenOff.push(outcome.input.url);
      return;
    }
    if (results === undefined) await this.#report(outcome);
    else await results.output.write(jsonLine(outcome));
    if (this.#settings.failFast && !isFine(outcome)) this.#stopping.fail();
  }

  async #report(outcome: Answered | Failed): Promise<void> {
    const { stdout } = this.#io;
    if (stdout.isTerminal) this.#progress.clear();
    if (this.#table === undefined) {
      await stdout.write(jsonLine(outcome));
      return;
    }
    const head = this.#headWritten ? "" : tableHead(this.#table);
    this.#headWritten = true;
    await stdout.write(head + tableRow(outcome, this.#table));
  }

  /** Ends the run; what is under way still comes out, as broken off. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stopping.fail();
  }

  async #end(): Promise<number> {
    const { error } = this.#failure ?? {};
    const unheard = error instanceof OutputClosed;
    if (this.#failure !== undefined && !unheard) {
      await this.#saveRemaining().catch(() => undefined);
      throw error;
    }
    const left = await this.#describeLeft();
    if (!unheard) {
      const { stderr } = this.#io;
      const summary = summaryText(this.#tally, performance.now() - this.#startedAt, stderr.colours);
      if (!this.#settings.quiet) stderr.say(summary);
      if (left !== undefined) stderr.say(`${left}\n`);
    }
    const { by } = this.#stopping;
    if (by !== undefined && by !== "failure") return exitCodeFor(by);
    return this.#tally.failed > 0 ? EXIT_FAILED : EXIT_OK;
  }

  /** One line about what is left and how to go on, if the run was stopped. */
  async #describeLeft(): Promise<string | undefined> {
    const { remainingFile, inputs, results } = this.#settings;
    const saved = await this.#saveRemaining();
    if (this.#stopping.by === undefined) return undefined;
    if (saved !== undefined) {
      if (saved === 0) return "Stopped; nothing is left.";
      return `Stopped; ${showCount(saved)} left, in ${remainingFile}: go on with -i ${remainingFile} and the same options.`;
    }
    const total = await countInputs(inputs).catch(() => undefined);
    const { done, doneBefore } = this.#tally;
    if (total === done + doneBefore) return "Stopped; nothing is left.";
    const left =
      total === undefined
        ? `${showCount(this.#brokenOff.length)} left, and the rest of the input, which was not read`
        : `${showCount(total - done - doneBefore)} left`;
    if (results !== undefined) return `Stopped; ${left}: go on with --resume and the same options.`;
    return `Stopped; ${left}. With --remaining FILE they are kept to go on with.`;
  }

  /** How many were saved; undefined if that was not asked for. */
  async #saveRemaining(): Promise<number | undefined> {
    const { remainingFile } = this.#settings;
    if (remainingFile === undefined) return undefined;
    return writeRemaining(remainingFile, chain(this.#brokenOff, this.#source.rest()));
  }

  #startProgress(): void {
    if (this.#settings.quiet || !this.#io.stderr.repaints) return;
    this.#progress.start();
    countInputs(this.#settings.inputs).then(
      (total) => {
        this.#progress.total = total;
      },
      // The run itself reads the same input and says what is wrong with it.
      () => undefined,
    );
  }

  #tellStopping(): void {
    if (this.#settings.quiet) return;
    const { stderr } = this.#io;
    if (stderr.repaints) this.#progress.note("Stopping (Ctrl-C: at once)");
    else stderr.say(`Stopping: waiting for ${showCount(this.#tally.inFlight)} in flight\n`);
  }
}

async function* chain(first: Iterable<string>, second: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  yield* first;
  yield* second;
}
