/**
 * The cases of the Autobahn testsuite, in both roles: `fixtures/cases.json`, docs/websocket-conformance.md. Sizes and rounds of group 9 are
 * a hundredth here, and a case of groups 12 and 13 has 2 messages of 17,000 bytes at the most; `autobahn.long.test.ts` has full sizes.
 */
import { describe, expect, test } from "vitest";
import { DEFLATE_CASES, type DeflateCase, FRAMES_CASES } from "./case-list.js";
import { runDeflate } from "./run-deflate.js";
import { inOnePacket, runFrames } from "./run-frames.js";

const SCALE = 100;
/** More than is inflated and deflated at once, so that threads have their part. */
const EXTENT = { rounds: 2, maxSize: 17_000 };

/** "12.1" and its cases. */
function subgroupsOf(cases: readonly DeflateCase[]): Map<string, DeflateCase[]> {
  const subgroups = new Map<string, DeflateCase[]>();
  for (const one of cases) {
    const name = one.id.replace(/\.\d+$/, "");
    subgroups.set(name, [...(subgroups.get(name) ?? []), one]);
  }
  return subgroups;
}

/** Says which case it was. */
function blame(one: { readonly id: string; readonly what: string }): (error: unknown) => never {
  return (error) => {
    throw new Error(`Case ${one.id}: ${one.what}`, { cause: error });
  };
}

describe.each(["server", "client"] as const)("the Autobahn testsuite, as a %s", (role) => {
  test.each(FRAMES_CASES.map((one) => [one.id, one.what, one] as const))("%s: %s", async (_id, _what, one) => {
    await runFrames(one, role, SCALE);
  });

  // A test for each data or set of parameters, which stands for 18 cases: their sizes.
  test.each([...subgroupsOf(DEFLATE_CASES)])("%s", async (_subgroup, cases) => {
    for (const one of cases) await runDeflate(one, role, EXTENT).catch(blame(one));
  });
});

describe("what the network delivers in one packet ends no otherwise: what comes before a fault is answered before it", () => {
  const joined = FRAMES_CASES.filter(({ id, failsBy }) => /^[2-7]/.test(id) && failsBy === undefined).map(inOnePacket);
  test.each(["server", "client"] as const)("as a %s", async (role) => {
    for (const one of joined) await runFrames(one, role, SCALE).catch(blame(one));
  });

  test("and the answer to a message leaves before that to the close frame behind it", async () => {
    const closed = { op: 8, close: 1000 };
    const one = {
      id: "",
      what: "",
      send: [{ op: 1, text: "hello" }, closed],
      expect: [{ text: "hello" }],
      close: 1000,
      ends: true,
    };
    await runFrames(inOnePacket(one), "server", SCALE);
    await runFrames(inOnePacket(one), "client", SCALE);
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
