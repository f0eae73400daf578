import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AsyncQueue } from "../../src/concurrency/async-queue.js";
import { nextTurn } from "../../src/concurrency/clock.js";

const closed = expect.objectContaining({ name: "TaskError", code: "queue/closed" });

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

describe("AsyncQueue", () => {
  test("putting waits while the queue is full and goes on in arrival order as items are taken", async () => {
    const queue = new AsyncQueue<string>(1);
    const entered: string[] = [];
    for (const item of ["a", "b", "c"]) void queue.put(item).then(() => entered.push(item));
    await nextTurn();
    expect(entered).toEqual(["a"]);
    expect(queue.size).toBe(1);
    expect(await queue.take()).toBe("a");
    await nextTurn();
    expect(entered).toEqual(["a", "b"]);
    expect([await queue.take(), await queue.take()]).toEqual(["b", "c"]);
    expect(entered).toEqual(["a", "b", "c"]);
  });

  test("taking waits while the queue is empty; items go to the consumers in arrival order", async () => {
    const queue = new AsyncQueue<string>();
    const taken = Promise.all([queue.take(), queue.take(), queue.take()]);
    expect(queue.tryPut("a")).toBe(true);
    await queue.put("b");
    await queue.put("c");
    expect(await taken).toEqual(["a", "b", "c"]);
    expect(queue.size).toBe(0);
  });

  test("tryPut and tryTake do only what is possible at once", async () => {
    const queue = new AsyncQueue<number>(2);
    expect(queue.tryTake()).toBeUndefined();
    expect([queue.tryPut(1), queue.tryPut(2), queue.tryPut(3)]).toEqual([true, true, false]);
    const waiting = queue.put(4);
    expect(queue.tryTake()).toBe(1);
    await waiting;
    expect([queue.tryTake(), queue.tryTake(), queue.tryTake()]).toEqual([2, 4, undefined]);
    queue.close();
    expect(queue.tryPut(5)).toBe(false);
  });

  test("a closed queue gives what it holds and then ends; whoever waits to put is told", async () => {
    const queue = new AsyncQueue<number>(2);
    await queue.put(1);
    await queue.put(2);
    const late = queue.put(3);
    queue.close();
    queue.close();
    expect(queue.closed).toBe(true);
    await expect(late).rejects.toEqual(closed);
    await expect(queue.put(4)).rejects.toEqual(closed);
    expect(await queue.take()).toBe(1);
    expect(await collect(queue)).toEqual([2]);
    await expect(queue.take()).rejects.toEqual(closed);
  });

  test("closing an empty queue ends those who wait for an item", async () => {
    const queue = new AsyncQueue<number>();
    const taking = queue.take();
    const looping = collect(queue);
    queue.close();
    await expect(taking).rejects.toEqual(closed);
    expect(await looping).toEqual([]);
  });

  test("cancelling drops the items and rejects everybody with the reason, then and later", async () => {
    const reason = new Error("no more");
    const full = new AsyncQueue<number>(1);
    await full.put(1);
    const putting = full.put(2);
    full.cancel(reason);
    full.cancel(new Error("too late"));
    full.close();
    await expect(putting).rejects.toBe(reason);
    await expect(full.take()).rejects.toBe(reason);
    await expect(full.put(3)).rejects.toBe(reason);
    await expect(collect(full)).rejects.toBe(reason);
    expect(full.size).toBe(0);

    const empty = new AsyncQueue<number>();
    const taking = empty.take();
    const looping = collect(empty);
    empty.cancel(undefined);
    expect((await Promise.allSettled([taking, looping])).map((outcome) => outcome.status)).toEqual([
      "rejected",
      "rejected",
    ]);
    await expect(empty.put(1)).rejects.toBeUndefined();
  });

  test("an aborted put leaves no item behind, an aborted take takes none, and no listener stays on the signal", async () => {
    const queue = new AsyncQueue<string>(1);
    const controller = new AbortController();
    const { signal } = controller;
    const taking = queue.take(signal);
    await queue.put("kept", signal);
    expect(await taking).toBe("kept");
    await queue.put("first");
    const putting = queue.put("dropped", signal);
    await queue.take();
    await putting;
    expect(getEventListeners(signal, "abort")).toHaveLength(0);

    const blocked = queue.put("never", signal);
    controller.abort("stop");
    await expect(blocked).rejects.toBe("stop");
    await expect(queue.put("never", signal)).rejects.toBe("stop");
    await expect(queue.take(signal)).rejects.toBe("stop");
    expect(queue.tryTake()).toBe("dropped");
    expect(queue.tryTake()).toBeUndefined();

    const second = new AbortController();
    const hungry = queue.take(second.signal);
    second.abort("enough");
    await expect(hungry).rejects.toBe("enough");
    await queue.put("still here");
    expect(queue.size).toBe(1);
    expect(getEventListeners(second.signal, "abort")).toHaveLength(0);
  });

  test("several loops share the items, and leaving one leaves the rest to the others", async () => {
    const queue = new AsyncQueue<number>();
    const first = (async () => {
      for await (const item of queue) return item;
      return undefined;
    })();
    const second = collect(queue);
    for (const item of [1, 2, 3]) await queue.put(item);
    queue.close();
    expect(await first).toBe(1);
    expect(await second).toEqual([2, 3]);
  });

  test("an iterator that is returned while it waits ends at once and takes no item with it", async () => {
    const queue = new AsyncQueue<number>();
    const iterator = queue[Symbol.asyncIterator]();
    expect(iterator[Symbol.asyncIterator]()).toBe(iterator);
    const waiting = iterator.next();
    const received = iterator.next();
    queue.tryPut(1);
    expect(await waiting).toEqual({ done: false, value: 1 });
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await received).toEqual({ done: true, value: undefined });
    queue.tryPut(2);
    expect(queue.size).toBe(1);
  });

  test.each([0, -1, 1.5, Number.NaN])("refuses a capacity of %d", (capacity) => {
    expect(() => new AsyncQueue(capacity)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  });

  test("whatever is cancelled in between, each accepted item comes out once and in order, and capacity is kept", async () => {
    const action = fc.oneof(
      fc.constant({ do: "put" as const, at: 0 }),
      fc.constant({ do: "take" as const, at: 0 }),
      fc.nat(30).map((at) => ({ do: "cancel" as const, at })),
      fc.constant({ do: "turn" as const, at: 0 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(action, { maxLength: 50 }),
        async (capacity, actions) => {
          const queue = new AsyncQueue<number>(capacity);
          const controllers: AbortController[] = [];
          const accepted: number[] = [];
          const taken: number[] = [];
          const ignore = () => undefined;
          for (const [id, { do: kind, at }] of actions.entries()) {
            const controller = new AbortController();
            if (kind === "turn") await nextTurn();
            else if (kind === "cancel") controllers[at]?.abort();
            else {
              controllers.push(controller);
              if (kind === "put") queue.put(id, controller.signal).then(() => accepted.push(id), ignore);
              else queue.take(controller.signal).then((item) => taken.push(item), ignore);
            }
            expect(queue.size).toBeLessThanOrEqual(capacity);
          }
          await nextTurn();
          queue.close();
          taken.push(...(await collect(queue)));
          await nextTurn();
          expect(taken).toEqual(accepted);
        },
      ),
      { numRuns: 150 },
    );
  });
});
