/**
 * Tasks that live no longer than the scope that started them.
 *
 * The first failure aborts the other tasks, and closing the group rejects with exactly that error once all have ended, so a
 * catcher sees the same thing whichever task was slower. Failures that were not merely the answer to the abort are kept in
 * `failures`; they are not wrapped into an AggregateError, whose shape would depend on timing.
 */
import { TaskError, UsageError } from "../errors.js";
import { abortError, isConsequenceOfAbort, newSharedController, onAbort, type StopListening } from "./abort.js";
import { startTask, type Task } from "./task.js";

/** What a {@link TaskGroup} depends on. */
export interface TaskGroupOptions {
  /** Aborts the tasks with its own reason, with which the group then rejects if it ended any. */
  readonly signal?: AbortSignal | undefined;
}

/** A scope for tasks: `await using group = new TaskGroup()` ends when all its tasks have ended. */
export class TaskGroup implements AsyncDisposable {
  readonly #controller = newSharedController();
  readonly #failures: unknown[] = [];
  readonly #stopListening: StopListening;
  #running = 0;
  #abortIsFailure = false;
  #closing: Promise<void> | undefined;
  #closed = false;
  /** Lets {@link close} go on; set while it waits for the last task. */
  #onIdle: (() => void) | undefined;

  constructor(options: TaskGroupOptions = {}) {
    this.#stopListening = onAbort(options.signal, (reason) => {
      // Whoever owns the group has not asked for this, so it must not look as if the tasks had done their work.
      this.#abortIsFailure = !this.#controller.signal.aborted;
      this.#controller.abort(reason);
    });
  }

  /**
   * Runs `body` with a new group and closes the group after it; gives what `body` gave. Unlike `await using`, it also aborts the
   * tasks when `body` itself throws, instead of waiting for them to end by themselves.
   */
  static async run<T>(body: (group: TaskGroup) => T | PromiseLike<T>, options: TaskGroupOptions = {}): Promise<T> {
    const group = new TaskGroup(options);
    const result = group.spawn(() => body(group));
    await group.close();
    return await result;
  }

  /** What the tasks get: aborts on the first failure, on {@link cancel}, and with the signal the group was given. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Tasks that have not ended. */
  get running(): number {
    return this.#running;
  }

  /** What went wrong, in order: the first is what {@link close} rejects with. Errors that only obeyed the abort are not in it. */
  get failures(): readonly unknown[] {
    return this.#failures;
  }

  /**
   * Calls `task` now, as part of this group; tasks may spawn further ones for as long as any runs. The promise given back
   * may be ignored: a failure is the group's in any case. When the group has been aborted, the task is not called and the
   * promise rejects with the reason. Throws UsageError `task-group/closed` once the group has ended.
   */
  spawn<T>(task: Task<T>): Promise<T> {
    if (this.#closed) {
      throw new UsageError(
        "task-group/closed",
        "Cannot spawn a task: the group is closed, and nothing would wait for it",
      );
    }
    const { signal } = this.#controller;
    this.#running += 1;
    const promise = signal.aborted ? Promise.reject<T>(signal.reason) : startTask(task, signal);
    promise.then(
      () => this.#ended(),
      (error: unknown) => {
        this.#failed(error);
        this.#ended();
      },
    );
    return promise;
  }

  /** Aborts all tasks. This alone is no failure: {@link close} still resolves, unless a task fails for a reason of its own. */
  cancel(reason: unknown = abortError("The task group was cancelled")): void {
    this.#controller.abort(reason);
  }

  /**
   * Waits until every task has ended, those spawned meanwhile included. Rejects with the first failure, or with the reason of the
   * signal the group was given if that kept a task from ending well.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The end of `await using`: see {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#running === 0) {
      this.#closed = true;
    } else {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.#stopListening();
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  #failed(error: unknown): void {
    const { signal } = this.#controller;
    if (!isConsequenceOfAbort(error, signal)) {
      this.#failures.push(error);
      const message = "The task was cancelled because another one of its group failed";
      if (!signal.aborted) this.#controller.abort(new TaskError("task/sibling-failed", message, { cause: error }));
    } else if (this.#abortIsFailure && this.#failures.length === 0) {
      this.#failures.push(signal.reason);
    }
  }

  #ended(): void {
    this.#running -= 1;
    if (this.#running > 0 || this.#onIdle === undefined) return;
    this.#closed = true;
    this.#onIdle();
  }
}
