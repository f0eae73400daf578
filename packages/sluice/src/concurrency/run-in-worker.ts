/**
 * CPU work off the event loop: a module's function called in a worker thread, on a pool that the whole process shares.
 *
 * Threads and messages are piscina's, loaded when the first job comes. Waiting is ours: no more jobs are handed over than there
 * are threads, so the order is that of arrival, a job that is cancelled while it waits has never been anywhere, and one that
 * is cancelled while it runs costs its thread, which is the only way to stop it.
 */
import type { TransferListItem } from "node:worker_threads";
import { TaskError, UsageError } from "../errors.js";
import { parseUrl } from "../http/parse-url.js";
import { linkSignal, newSharedController } from "./abort.js";
import { Semaphore } from "./semaphore.js";

/** A thread that has had nothing to do for this long is given back. */
const IDLE_THREAD_MS = 30_000;

/**
 * What we use of piscina. Its own declarations do not compile under `exactOptionalPropertyTypes`, so they must not become
 * part of the program.
 */
interface Threads {
  run(
    input: unknown,
    options: { filename: string; name: string; signal: AbortSignal; transferList: TransferListItem[] },
  ): Promise<unknown>;
  destroy(): Promise<void>;
  on(event: "error", listener: (error: unknown) => void): void;
}

interface PiscinaModule {
  readonly Piscina: new (options: { minThreads: number; maxThreads: number; idleTimeout: number }) => Threads;
}

/** How {@link runInWorker} calls the job. */
export interface RunInWorkerOptions {
  /** Gives up waiting, or ends the thread that runs the job; rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Parts of the input to move rather than copy; they are empty here afterwards. @default none */
  readonly transfer?: readonly TransferListItem[] | undefined;
  /** Which export of the module to call. @default "default" */
  readonly exportName?: string | undefined;
}

interface WorkerPool {
  readonly threads: Threads;
  readonly places: Semaphore;
  /** Aborts, with the error to reject with, when the pool is closed or has failed. */
  readonly ending: AbortController;
}

/** The pool of this process, from the first job to {@link closeWorkers}. */
const shared: { pool: Promise<WorkerPool> | undefined } = { pool: undefined };

/**
 * Calls the function that the module at `url` exports with `input`, in one of as many worker threads as the machine has
 * cores, and resolves with what it returned. Input and result are copied (structured clone). `url` is the `file:` URL of a JavaScript
 * module (`new URL("./hash.js", import.meta.url)`). Idle threads do not hold the process open; a job does.
 *
 * Rejects with what the function threw (an Error keeps its message and stack, not its class), with the signal's reason, or with
 * TaskError `task/workers-closed` or `task/worker-failed` when the pool ends; with UsageError `worker/bad-url` for another kind of URL.
 */
export async function runInWorker<Output = unknown>(
  url: string | URL,
  input: unknown,
  options: RunInWorkerOptions = {},
): Promise<Output> {
  const filename = fileUrl(url);
  const { signal, transfer = [], exportName = "default" } = options;
  signal?.throwIfAborted();
  shared.pool ??= openPool();
  const { threads, places, ending } = await shared.pool;
  const job = new AbortController();
  const stopListening = linkSignal(signal, job);
  const stopListeningToEnd = linkSignal(ending.signal, job);
  try {
    const settings = { filename, name: exportName, signal: job.signal, transferList: [...transfer] };
    return (await places.run(() => threads.run(input, settings), job.signal)) as Output;
  } catch (error) {
    // Piscina says that the job was aborted; why is what our callers want to know.
    throw job.signal.aborted ? job.signal.reason : error;
  } finally {
    stopListening();
    stopListeningToEnd();
  }
}

/**
 * Ends the threads of {@link runInWorker}: jobs that run or wait reject with TaskError `task/workers-closed`, and all threads
 * are gone when it resolves. A later job starts new ones.
 */
export async function closeWorkers(): Promise<void> {
  const opening = shared.pool;
  if (opening === undefined) return;
  shared.pool = undefined;
  const { threads, ending } = await opening;
  // In this order: a thread whose job is aborted leaves the pool, which then would not wait for its end.
  const allGone = threads.destroy();
  ending.abort(new TaskError("task/workers-closed", "The job was ended: the workers were closed"));
  await allGone;
}

function openPool(): Promise<WorkerPool> {
  const forget = (): void => {
    if (shared.pool === opening) shared.pool = undefined;
  };
  const opening = loadPool(forget);
  opening.catch(forget);
  return opening;
}

/** `onFailure`: the pool can start no more threads. */
async function loadPool(onFailure: () => void): Promise<WorkerPool> {
  const { availableParallelism } = await import("node:os");
  // `as string` keeps the compiler from reading the declarations; what is emitted is a plain import("piscina").
  const { Piscina } = (await import("piscina" as string)) as PiscinaModule;
  const count = availableParallelism();
  const threads = new Piscina({ minThreads: 0, maxThreads: count, idleTimeout: IDLE_THREAD_MS });
  const ending = newSharedController();
  // A thread died without a job, that is while starting; a job may be waiting for it, and the next thread will do no better.
  threads.on("error", (cause: unknown) => {
    onFailure();
    const message = "The job was ended: a worker thread could not be started";
    ending.abort(new TaskError("task/worker-failed", message, { cause }));
    void threads.destroy();
  });
  return { threads, places: new Semaphore(count), ending };
}

function fileUrl(url: string | URL): string {
  const parsed = typeof url === "string" ? parseUrl(url) : url;
  if (parsed?.protocol === "file:") return parsed.href;
  throw new UsageError(
    "worker/bad-url",
    `Cannot run a worker from ${parsed?.href ?? String(url)}: expected a file: URL, such as new URL("./job.js", import.meta.url)`,
  );
}
