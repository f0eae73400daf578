import fc from "fast-check";
import { expect, test } from "vitest";
import { PriorityFifo } from "../../src/concurrency/priority-fifo.js";

function drained<T>(queue: PriorityFifo<T>): T[] {
  const values: T[] = [];
  for (let value = queue.shift(); value !== undefined; value = queue.shift()) values.push(value);
  return values;
}

test("the higher priority goes first, among equals the first come", () => {
  const queue = new PriorityFifo<string>();
  for (const [value, priority] of [
    ["a", 0],
    ["b", 5],
    ["c", 0],
    ["d", -1],
    ["e", 5],
    ["f", 2.5],
  ] as const) {
    queue.push(value, priority);
  }
  expect(queue.size).toBe(6);
  expect(drained(queue)).toEqual(["b", "e", "f", "a", "c", "d"]);
  expect([queue.size, queue.shift()]).toEqual([0, undefined]);
});

test("who leaves is passed over; leaving twice does nothing", () => {
  const queue = new PriorityFifo<string>();
  const first = queue.push("a", 1);
  queue.push("b", 1);
  expect([queue.remove(first, 1), queue.remove(first, 1), queue.size]).toEqual([true, false, 1]);
  expect(drained(queue)).toEqual(["b"]);
});

test("says how many would go before a newcomer", () => {
  const queue = new PriorityFifo<string>();
  for (const priority of [3, 1, 1, 0]) queue.push("x", priority);
  expect([4, 3, 2, 1, 0, -1].map((priority) => queue.ahead(priority))).toEqual([0, 1, 1, 3, 4, 4]);
});

test("whatever comes and goes, it is a stable sort of what is there", () => {
  const step = fc.record({ priority: fc.integer({ min: -2, max: 2 }), leaves: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const queue = new PriorityFifo<number>();
      const kept: { at: number; priority: number }[] = [];
      for (const [at, { priority, leaves }] of steps.entries()) {
        const node = queue.push(at, priority);
        if (leaves) queue.remove(node, priority);
        else kept.push({ at, priority });
      }
      expect(queue.size).toBe(kept.length);
      const sorted = kept.toSorted((one, other) => other.priority - one.priority || one.at - other.at);
      expect(drained(queue)).toEqual(sorted.map(({ at }) => at));
    }),
  );
});
