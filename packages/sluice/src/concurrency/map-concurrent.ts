/**
 * A function applied to a stream of inputs, so many at a time, in constant memory however long the stream.
 *
 * The consumer drives everything: inputs are read, one at a time, only as places become free, and a place is free again
 * when the consumer comes back after having had its result. So a slow consumer slows the source, and with a concurrency
 * of 1 task and consumer alternate. Ordered results may wait behind a slow one; as many again as may run are kept for that.
 *
 * However it ends (source exhausted, `break`, abort, failure), it is over only when every task that was started has ended
 * and nothing listens to the signal any more.
 */
import { TaskError, UsageError } from "../errors.js";
import { refuseUnknown } from "../options.js";
import { abortError, newSharedController, onAbort, type StopListening } from "./abort.js";
import { Fifo } from "./fifo.js";
import { SourceReader } from "./source-reader.js";
import { startTask } from "./task.js";

/** How {@link mapConcurrent} reads, runs and ends. */
export interface MapConcurrentOptions {
  /** Most calls of the function at once, and most inputs read ahead of the consumer: 1 or more, finite. @default 10 */
  readonly concurrency?: number | undefined;
  /** Gives results in the order of the inputs instead of as they come; reads up to twice `concurrency` ahead. @default false */
  readonly ordered?: boolean | undefined;
  /** Ends with the first error, thrown at once, instead of giving errors as results. @default false */
  readonly stopOnError?: boolean | undefined;
  /** Aborts the calls that run; the iteration then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const KNOWN_OPTIONS: ReadonlySet<string> = new Set<keyof MapConcurrentOptions>([
  "concurrency",
  "ordered",
  "stopOnError",
  "signal",
]);
const MAP_CONCURRENT_DEFAULTS = { concurrency: 10, ordered: false, stopOnError: false };

/** What became of one input: `error` is `undefined` exactly when there is a value. */
export type MapConcurrentResult<Input, Output> =
  | { readonly input: Input; readonly index: number; readonly value: Output; readonly error: undefined }
  | { readonly input: Input; readonly index: number; readonly value: undefined; readonly error: Error };

/** Called with one input; should end early, rejecting with the signal's reason, when `signal` aborts. */
export type ConcurrentMapper<Input, Output> = (input: Input, signal: AbortSignal) => Output | PromiseLike<Output>;

/**
 * Calls `mapper` for each input of `source`, `concurrency` at a time, and gives the results as an async iterable that can be read
 * once. Nothing starts before the first result is asked for. A rejection that is not an Error is given as TaskError
 * `task/not-an-error` with the value as cause.
 *
 * An error of the source is thrown after the results of the inputs before it. Leaving the loop early aborts the calls that
 * run, closes the source, and waits for both; only for a source that is in the middle of reading it does not wait, since that
 * may take for ever. Throws UsageError `options/out-of-range` for a bad concurrency.
 */
export function mapConcurrent<Input, Output>(
  source: Iterable<Input> | AsyncIterable<Input>,
  mapper: ConcurrentMapper<Input, Output>,
  options: MapConcurrentOptions = {},
): AsyncIterableIterator<MapConcurrentResult<Input, Output>, undefined> {
  return new ConcurrentMap(source, mapper, options);
}

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** Boxed, because any value may be thrown. */
interface Thrown {
  readonly error: unknown;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

class ConcurrentMap<Input, Output> implements AsyncIterableIterator<MapConcurrentResult<Input, Output>, undefined> {
  readonly #mapper: ConcurrentMapper<Input, Output>;
  readonly #concurrency: number;
  /** Most inputs that may be read and not consumed. */
  readonly #window: number;
  readonly #ordered: boolean;
  readonly #stopOnError: boolean;
  readonly #parent: AbortSignal | undefined;
  readonly #controller = newSharedController();
  readonly #reader: SourceReader<Input>;
  /** Results nobody has taken, by index; a Map also keeps the order in which they came. */
  readonly #ready = new Map<number, MapConcurrentResult<Input, Output>>();
  readonly #waiters = new Fifo<Waiter<MapConcurrentResult<Input, Output>>>();

  #state: "new" | "running" | "stopping" | "ended" = "new";
  #startedCount = 0;
  #runningCount = 0;
  #takenCount = 0;
  /** Results taken by a consumer that has come back since. */
  #consumedCount = 0;
  /** Thrown once, when all that was before it has been given. */
  #failure: Thrown | undefined;
  #stopListening: StopListening = () => undefined;
  #onIdle: () => void = () => undefined;
  /** Resolves at the end of a stop, with what went wrong in closing the source. */
  #stopped: Promise<Thrown | undefined> = Promise.resolve(undefined);
  #readingOn = false;

  constructor(
    source: Iterable<Input> | AsyncIterable<Input>,
    mapper: ConcurrentMapper<Input, Output>,
    options: MapConcurrentOptions,
  ) {
    refuseUnknown("mapConcurrent", options, KNOWN_OPTIONS);
    const { concurrency = MAP_CONCURRENT_DEFAULTS.concurrency } = options;
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot use concurrency: expected a whole number, 1 or more, received ${concurrency}`,
      );
    }
    this.#mapper = mapper;
    this.#concurrency = concurrency;
    this.#ordered = options.ordered ?? MAP_CONCURRENT_DEFAULTS.ordered;
    this.#window = this.#ordered ? concurrency * 2 : concurrency;
    this.#stopOnError = options.stopOnError ?? MAP_CONCURRENT_DEFAULTS.stopOnError;
    this.#parent = options.signal;
    this.#reader = new SourceReader(source, {
      onValue: (input) => this.#start(input),
      onEnd: (failure) => {
        this.#failure = failure;
        this.#endIfExhausted();
      },
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<MapConcurrentResult<Input, Output>, undefined>> {
    this.#consumedCount = this.#takenCount;
    if (this.#state === "new") this.#begin();
    this.#readOn();
    const result = this.#takeReady();
    this.#endIfExhausted();
    if (result !== undefined) return Promise.resolve({ done: false, value: result });
    if (this.#state === "ended")
      return this.#failure === undefined ? Promise.resolve(DONE) : Promise.reject(this.#takeFailure());
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  async return(): Promise<IteratorResult<MapConcurrentResult<Input, Output>, undefined>> {
    const leaving = this.#state === "running";
    if (this.#state === "new") this.#state = "ended";
    this.#stop(undefined, abortError("The iteration was left before all inputs had been worked off"));
    const closeFailure = await this.#stopped;
    this.#failure = undefined;
    if (leaving && closeFailure !== undefined) throw closeFailure.error;
    return DONE;
  }

  #begin(): void {
    this.#state = "running";
    this.#stopListening = onAbort(this.#parent, (reason) => this.#stop({ error: reason }, reason));
  }

  /** Reads inputs for all free places. */
  #readOn(): void {
    if (this.#readingOn) return;
    this.#readingOn = true;
    while (this.#hasPlace && !this.#reader.reading && !this.#reader.ended) this.#reader.read();
    this.#readingOn = false;
  }

  get #hasPlace(): boolean {
    return (
      this.#state === "running" &&
      this.#runningCount < this.#concurrency &&
      this.#startedCount - this.#consumedCount < this.#window
    );
  }

  #start(input: Input): void {
    const index = this.#startedCount;
    this.#startedCount += 1;
    this.#runningCount += 1;
    startTask((signal) => this.#mapper(input, signal), this.#controller.signal).then(
      (value) => this.#ended({ input, index, value, error: undefined }),
      (reason: unknown) => {
        if (this.#stopOnError) this.#stop({ error: reason }, siblingFailed(reason));
        this.#ended({ input, index, value: undefined, error: toError(reason) });
      },
    );
    this.#readOn();
  }

  #ended(result: MapConcurrentResult<Input, Output>): void {
    this.#runningCount -= 1;
    if (this.#state !== "running") {
      if (this.#runningCount === 0) this.#onIdle();
      return;
    }
    this.#ready.set(result.index, result);
    this.#readOn();
    this.#giveToWaiters();
  }

  #giveToWaiters(): void {
    while (this.#waiters.size > 0) {
      const result = this.#takeReady();
      if (result === undefined) break;
      this.#waiters.shift()?.resolve({ done: false, value: result });
    }
    this.#endIfExhausted();
  }

  #takeReady(): MapConcurrentResult<Input, Output> | undefined {
    const index = this.#ordered ? this.#takenCount : this.#ready.keys().next().value;
    const result = index === undefined ? undefined : this.#ready.get(index);
    if (result === undefined) return undefined;
    this.#ready.delete(result.index);
    this.#takenCount += 1;
    return result;
  }

  #endIfExhausted(): void {
    const exhausted = this.#reader.ended && this.#runningCount === 0 && this.#ready.size === 0;
    if (exhausted && this.#state === "running") this.#end();
  }

  /** Ends before the inputs do: with `failure`, or because the consumer has left. Aborts what runs. */
  #stop(failure: Thrown | undefined, abortReason: unknown): void {
    if (this.#state !== "running") return;
    this.#state = "stopping";
    this.#failure = failure;
    this.#ready.clear();
    this.#controller.abort(abortReason);
    this.#stopped = this.#closeAndEnd();
  }

  async #closeAndEnd(): Promise<Thrown | undefined> {
    let closeFailure: Thrown | undefined;
    try {
      await this.#reader.close();
    } catch (error) {
      closeFailure = { error };
    }
    if (this.#runningCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.#end();
    return closeFailure;
  }

  #end(): void {
    this.#state = "ended";
    this.#stopListening();
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      if (this.#failure === undefined) waiter.resolve(DONE);
      else waiter.reject(this.#takeFailure());
    }
  }

  #takeFailure(): unknown {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure?.error;
  }
}

function siblingFailed(cause: unknown): TaskError {
  return new TaskError("task/sibling-failed", "The task was cancelled because another one of the iteration failed", {
    cause,
  });
}

function toError(reason: unknown): Error {
  if (reason instanceof Error) return reason;
  return new TaskError("task/not-an-error", `The task rejected with a ${typeof reason} that is not an Error`, {
    cause: reason,
  });
}
