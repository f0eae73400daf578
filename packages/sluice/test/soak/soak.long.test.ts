/**
 * 200,000 requests with random aborts, resets and time-outs leave nothing behind. The work is in `soak-program.mjs`, in a process of
 * its own, on `dist`. SOAK_SEED repeats a run, SOAK_REQUESTS shortens it.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { SEED, soaked } from "./soaked.js";

const PROGRAM = "soak-program.mjs";
const BUILT = fileURLToPath(new URL("../../dist/index.js", import.meta.url));
const REQUESTS = process.env["SOAK_REQUESTS"] ?? "200000";
/** Enough for a planted leak to show. */
const FEW_REQUESTS = "3000";

test("the package is built", () => {
  expect(existsSync(BUILT), `${BUILT}: run npm run build`).toBe(true);
});

test(`${REQUESTS} requests leave memory, descriptors, listeners and timers as they were (seed ${SEED})`, async () => {
  expect((await soaked(PROGRAM, "--requests", REQUESTS)).problems).toEqual([]);
});

describe("a leak is found", () => {
  test.each([
    ["responses", /^heap: /],
    ["listeners", /^listeners: 3000 on the shared signal/],
    ["deadlines", /^deadlines: 1 in the timer wheel/],
    ["sockets", /^descriptors: /],
  ])("%s that are kept", async (leak, finding) => {
    const { ok, problems } = await soaked(PROGRAM, "--requests", FEW_REQUESTS, "--leak", leak);
    expect(ok).toBe(false);
    expect(problems).toContainEqual(expect.stringMatching(finding));
  });
});
