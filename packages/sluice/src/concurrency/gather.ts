/**
 * Running a known number of tasks together and taking all their results.
 *
 * A task is a function of a signal, called when its turn has come, or something that is under way already: a promise, which
 * takes no turn and cannot be cancelled, or a plain value. Nothing that was called here outlives the call: it ends only when
 * every called task has.
 */
import { TaskError, UsageError } from "../errors.js";
import { refuseUnknown } from "../options.js";
import { newSharedController, onAbort } from "./abort.js";
import { startTask, type Task } from "./task.js";

const KNOWN_OPTIONS: ReadonlySet<string> = new Set<keyof GatherOptions>(["concurrency", "signal"]);

/** How {@link gather} runs its tasks. */
export interface GatherOptions {
  /** How many task functions may run at once: 1 or more. @default Infinity */
  readonly concurrency?: number | undefined;
  /** Aborts the tasks that run and calls no more; the gathering then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One entry of the tasks: a function that is called with a signal, or something that is under way or there already. (Anything at
 * all; it is spelt out so that the compiler knows what `signal` is in `(signal) => …`.)
 */
export type Gatherable =
  | ((signal: AbortSignal) => unknown)
  | object
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined;

/** What one entry of the tasks yields. */
export type TaskResult<T> = T extends (signal: AbortSignal) => infer R ? Awaited<R> : Awaited<T>;

/** The results in the order of the tasks; a tuple of tasks gives a tuple of results. */
export type GatheredResults<T extends readonly unknown[]> = { -readonly [K in keyof T]: TaskResult<T[K]> };

/** As {@link GatheredResults}, each one fulfilled or rejected. */
export type SettledResults<T extends readonly unknown[]> = {
  -readonly [K in keyof T]: PromiseSettledResult<TaskResult<T[K]>>;
};

/** The two ways of gathering: all or nothing, and one by one. */
export interface Gather {
  /**
   * Resolves with the results of all `tasks`, in their order. The first failure aborts the other tasks (their signal's reason is
   * a TaskError `task/sibling-failed` whose cause is the failure), no further one is called, and when those that run have ended the
   * gathering rejects with that first error itself. Throws UsageError `options/out-of-range` for a bad concurrency.
   */
  <T extends readonly Gatherable[] | []>(tasks: T, options?: GatherOptions): Promise<GatheredResults<T>>;
  /** As `gather`, but a failure is a result like another and aborts nothing. Rejects only with the reason of `options.signal`. */
  settled<T extends readonly Gatherable[] | []>(tasks: T, options?: GatherOptions): Promise<SettledResults<T>>;
}

/** Runs tasks together, so many at a time, and gives all their results: see {@link Gather}. */
export const gather: Gather = Object.assign(gatherAll, { settled: gatherSettled });

async function gatherAll<T extends readonly Gatherable[] | []>(
  tasks: T,
  options: GatherOptions = {},
): Promise<GatheredResults<T>> {
  const run = new TaskRun(tasks, options, (error) => {
    const message = "The task was cancelled because another one that was gathered with it failed";
    run.stop(error, new TaskError("task/sibling-failed", message, { cause: error }));
  });
  const outcomes = await run.finish();
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as GatheredResults<T>;
}

async function gatherSettled<T extends readonly Gatherable[] | []>(
  tasks: T,
  options: GatherOptions = {},
): Promise<SettledResults<T>> {
  const outcomes = await new TaskRun(tasks, options, () => undefined).finish();
  return outcomes as SettledResults<T>;
}

/** One gathering under way. */
class TaskRun {
  readonly #tasks: readonly unknown[];
  readonly #concurrency: number;
  readonly #parent: AbortSignal | undefined;
  readonly #onFailure: (error: unknown) => void;
  readonly #controller = newSharedController();
  readonly #outcomes: PromiseSettledResult<unknown>[];
  /** Index of the next task to look at. */
  #next = 0;
  /** Task functions that were called and have not ended. */
  #running = 0;
  /** Outcomes that are still missing. */
  #missing: number;
  /** Boxed, because any value may be a reason. */
  #stopped: { readonly reason: unknown } | undefined;
  #onFinished: () => void = () => undefined;

  constructor(tasks: readonly unknown[], options: GatherOptions, onFailure: (error: unknown) => void) {
    refuseUnknown("gather", options, KNOWN_OPTIONS);
    const { concurrency = Number.POSITIVE_INFINITY, signal } = options;
    if (!(concurrency >= 1)) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot use concurrency: expected 1 or more, received ${concurrency}`,
      );
    }
    this.#tasks = tasks;
    this.#concurrency = concurrency;
    this.#parent = signal;
    this.#onFailure = onFailure;
    this.#missing = tasks.length;
    this.#outcomes = new Array<PromiseSettledResult<unknown>>(tasks.length);
  }

  /** Calls no more tasks and aborts those that run with `abortReason`; {@link finish} will reject with `reason`. */
  stop(reason: unknown, abortReason: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { reason };
    this.#controller.abort(abortReason);
    this.#endIfFinished();
  }

  /** Runs everything; resolves when nothing that was called runs any more. To be called once. */
  async finish(): Promise<PromiseSettledResult<unknown>[]> {
    const stopListening = onAbort(this.#parent, (reason) => this.stop(reason, reason));
    await new Promise<void>((resolve) => {
      this.#onFinished = resolve;
      this.#adoptPromises();
      this.#callTasks();
      this.#endIfFinished();
    });
    stopListening();
    if (this.#stopped !== undefined) throw this.#stopped.reason;
    return this.#outcomes;
  }

  /** All of them at once, so that none can reject unhandled while it waits for its turn. */
  #adoptPromises(): void {
    for (const [index, task] of this.#tasks.entries()) {
      if (typeof task !== "function") this.#follow(index, Promise.resolve(task), 0);
    }
  }

  #callTasks(): void {
    while (this.#running < this.#concurrency && this.#next < this.#tasks.length && this.#stopped === undefined) {
      const index = this.#next;
      const task = this.#tasks[index];
      this.#next += 1;
      if (typeof task !== "function") continue;
      this.#running += 1;
      this.#follow(index, startTask(task as Task<unknown>, this.#controller.signal), 1);
    }
  }

  /** Notes how the task at `index` ends, and frees the places it took. */
  #follow(index: number, promise: Promise<unknown>, places: 0 | 1): void {
    const end = (outcome: PromiseSettledResult<unknown>): void => {
      this.#outcomes[index] = outcome;
      this.#missing -= 1;
      this.#running -= places;
      if (outcome.status === "rejected") this.#onFailure(outcome.reason);
      this.#callTasks();
      this.#endIfFinished();
    };
    promise.then(
      (value) => end({ status: "fulfilled", value }),
      (reason: unknown) => end({ status: "rejected", reason }),
    );
  }

  #endIfFinished(): void {
    if (this.#running === 0 && (this.#missing === 0 || this.#stopped !== undefined)) this.#onFinished();
  }
}
