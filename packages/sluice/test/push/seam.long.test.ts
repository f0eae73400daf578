/** The seam between history and now, under every order of events that chance finds. Failures name their seed. */

import fc from "fast-check";
import { describe, it } from "vitest";
import { expectComplete, live } from "./seam-schedules.js";

describe("the seam, for long", () => {
  const runs = { numRuns: 150, endOnFailure: true };

  it("with a bus that is only slow: nobody ever loses a message or gets one twice, however they come and go", {
    timeout: 300_000,
  }, async () => {
    const schedule = fc.asyncProperty(fc.nat(2 ** 31), fc.nat(6), async (seed, turns) => {
      await expectComplete(await live(seed, { turns, fail: 0, lose: 0, double: 0 }, 100_000, 120), "none");
    });
    await fc.assert(schedule, runs);
  });

  it("with deliveries late, doubled, out of order and lost: still nothing", { timeout: 300_000 }, async () => {
    const schedule = fc.asyncProperty(fc.nat(2 ** 31), fc.nat(6), async (seed, turns) => {
      await expectComplete(await live(seed, { turns, fail: 0, lose: 0.3, double: 0.3 }, 100_000, 120), "none");
    });
    await fc.assert(schedule, runs);
  });

  it("with a history too short for those who are away: what they miss is told as a gap, and nothing comes twice", {
    timeout: 300_000,
  }, async () => {
    const schedule = fc.asyncProperty(fc.nat(2 ** 31), fc.nat(3), async (seed, history) => {
      await expectComplete(await live(seed, { turns: 3, fail: 0, lose: 0.1, double: 0.1 }, history, 120), "told");
    });
    await fc.assert(schedule, runs);
  });

  it("with a bus whose calls fail and whose subscriptions break: nothing is lost once it is back", {
    timeout: 300_000,
  }, async () => {
    const schedule = fc.asyncProperty(fc.nat(2 ** 31), async (seed) => {
      await expectComplete(await live(seed, { turns: 2, fail: 0.15, lose: 0.2, double: 0.1 }, 100_000, 100), "none");
    });
    await fc.assert(schedule, { ...runs, numRuns: 25 });
  });
});
