import { expect, test } from "vitest";
import { pacedLatencies } from "../src/load/paced-latencies.js";

/** A connection that answers after `ms`. */
function lane(ms: number): { start(asking: false): Promise<void> } {
  return { start: () => new Promise((resolve) => setTimeout(resolve, ms)) };
}

test("counts what was asked for after the lead-in, at the rate, and no more", async () => {
  const lanes = Array.from({ length: 10 }, () => lane(1));
  const { count, p50, p99 } = await pacedLatencies(lanes, { rate: 500, leadIn: 20, milliseconds: 100 });
  expect(count).toBe(50);
  expect(p99).toBeGreaterThanOrEqual(p50);
});

test("requests that wait for a connection are charged for the wait", async () => {
  // 20 fall due within 20 ms; one connection needs 10 ms for each.
  const { p99 } = await pacedLatencies([lane(10)], { rate: 1_000, leadIn: 0, milliseconds: 20 });
  expect(p99).toBeGreaterThan(100);
});

test("a connection that fails ends it", async () => {
  const broken = { start: () => Promise.reject(new Error("gone")) };
  await expect(pacedLatencies([broken], { rate: 100, leadIn: 0, milliseconds: 50 })).rejects.toThrow("gone");
});
