import { expect, test } from "vitest";
import { mapConcurrent } from "../../src/concurrency/map-concurrent.js";

function* countTo(count: number): Generator<number> {
  for (let number = 1; number <= count; number += 1) yield number;
}

test("mapConcurrent: ten million inputs pass through in constant memory", { timeout: 300_000 }, async () => {
  let count = 0;
  let mostHeapBytes = 0;
  const heapBytesBefore = process.memoryUsage().heapUsed;
  for await (const { error } of mapConcurrent(countTo(10_000_000), async (input) => input, { concurrency: 50 })) {
    if (error !== undefined) throw error;
    count += 1;
    if (count % 100_000 === 0) mostHeapBytes = Math.max(mostHeapBytes, process.memoryUsage().heapUsed);
  }
  expect(count).toBe(10_000_000);
  expect(mostHeapBytes - heapBytesBefore).toBeLessThan(100_000_000);
});
