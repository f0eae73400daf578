import { getEventListeners } from "node:events";
import { availableParallelism } from "node:os";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { closeWorkers, runInWorker } from "../../src/concurrency/run-in-worker.js";
import { sleep } from "../../src/concurrency/sleep.js";

const JOBS = new URL("./fixtures/jobs.mjs", import.meta.url);

afterAll(closeWorkers);

/** Starts a job that never ends by itself, and waits until it runs. */
async function startSpinning(signal?: AbortSignal): Promise<{ job: Promise<unknown>; counter: Int32Array }> {
  const memory = new SharedArrayBuffer(8);
  const counter = new Int32Array(memory);
  const job = runInWorker(JOBS, memory, { exportName: "spin", signal });
  job.catch(() => undefined);
  while (Atomics.load(counter, 0) === 0) await sleep(2);
  return { job, counter };
}

/** True when the thread that counts up does so no more. */
async function hasStopped(counter: Int32Array): Promise<boolean> {
  for (let tries = 0; tries < 200; tries += 1) {
    const before = Atomics.load(counter, 1);
    await sleep(20);
    if (Atomics.load(counter, 1) === before) return true;
  }
  return false;
}

describe("runInWorker", () => {
  test("calls the default export of a module, a named one, or that of a CommonJS file, in other threads", async () => {
    expect(await runInWorker<number>(JOBS, 21)).toBe(42);
    expect(await runInWorker<number>(JOBS.href, 4)).toBe(8);
    expect(await runInWorker<number>(JOBS, undefined, { exportName: "thread" })).toBeGreaterThan(0);
    expect(await runInWorker(new URL("./fixtures/job.cjs", import.meta.url), "hello")).toBe("hello from CommonJS");
  });

  test("a pool without work does not hold the process open", async () => {
    await runInWorker(JOBS, 1);
    const resources = process.getActiveResourcesInfo();
    const working = runInWorker(JOBS, 1);
    await sleep(0);
    await working;
    expect(process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length).toBeLessThanOrEqual(
      resources.filter((name) => name === "MessagePort").length,
    );
  });

  test("what is transferred is moved, the rest is copied", async () => {
    const [moved, copied] = [new Uint8Array(1_000), new Uint8Array(1_000)];
    const job = { exportName: "byteLength" };
    expect(await runInWorker(JOBS, moved, { ...job, transfer: [moved.buffer] })).toBe(1_000);
    expect(await runInWorker(JOBS, copied, job)).toBe(1_000);
    expect([moved.byteLength, copied.byteLength]).toEqual([0, 1_000]);
  });

  test("an error from the worker keeps its message and the stack that shows where it was thrown", async () => {
    const error = await runInWorker(JOBS, "too far", { exportName: "fail" }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "too far", stack: expect.stringContaining("fixtures/jobs.mjs") });
  });

  test("a module that is not there, an export that is no function, or an input that cannot be copied rejects", async () => {
    await expect(runInWorker(new URL("./fixtures/none.mjs", import.meta.url), 1)).rejects.toThrow("none.mjs");
    await expect(runInWorker(JOBS, 1, { exportName: "notAFunction" })).rejects.toThrow("No handler function");
    await expect(runInWorker(JOBS, () => 1)).rejects.toMatchObject({ name: "DataCloneError" });
    await expect(runInWorker(JOBS, 1, { exportName: "exit" })).rejects.toThrow("worker exited with code: 3");
    expect(await runInWorker(JOBS, 1)).toBe(2);
  });

  test.each(["./jobs.js", "https://example.com/job.js", "data:text/javascript,export default () => 1"])(
    "refuses %s, which is no file URL",
    async (url) => {
      await expect(runInWorker(url, 1)).rejects.toMatchObject({ name: "UsageError", code: "worker/bad-url" });
    },
  );

  test("an abort ends the thread of a running job, rejects with the reason, and leaves no listener", async () => {
    const controller = new AbortController();
    const { job, counter } = await startSpinning(controller.signal);
    controller.abort("enough");
    await expect(job).rejects.toBe("enough");
    expect(await hasStopped(counter)).toBe(true);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    await expect(runInWorker(JOBS, 1, { signal: controller.signal })).rejects.toBe("enough");
    expect(await runInWorker(JOBS, 1)).toBe(2);
  });

  test("jobs beyond the number of cores wait; one that is cancelled meanwhile never starts", async () => {
    const ending = new AbortController();
    const running = await Promise.all(
      Array.from({ length: availableParallelism() }, () => startSpinning(ending.signal)),
    );
    const controller = new AbortController();
    const memory = new SharedArrayBuffer(8);
    const cancelled = runInWorker(JOBS, memory, { exportName: "spin", signal: controller.signal });
    const waiting = runInWorker(JOBS, 5);
    await sleep(20);
    controller.abort("changed my mind");
    await expect(cancelled).rejects.toBe("changed my mind");
    ending.abort("make room");
    for (const { job } of running) await expect(job).rejects.toBe("make room");
    expect(await waiting).toBe(10);
    expect(new Int32Array(memory)[0]).toBe(0);
  });
});

describe("closeWorkers", () => {
  test("rejects running and waiting jobs with TaskError and ends their threads; a later job starts new ones", async () => {
    await closeWorkers();
    await closeWorkers();
    const running = await Promise.all(Array.from({ length: availableParallelism() }, () => startSpinning()));
    const waiting = runInWorker(JOBS, 1);
    const closed = expect.objectContaining({ name: "TaskError", code: "task/workers-closed" });
    const rejected = Promise.all(
      [...running.map(({ job }) => job), waiting].map((job) => expect(job).rejects.toEqual(closed)),
    );
    await sleep(5);
    await closeWorkers();
    await rejected;
    for (const { counter } of running) expect(await hasStopped(counter)).toBe(true);
    expect(await runInWorker(JOBS, 3)).toBe(6);
  });

  test("a job that is just opening the pool is told as well", async () => {
    await closeWorkers();
    const job = expect(runInWorker(JOBS, 1)).rejects.toMatchObject({ code: "task/workers-closed" });
    await closeWorkers();
    await job;
  });
});

describe("a pool that cannot work", () => {
  afterEach(async () => {
    await closeWorkers();
    vi.doUnmock("piscina");
    vi.resetModules();
  });

  test("threads that die while starting end the waiting jobs with TaskError, and the next job has a new pool", async () => {
    const listeners: ((error: Error) => void)[] = [];
    let destroyed = 0;
    let pools = 0;
    class Piscina {
      constructor() {
        pools += 1;
      }
      on(_event: string, listener: (error: Error) => void): void {
        listeners.push(listener);
      }
      run(_input: unknown, { signal }: { signal: AbortSignal }): Promise<unknown> {
        if (pools > 1) return Promise.resolve("from the second pool");
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
      }
      async destroy(): Promise<void> {
        destroyed += 1;
      }
    }
    vi.doMock("piscina", () => ({ Piscina }));
    vi.resetModules();
    const fresh = await import("../../src/concurrency/run-in-worker.js");
    const cause = new Error("out of memory");
    const job = fresh.runInWorker(JOBS, 1);
    while (listeners.length === 0) await sleep(1);
    await sleep(1);
    listeners[0]?.(cause);
    await expect(job).rejects.toMatchObject({ name: "TaskError", code: "task/worker-failed", cause });
    expect(destroyed).toBe(1);
    expect(await fresh.runInWorker(JOBS, 1)).toBe("from the second pool");
    listeners[0]?.(new Error("the old pool again"));
    expect(await fresh.runInWorker(JOBS, 1)).toBe("from the second pool");
    expect(pools).toBe(2);
  });

  test("a pool that could not be loaded is tried again by the next job", async () => {
    let tries = 0;
    class Piscina {
      constructor() {
        tries += 1;
        throw new Error("no threads here");
      }
    }
    vi.doMock("piscina", () => ({ Piscina }));
    vi.resetModules();
    const fresh = await import("../../src/concurrency/run-in-worker.js");
    await expect(fresh.runInWorker(JOBS, 1)).rejects.toThrow("no threads here");
    await expect(fresh.runInWorker(JOBS, 1)).rejects.toThrow("no threads here");
    expect(tries).toBe(2);
  });
});
