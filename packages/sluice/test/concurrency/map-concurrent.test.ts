import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { AsyncQueue } from "../../src/concurrency/async-queue.js";
import { nextTurn } from "../../src/concurrency/clock.js";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { type MapConcurrentResult, mapConcurrent } from "../../src/concurrency/map-concurrent.js";
import { sleep } from "../../src/concurrency/sleep.js";

const clock = new ManualClock();
const forever = (signal: AbortSignal) => sleep(Number.POSITIVE_INFINITY, { signal, clock });

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function* countTo(count: number, notes: string[] = []): AsyncGenerator<number> {
  try {
    for (let number = 1; number <= count; number += 1) {
      notes.push(`read ${number}`);
      yield number;
    }
  } finally {
    notes.push("closed");
  }
}

/** A promise that is settled by hand. */
function opened<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (reason: unknown) => void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

describe("mapConcurrent: results", () => {
  test("gives each input with its index and its value or error, narrowed by either", async () => {
    const results = mapConcurrent(["1", "x", "3"], async (text) => {
      if (text === "x") throw new RangeError("no number");
      return Number(text);
    });
    const seen: unknown[] = [];
    for await (const { input, index, value, error } of results) {
      if (error === undefined) {
        expectTypeOf(value).toEqualTypeOf<number>();
        seen.push([input, index, value]);
      } else {
        expectTypeOf(error).toEqualTypeOf<Error>();
        seen.push([input, index, error]);
      }
    }
    expect(seen).toHaveLength(3);
    expect(seen).toEqual(
      expect.arrayContaining([
        ["1", 0, 1],
        ["x", 1, new RangeError("no number")],
        ["3", 2, 3],
      ]),
    );
  });

  test("comes as completed, or in the order of the inputs when that is asked for", async () => {
    const run = async (ordered: boolean) => {
      const gates = [1, 2, 3].map(() => opened<string>());
      const collecting = collect(mapConcurrent(gates, (gate) => gate.promise, { ordered }));
      await nextTurn();
      for (const index of [2, 0, 1]) {
        gates[index]?.resolve(`${index}`);
        await nextTurn();
      }
      return (await collecting).map((result) => result.value);
    };
    expect(await run(false)).toEqual(["2", "0", "1"]);
    expect(await run(true)).toEqual(["0", "1", "2"]);
  });

  test("takes arrays, strings, sets, generators and async sources, empty ones too", async () => {
    const double = (value: number | string) => `${value}${value}`;
    const values = async (source: Iterable<number | string> | AsyncIterable<number | string>) =>
      (await collect(mapConcurrent(source, double, { ordered: true }))).map((result) => result.value);
    expect(await values([1, 2])).toEqual(["11", "22"]);
    expect(await values("ab")).toEqual(["aa", "bb"]);
    expect(await values(new Set([3]))).toEqual(["33"]);
    expect(await values(countTo(3))).toEqual(["11", "22", "33"]);
    expect(await values([])).toEqual([]);
    expect(await values(countTo(0))).toEqual([]);
  });

  test("a mapper that throws at once, or rejects with no Error, gives an error like any other", async () => {
    const results = await collect(
      mapConcurrent([0, 1], (input) => {
        if (input === 0) throw new Error("at once");
        return Promise.reject("a string");
      }),
    );
    expect(results[0]?.error).toEqual(new Error("at once"));
    expect(results[1]?.error).toMatchObject({ name: "TaskError", code: "task/not-an-error", cause: "a string" });
  });

  test("can be read by hand, several results being asked for at once", async () => {
    const iterator = mapConcurrent([1, 2, 3], async (input) => input * 10, { ordered: true });
    expect(iterator[Symbol.asyncIterator]()).toBe(iterator);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => iterator.next()));
    expect(answers.map((answer) => (answer.done ? "done" : answer.value.value))).toEqual([10, 20, 30, "done", "done"]);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a concurrency of %d", (concurrency) => {
    expect(() => mapConcurrent([1], (input) => input, { concurrency })).toThrow(
      expect.objectContaining({ name: "UsageError", code: "options/out-of-range" }),
    );
  });
});

describe("mapConcurrent: holding back the source", () => {
  test("nothing is read or called before the first result is asked for", async () => {
    const notes: string[] = [];
    const iterator = mapConcurrent(countTo(3, notes), () => notes.push("called"));
    await nextTurn();
    expect(notes).toEqual([]);
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(notes).toEqual([]);
  });

  test("no more inputs are read than may run until the consumer comes back for more", async () => {
    const notes: string[] = [];
    const iterator = mapConcurrent(countTo(100, notes), async (input) => input, { concurrency: 3 });
    for (const readSoFar of [3, 4, 5, 6]) {
      await iterator.next();
      await nextTurn();
      expect(notes).toHaveLength(readSoFar);
    }
    await iterator.return?.();
    expect(notes).toHaveLength(7);
    expect(notes.at(-1)).toBe("closed");
  });

  test("ordered results that wait behind a slow one let as many again be read, not more", async () => {
    const slow = opened<number>();
    const notes: string[] = [];
    const iterator = mapConcurrent(countTo(100, notes), (input) => (input === 1 ? slow.promise : input), {
      concurrency: 4,
      ordered: true,
    });
    const first = iterator.next();
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(notes).toHaveLength(8);
    slow.resolve(1);
    expect((await first).value).toMatchObject({ input: 1 });
    expect((await iterator.next()).value).toMatchObject({ input: 2 });
    await iterator.return?.();
  });

  test("a hundred thousand inputs of an endless source pass through a window of ten", async () => {
    let alive = 0;
    let most = 0;
    function* endless(): Generator<number> {
      for (let number = 0; ; number += 1) {
        alive += 1;
        most = Math.max(most, alive);
        yield number;
      }
    }
    let count = 0;
    for await (const { error } of mapConcurrent(endless(), async (input) => input)) {
      if (error !== undefined) throw error;
      alive -= 1;
      count += 1;
      if (count === 100_000) break;
    }
    expect(most).toBeLessThanOrEqual(10);
  });
});

describe("mapConcurrent: ending early", () => {
  test("leaving the loop aborts the calls that run, waits for them, and closes the source", async () => {
    const notes: string[] = [];
    const parent = new AbortController();
    const mapper = async (input: number, signal: AbortSignal) => {
      if (input === 1) {
        await nextTurn();
        return "first";
      }
      try {
        await forever(signal);
      } finally {
        await nextTurn();
        notes.push(`ended ${input}: ${signal.reason.name}`);
      }
      return "never";
    };
    for await (const result of mapConcurrent(countTo(9, notes), mapper, { concurrency: 3, signal: parent.signal })) {
      expect(result.value).toBe("first");
      break;
    }
    expect(notes).toEqual([
      ...["read 1", "read 2", "read 3"],
      ...["closed", "ended 2: AbortError", "ended 3: AbortError"],
    ]);
    expect(getEventListeners(parent.signal, "abort")).toHaveLength(0);
  });

  test("an abort ends the calls and is thrown with its own reason, once, whether or not somebody waits for a result", async () => {
    for (const waits of [true, false]) {
      const notes: string[] = [];
      const parent = new AbortController();
      const iterator = mapConcurrent(
        countTo(9, notes),
        async (input, signal) => {
          if (input > 1) await forever(signal).finally(() => notes.push(`ended ${input}`));
          await nextTurn();
          return input;
        },
        { concurrency: 2, signal: parent.signal },
      );
      await iterator.next();
      const waiting = waits ? [iterator.next(), iterator.next()] : [];
      if (waits) await nextTurn();
      parent.abort("given up");
      const [first, second] = waits ? waiting : [iterator.next(), iterator.next()];
      await expect(first).rejects.toBe("given up");
      expect(await second).toEqual({ done: true, value: undefined });
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      expect(notes).toContain("ended 2");
      expect(notes).toContain("closed");
      expect(getEventListeners(parent.signal, "abort")).toHaveLength(0);
    }
  });

  test("a signal that has aborted already lets nothing start", async () => {
    const notes: string[] = [];
    const iterator = mapConcurrent(countTo(3, notes), () => notes.push("called"), { signal: AbortSignal.abort("no") });
    await expect(iterator.next()).rejects.toBe("no");
    expect(notes).toEqual([]);
  });

  test("the reason of an abort is not thrown at a consumer that has left", async () => {
    const parent = new AbortController();
    const iterator = mapConcurrent([1, 2], (_, signal) => forever(signal), { signal: parent.signal });
    const waiting = iterator.next();
    const leaving = iterator.return?.();
    parent.abort("too late");
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await leaving).toEqual({ done: true, value: undefined });

    const other = new AbortController();
    const left = mapConcurrent([1], (_, signal) => forever(signal), { signal: other.signal });
    const pending = left.next();
    other.abort("first");
    await expect(pending).rejects.toBe("first");
    const again = mapConcurrent([1, 2], (input) => input, { signal: new AbortController().signal });
    await again.next();
    await again.return?.();
    expect(await again.return?.()).toEqual({ done: true, value: undefined });
    expect(await again.next()).toEqual({ done: true, value: undefined });
  });

  test("stopOnError ends with the first error itself, after aborting and awaiting the other calls", async () => {
    const notes: unknown[] = [];
    const error = new Error("first");
    const failing = opened<never>();
    const collecting = collect(
      mapConcurrent(
        [1, 2, 3, 4],
        async (input, signal) => {
          if (input === 1) return failing.promise;
          await forever(signal).finally(() => notes.push(input, signal.reason));
        },
        { concurrency: 2, stopOnError: true },
      ),
    );
    await nextTurn();
    failing.reject(error);
    await expect(collecting).rejects.toBe(error);
    expect(notes).toEqual([2, expect.objectContaining({ code: "task/sibling-failed", cause: error })]);
  });

  test("a source that is waiting for input does not keep the loop from being left", async () => {
    const queue = new AsyncQueue<number>();
    queue.tryPut(1);
    for await (const { value } of mapConcurrent(queue, (input) => input)) {
      expect(value).toBe(1);
      break;
    }
    queue.tryPut(2);
    expect(queue.size).toBe(1);

    // A generator cannot be interrupted in the middle of a read: it closes whenever that ends.
    const gate = opened<void>();
    const notes: string[] = [];
    async function* stuck(): AsyncGenerator<number> {
      try {
        yield 1;
        await gate.promise;
        yield 2;
      } finally {
        notes.push("closed late");
      }
    }
    for await (const { value } of mapConcurrent(stuck(), (input) => input)) {
      expect(value).toBe(1);
      break;
    }
    expect(notes).toEqual([]);
    gate.resolve();
    await nextTurn();
    expect(notes).toEqual(["closed late"]);
  });
});

describe("mapConcurrent: sources that fail", () => {
  test("the results of the inputs before come first, then the error is thrown, once", async () => {
    for (const asynchronous of [true, false]) {
      const error = new Error("source failed");
      function* failing(): Generator<number> {
        yield 1;
        yield 2;
        throw error;
      }
      async function* failingLater(): AsyncGenerator<number> {
        yield* failing();
      }
      const iterator = mapConcurrent(asynchronous ? failingLater() : failing(), async (input) => {
        await nextTurn();
        return input;
      });
      const values = [(await iterator.next()).value?.input, (await iterator.next()).value?.input];
      expect(values).toEqual([1, 2]);
      await expect(iterator.next()).rejects.toBe(error);
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    }
  });

  test("one that fails while somebody waits for a result rejects that wait", async () => {
    const gate = opened<void>();
    async function* failing(): AsyncGenerator<number> {
      await gate.promise;
      yield* [];
      throw new Error("source failed");
    }
    const iterator = mapConcurrent(failing(), (input) => input);
    const [first, second] = [iterator.next(), iterator.next()];
    gate.resolve();
    await expect(first).rejects.toThrow("source failed");
    expect(await second).toEqual({ done: true, value: undefined });
  });

  test("one that has no iterator after all, or fails to make one, is a source that failed", async () => {
    const broken = {
      [Symbol.iterator](): Iterator<number> {
        throw new Error("no iterator");
      },
    };
    await expect(mapConcurrent(broken, (input) => input).next()).rejects.toThrow("no iterator");
  });

  test("an error in closing it is thrown at the consumer that leaves, but does not hide why the iteration ended", async () => {
    const closing = () => ({
      [Symbol.iterator]: () => ({
        next: () => ({ done: false as const, value: 1 }),
        return: (): IteratorResult<number> => {
          throw new Error("cannot close");
        },
      }),
    });
    const leaving = async () => {
      for await (const _ of mapConcurrent(closing(), (input) => input)) break;
    };
    await expect(leaving()).rejects.toThrow("cannot close");
    const stopping = collect(mapConcurrent(closing(), () => Promise.reject("why"), { stopOnError: true }));
    await expect(stopping).rejects.toBe("why");
  });

  test("what a source gives or throws after the consumer has left is dropped", async () => {
    for (const fails of [true, false]) {
      const gate = opened<IteratorResult<number>>();
      let reads = 0;
      const source: AsyncIterable<number> = {
        [Symbol.asyncIterator]: () => ({
          next: () => {
            reads += 1;
            return reads === 1 ? Promise.resolve({ done: false, value: 1 }) : gate.promise;
          },
          return: () => Promise.reject(new Error("closing failed, late")),
        }),
      };
      const called: number[] = [];
      for await (const _ of mapConcurrent(source, (input) => called.push(input))) break;
      if (fails) gate.reject(new Error("read failed, late"));
      else gate.resolve({ done: false, value: 2 });
      await nextTurn();
      expect(called).toEqual([1]);
    }
  });

  test("a consumer that leaves before the error of its source has come up is spared it", async () => {
    function* failing(): Generator<number> {
      yield 1;
      throw new Error("source failed");
    }
    const iterator = mapConcurrent(failing(), (input) => input);
    await iterator.next();
    await nextTurn();
    await iterator.return?.();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

test("mapConcurrent: a mapper that aborts the caller's signal while inputs are being read stops the reading", async () => {
  const parent = new AbortController();
  const called: number[] = [];
  const iterator = mapConcurrent(
    [1, 2, 3, 4, 5],
    (input) => {
      called.push(input);
      if (input === 2) parent.abort("enough");
      return input;
    },
    { signal: parent.signal },
  );
  await expect(iterator.next()).rejects.toBe("enough");
  expect(called).toEqual([1, 2]);
});

test("mapConcurrent: under any source, timing, failure and way of leaving it keeps its promises", async () => {
  const input = fc.record({ turns: fc.nat(2), fails: fc.boolean() });
  const plan = fc.record({
    inputs: fc.array(input, { maxLength: 20 }),
    concurrency: fc.integer({ min: 1, max: 4 }),
    ordered: fc.boolean(),
    asynchronous: fc.boolean(),
    sourceFailsAt: fc.option(fc.nat(20), { nil: undefined }),
    leaveAfter: fc.option(fc.nat(20), { nil: undefined }),
    abortAfter: fc.option(fc.nat(20), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      plan,
      async ({ inputs, concurrency, ordered, asynchronous, sourceFailsAt, leaveAfter, abortAfter }) => {
        const parent = new AbortController();
        const before = getEventListeners(parent.signal, "abort").length;
        let running = 0;
        let closed = false;
        let read = 0;
        function* source(): Generator<(typeof inputs)[number]> {
          try {
            for (const [index, entry] of inputs.entries()) {
              if (index === sourceFailsAt) throw new Error("source");
              read += 1;
              yield entry;
            }
          } finally {
            closed = true;
          }
        }
        async function* asyncSource() {
          for (const entry of source()) {
            await nextTurn();
            yield entry;
          }
        }
        const results: MapConcurrentResult<(typeof inputs)[number], string>[] = [];
        let thrown: unknown;
        try {
          const iterable = mapConcurrent(
            asynchronous ? asyncSource() : source(),
            async ({ turns, fails }) => {
              running += 1;
              expect(running).toBeLessThanOrEqual(concurrency);
              for (let turn = 0; turn < turns; turn += 1) await nextTurn();
              running -= 1;
              if (fails) throw new Error("mapper");
              return "value";
            },
            { concurrency, ordered, signal: parent.signal },
          );
          for await (const result of iterable) {
            results.push(result);
            expect(read - results.length).toBeLessThan(concurrency * 2);
            if (results.length === leaveAfter) break;
            if (results.length === abortAfter) parent.abort("abort");
          }
        } catch (error) {
          thrown = error;
        }
        expect(running).toBe(0);
        expect(getEventListeners(parent.signal, "abort").length).toBe(before);
        for (const result of results) {
          expect(result.input).toBe(inputs[result.index]);
          expect(result.error === undefined).toBe(!result.input.fails);
          expect(result.value).toBe(result.input.fails ? undefined : "value");
        }
        const indexes = results.map((result) => result.index);
        expect(new Set(indexes).size).toBe(indexes.length);
        if (ordered) expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
        if (thrown === undefined && results.length !== leaveAfter) {
          expect(results).toHaveLength(inputs.length);
          expect(closed || inputs.length === 0 || read === inputs.length).toBe(true);
        } else if (thrown instanceof Error) {
          expect(thrown.message).toBe("source");
          expect(results).toHaveLength(Math.min(sourceFailsAt ?? 0, inputs.length));
        } else if (thrown !== undefined) expect(thrown).toBe("abort");
        if (!asynchronous && read > 0) expect(closed).toBe(true);
      },
    ),
    { numRuns: 250 },
  );
});
