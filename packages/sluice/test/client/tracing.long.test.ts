/** What tracing costs while nobody listens: one look at each channel, and no memory. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { anyoneListens } from "../../src/client/tracing.js";

const CALLS = 1_000_000;

test("asking whether anybody listens allocates nothing, and is over in less than a microsecond", () => {
  let heard = 0;
  const ask = () => {
    for (let call = 0; call < CALLS; call += 1) if (anyoneListens()) heard += 1;
  };
  ask();
  globalThis.gc?.();
  const [memory, time] = [process.memoryUsage().heapUsed, performance.now()];
  ask();
  const [grown, elapsed] = [process.memoryUsage().heapUsed - memory, performance.now() - time];
  expect(heard).toBe(0);
  // A single number for each call would be 16 MB.
  expect(grown).toBeLessThan(1_000_000);
  expect((elapsed * 1_000) / CALLS).toBeLessThan(1);
  const listener = () => undefined;
  subscribe("sluice:client:requestEnd", listener);
  expect(anyoneListens()).toBe(true);
  unsubscribe("sluice:client:requestEnd", listener);
  expect(anyoneListens()).toBe(false);
});
