/**
 * The cases of the Autobahn testsuite, in both roles: `fixtures/cases.json`, docs/websocket-conformance.md. Sizes and rounds of group 9 are
 * a hundredth here, and a case of groups 12 and 13 has 2 messages of 17,000 bytes at the most; `autobahn.long.test.ts` has full sizes.
 */
import { describe, expect, test } from "vitest";
import { DEFLATE_CASES, FRAMES_CASES } from "./case-list.js";
import { runDeflate } from "./run-deflate.js";
import { runFrames } from "./run-frames.js";

const SCALE = 100;
/** More than is inflated and deflated at once, so that threads have their part. */
const EXTENT = { rounds: 2, maxSize: 17_000 };

describe.each(["server", "client"] as const)("the Autobahn testsuite, as a %s", (role) => {
  test.each(FRAMES_CASES.map((one) => [one.id, one.what, one] as const))("%s: %s", async (_id, _what, one) => {
    await runFrames(one, role, SCALE);
  });

  test.each(DEFLATE_CASES.map((one) => [one.id, one.what, one] as const))("%s: %s", async (_id, _what, one) => {
    await runDeflate(one, role, EXTENT);
  });
});

test("an echo that is wrong is found: the runner fails for a case that expects something else", async () => {
  const [first] = FRAMES_CASES;
  if (first === undefined) throw new Error("There are no cases");
  await expect(runFrames({ ...first, expect: [{ text: "other" }] }, "server", SCALE)).rejects.toThrow();
  await expect(runFrames({ ...first, close: 1002 }, "server", SCALE)).rejects.toThrow();
  const refused = FRAMES_CASES.find(({ id }) => id === "3.1");
  if (refused === undefined) throw new Error("There is no case 3.1");
  await expect(runFrames({ ...refused, close: 1007 }, "client", SCALE)).rejects.toThrow();
});
