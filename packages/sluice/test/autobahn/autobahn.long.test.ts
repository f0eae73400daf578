/** Groups 9, 12 and 13 of the Autobahn testsuite with messages of full size; of the 1,000 messages of a compressed case, 40. */
import { describe, test } from "vitest";
import { DEFLATE_CASES, FRAMES_CASES } from "./case-list.js";
import { runDeflate } from "./run-deflate.js";
import { runFrames } from "./run-frames.js";

const EXTENT = { rounds: 40, maxSize: Number.POSITIVE_INFINITY };

describe.each(["server", "client"] as const)("the Autobahn testsuite in full size, as a %s", (role) => {
  const large = FRAMES_CASES.filter(({ id }) => id.startsWith("9."));
  test.each(large.map((one) => [one.id, one.what, one] as const))("%s: %s", async (_id, _what, one) => {
    await runFrames(one, role, 1);
  });

  test.each(DEFLATE_CASES.map((one) => [one.id, one.what, one] as const))("%s: %s", async (_id, _what, one) => {
    await runDeflate(one, role, EXTENT);
  });
});
