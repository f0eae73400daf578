/** The smaller checks of `npm run ok`, and the sums of .ci/run. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { total } from "../count.mjs";
import { whyNotInstalled } from "../lib/install.mjs";
import { rowsIn, whatIsWrong } from "../ok/compared.mjs";
import { GROUPS, whatIsLeftOut, whatIsMissing, whatIsTolerated } from "../ok/conformance.mjs";
import { limitsIn, notListed } from "../ok/limits.mjs";
import { checkLock, outOfStep } from "../ok/lockfile.mjs";
import { problemsIn } from "../ok/reference.mjs";
import { checkText } from "../ok/texts.mjs";
import { tallyOf, unlistedSkips } from "../vitest/tally.mjs";

describe("the lockfile check", () => {
  const entry = { version: "1.0.0", integrity: "sha512-x", license: "MIT", engines: { node: ">=16" } };
  const problemsOf = (changes) => checkLock({ packages: { "": {}, "node_modules/a": { ...entry, ...changes } } });

  test("accepts an entry without address, and a link to a workspace", () => {
    expect(problemsOf({})).toEqual([]);
    expect(problemsOf({ resolved: "packages/a", link: true, integrity: undefined })).toEqual([]);
  });

  test.each([
    ["a download address", { resolved: "https://registry.example/a.tgz" }, /download address/],
    ["a missing checksum", { integrity: undefined }, /no checksum/],
    ["a newer Node than ours", { engines: { node: ">=22.12" } }, /needs Node >=22.12/],
    ["a Node of our major line, but a later one", { engines: { node: "^20.19.1 || >=22" } }, /needs Node/],
    ["a licence that asks for more", { license: "GPL-3.0" }, /licence is GPL-3.0/],
  ])("finds %s", (_, changes, expected) => {
    expect(problemsOf(changes).join("\n")).toMatch(expected);
  });

  test("finds a manifest that asks for something else than its entry", () => {
    const manifest = { dependencies: { b: "^1.0.0", a: "1.0.0" }, scripts: { x: "y" } };

    expect(outOfStep("", manifest, { dependencies: { a: "1.0.0", b: "^1.0.0" } })).toEqual([]);
    expect(outOfStep("bench", manifest, { dependencies: { a: "1.0.0" } })[0]).toMatch(/^bench\/package\.json and/);
    expect(outOfStep("bench", manifest, undefined)).toHaveLength(1);
  });

  test("asks for no licence of what only developers install", () => {
    expect(problemsOf({ license: "GPL-3.0", dev: true })).toEqual([]);
  });
});

describe("the check of conformance", () => {
  const all = Object.entries(GROUPS).flatMap(([group, count]) =>
    Array.from({ length: count }, (_, index) => ({ id: `${group}.${index + 1}`, expect: [], close: 1000 })),
  );

  test("knows the 517 cases of the testsuite, and finds one that is missing, unknown or there twice", () => {
    expect(all).toHaveLength(517);
    expect(whatIsMissing(all)).toEqual([]);
    expect(whatIsMissing(all.filter(({ id }) => id !== "1.1.1")).join()).toMatch(/case 1\.1\.1 is missing/);
    expect(whatIsMissing([...all, { id: "9.9.1" }]).join()).toMatch(/no case 9\.9\.1/);
    expect(whatIsMissing([...all, { id: "1.1.4" }]).join()).toMatch(/case 1\.1\.4 is there twice/);
  });

  test("finds a case that accepts more than one outcome without a reason", () => {
    expect(whatIsTolerated(all)).toEqual([]);
    expect(whatIsTolerated([{ id: "1.1.1", expect: null, close: 1000 }])).toHaveLength(1);
    expect(whatIsTolerated([{ id: "1.1.1", expect: [], close: [1000, 1002] }])).toHaveLength(1);
    expect(whatIsTolerated([{ id: "1.1.1", expect: [], close: 1000, informational: "non-strict" }])).toHaveLength(1);
    const reason = "The testsuite leaves this open, because the RFC says nothing about it.";
    expect(whatIsTolerated([{ id: "1.1.1", expect: null, close: 1000, informational: reason }])).toEqual([]);
  });

  test("finds tests that leave cases out, or a role", () => {
    const whole =
      'describe.each(["server", "client"] as const)("the Autobahn testsuite"; test.each( FRAMES_CASES DEFLATE_CASES';
    expect(whatIsLeftOut("a", whole)).toEqual([]);
    expect(whatIsLeftOut("a", whole.replace('"server", ', ""))).toHaveLength(1);
    expect(whatIsLeftOut("a", `${whole} test.skip(`)).toHaveLength(1);
  });
});

describe("the check of texts", () => {
  const home = ["", "ho" + "me", "somebody", "project"].join("/");

  test.each([
    ["a path of somebody's machine", "a.ts", `const a = "${home}";`, /path of some machine/],
    ["a foreign host in a document", "a.md", "See https://registry.acme.dev/x", /registry\.acme\.dev/],
    ["CR line ends", "a.ts", "a\r\nb", /CR line ends/],
    ["space at the end of a line", "a.md", "a \nb", /space at the end/],
  ])("finds %s", (_, path, text, expected) => {
    expect(checkText(path, text).join("\n")).toMatch(expected);
  });

  test.each([
    [
      "reserved names and loopback",
      "a.md",
      "http://example.com/x http://api.example.org http://127.0.0.1:80/ http://[::1]/",
    ],
    ["the standards' own pages", "a.md", "https://www.rfc-editor.org/rfc/rfc9112"],
    ["any host in a source file", "a.ts", 'get("http://whatever.dev/");'],
    ["a route that only looks like a path", "a.ts", 'app.get("/rooted/:id"); get("http://example.com/home");'],
  ])("lets %s be", (_, path, text) => {
    expect(checkText(path, text)).toEqual([]);
  });
});

test("the limits check finds each limit that SECURITY.md does not name", () => {
  const limits = limitsIn(
    "a.ts",
    "export interface HeadLimits { readonly maxA?: number; maxB: number } interface Other { maxC: number }",
  );

  expect(limits.map(({ name }) => name)).toEqual(["maxA", "maxB"]);
  expect(notListed(limits, "| `limits.maxA` | 1 |")).toEqual(["a.ts:1: maxB is not in SECURITY.md"]);
});

describe("the check of the install", () => {
  let root;
  const entry = { version: "1.0.0", integrity: "sha512-x" };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "sluice-install-"));
    write("package-lock.json", {
      packages: { "": {}, "node_modules/a": entry, "node_modules/b": { ...entry, optional: true } },
    });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(path, value) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), JSON.stringify(value));
  }

  test("is content when every package is there, optional ones of other platforms apart", () => {
    write("node_modules/a/package.json", {});
    write("node_modules/.package-lock.json", { packages: { "node_modules/a": entry } });

    expect(whyNotInstalled(root)).toBeUndefined();
  });

  test("says what is missing: the folder, npm's last word, a package, its version, its files", () => {
    expect(whyNotInstalled(root)).toMatch(/node_modules is missing/);
    write("node_modules/a/package.json", {});
    expect(whyNotInstalled(root)).toMatch(/did not finish/);
    write("node_modules/.package-lock.json", { packages: {} });
    expect(whyNotInstalled(root)).toMatch(/node_modules\/a is missing/);
    write("node_modules/.package-lock.json", { packages: { "node_modules/a": { ...entry, version: "0.9.0" } } });
    expect(whyNotInstalled(root)).toMatch(/is 0\.9\.0, the lockfile has 1\.0\.0/);
    write("node_modules/.package-lock.json", { packages: { "node_modules/a": entry } });
    rmSync(join(root, "node_modules/a/package.json"));
    expect(whyNotInstalled(root)).toMatch(/is empty/);
  });

  test("takes a torn record for an install that did not finish", () => {
    write("node_modules/a/package.json", {});
    writeFileSync(join(root, "node_modules/.package-lock.json"), '{"packages": {');

    expect(whyNotInstalled(root)).toMatch(/cannot be read/);
  });
});

describe("the tally of a test run", () => {
  const outcome = (fullName, state) => ({ fullName, result: () => ({ state }) });
  const moduleOf = (state, ...tests) => ({
    moduleId: new URL("../../x.test.ts", import.meta.url).pathname,
    state: () => state,
    children: { allTests: () => tests },
  });

  test("counts tests, files that could not be loaded, and errors outside any test", () => {
    const modules = [
      moduleOf("failed", outcome("a > b", "passed"), outcome("a > c", "failed"), outcome("a > d", "skipped")),
      moduleOf("failed"),
    ];

    expect(tallyOf(modules, 1)).toEqual({ passed: 1, failed: 3, skipped: ["x.test.ts > a > d"] });
  });

  test("knows the skips that have a reason, by name or by beginning", () => {
    const reasons = { "x.test.ts > a > d": "why", "y.test.ts > *": "why" };

    expect(unlistedSkips(["x.test.ts > a > d", "y.test.ts > z", "x.test.ts > a"], reasons)).toEqual(["x.test.ts > a"]);
  });
});

test("the sums of a whole run: stages that count, stages that don't, stages that failed without a failed test", () => {
  const tallies = {
    test: { passed: 10, failed: 0, skipped: ["s"] },
    ok: { passed: 3, failed: 2, skipped: [] },
    long: { passed: 5, failed: 0, skipped: [] },
  };
  const stages = [
    { name: "test", code: 0 },
    { name: "ok", code: 1 },
    { name: "long", code: 124 },
    { name: "demo", code: 0 },
    { name: "bench", code: 1 },
  ];

  expect(total(stages, (name) => tallies[name])).toEqual({ passed: 19, failed: 4, skipped: ["s"] });
});

describe("the reference check", () => {
  test("finds warnings and errors, coloured or not, and leaves their sum out", () => {
    const output =
      "\u001b[93m[warning]\u001b[0m A is not exported\n[info] made\n[error] B is broken\n[warning] Found 1 errors and 1 warnings";
    expect(problemsIn(output)).toEqual(["A is not exported", "B is broken"]);
  });
});

describe("the check of the comparing tables", () => {
  const table = (sluice, shownBy) =>
    [
      "Words",
      "| Feature | aiohttp | Sluice | Shown by |",
      "|---|:-:|---|---|",
      `| pool \\| limit | yes | ${sluice} | ${shownBy} |`,
      "",
    ].join("\n");
  const problemsOf = (sluice, shownBy) => {
    const rows = rowsIn("docs/compared-client.md", table(sluice, shownBy));
    expect(rows).toHaveLength(1);
    return whatIsWrong(
      rows[0],
      (file) => (file === "client/pool.test.ts" ? 'test("waits in order"' : undefined),
      (path) => path === "decisions/0009-x.md",
    ).join("\n");
  };

  test.each([
    ["have: `limit`", "`client/pool.test.ts › waits in order`"],
    ["otherwise: give one", "[decision 9](../decisions/0009-x.md#why)"],
    ["later", ""],
  ])("accepts %s shown by %s", (sluice, shownBy) => {
    expect(problemsOf(sluice, shownBy)).toBe("");
  });

  test.each([
    ["", "", /begins with nothing/],
    ["maybe", "", /begins with maybe/],
    ["have", "somebody says so", /names no test/],
    ["have", "`client/none.test.ts › waits in order`", /there is no client\/none/],
    ["have", "`client/pool.test.ts › waits in order` `client/pool.test.ts › flies`", /has no test "flies"/],
    ["otherwise", "because", /links to no decision/],
    ["otherwise", "[why](../decisions/0010-y.md)", /0010-y.md is not there/],
  ])("refuses %s shown by %s", (sluice, shownBy, expected) => {
    expect(problemsOf(sluice, shownBy)).toMatch(expected);
  });
});
