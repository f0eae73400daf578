/**
 * Every request of `cases.ts` is asked of Debian's `python3-httpbin` and of ours, and the answers are compared. They differ in what
 * `differences.ts` lists, with its reason, and in nothing else.
 */

import type { Server } from "sluice/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHttpbin } from "../src/index.js";
import { ask } from "./ask.js";
import { CASES, type Case } from "./difference/cases.js";
import { differingAspects } from "./difference/compare.js";
import { DIFFERENCES } from "./difference/differences.js";
import { findInterpreter, type PythonHttpbin, startPythonHttpbin } from "./difference/python-httpbin.js";

const ANSWER = "answer";
const interpreter = findInterpreter();
const inCi = process.env["CI"] === "true";

test("the table of differences is about cases that exist, each listed once for an aspect", () => {
  const names = new Set(CASES.map(({ name }) => name));
  expect(names.size).toBe(CASES.length);
  const listed = DIFFERENCES.flatMap(({ cases, aspects }) =>
    cases.flatMap((name) => aspects.map((aspect) => `${name}: ${aspect}`)),
  );
  expect(new Set(listed).size).toBe(listed.length);
  const unknown = DIFFERENCES.flatMap(({ cases }) => cases).filter((name) => !names.has(name));
  expect(unknown).toEqual([]);
  expect(DIFFERENCES.filter(({ why }) => why === "")).toEqual([]);
});

test("python3-httpbin is there where CI runs", () => {
  expect(interpreter ?? (inCi ? "missing: apt-get install python3-httpbin" : "")).not.toMatch(/^missing/);
});

// Without Debian's package there is nothing to compare with.
describe.skipIf(interpreter === undefined)("compared with python3-httpbin", () => {
  let ours: Server;
  let theirs: PythonHttpbin;

  beforeAll(async () => {
    ours = await startHttpbin();
    theirs = await startPythonHttpbin(interpreter ?? "");
  });

  afterAll(async () => {
    await theirs?.stop();
    await ours?.close();
  });

  for (const each of CASES) {
    test(each.name, async () => {
      const found = differingAspects(
        each,
        [ours.url, await ask(ours.url, asAPage(each))],
        [theirs.url, await ask(theirs.url, asAPage(each))],
      );
      const listed = listedAspects(each);
      if (!listed.includes(ANSWER)) expect(found).toEqual(listed);
      // Another answer altogether: that its status differs is what is listed.
      else expect(found).toContain("status");
    });
  }
});

/** Asked from another origin unless the case says otherwise: so all answers say who may read them. */
function asAPage(asked: Case): Case {
  return { ...asked, headers: { Origin: "http://example.com", ...asked.headers } };
}

function listedAspects({ name }: Case): string[] {
  return DIFFERENCES.filter(({ cases }) => cases.includes(name))
    .flatMap(({ aspects }) => aspects)
    .sort();
}
