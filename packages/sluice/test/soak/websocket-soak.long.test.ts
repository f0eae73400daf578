/**
 * 50,000 sockets opened, talked through and ended in every way, mostly bad, leave nothing behind. The work is in
 * `websocket-soak-program.mjs`, in a process of its own, on `dist`. SOAK_SEED repeats a run, SOAK_SOCKETS shortens it.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { SEED, soaked } from "./soaked.js";

const PROGRAM = "websocket-soak-program.mjs";
const BUILT = fileURLToPath(new URL("../../dist/server.js", import.meta.url));
const SOCKETS = process.env["SOAK_SOCKETS"] ?? "50000";
/** Enough for a planted leak to show. */
const FEW_SOCKETS = "2000";

test("the package is built", () => {
  expect(existsSync(BUILT), `${BUILT}: run npm run build`).toBe(true);
});

test(`${SOCKETS} sockets leave memory, descriptors and timers as they were (seed ${SEED})`, async () => {
  expect((await soaked(PROGRAM, "--sockets", SOCKETS)).problems).toEqual([]);
});

describe("a leak is found", () => {
  test.each([
    ["connections", /^heap: /],
    ["deadlines", /^deadlines: 1 in the timer wheel/],
    ["handlers", /^connections: 1 open/],
    ["sockets", /^descriptors: /],
  ])("%s that are kept", async (leak, finding) => {
    const { ok, problems } = await soaked(PROGRAM, "--sockets", FEW_SOCKETS, "--leak", leak);
    expect(ok).toBe(false);
    expect(problems).toContainEqual(expect.stringMatching(finding));
  });
});
