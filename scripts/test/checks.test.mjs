/** The smaller checks of `npm run ok`, and the sums of .ci/run. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { failuresOf, total } from "../count.mjs";
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
  const outcome = (fullName, state, ...messages) => ({
    fullName,
    result: () => ({ state, errors: messages.map((message) => ({ message })) }),
  });
  const moduleOf = (state, tests = [], { suites = [], errors = [] } = {}) => ({
    moduleId: new URL("../../x.test.ts", import.meta.url).pathname,
    state: () => state,
    errors: () => errors,
    children: { allTests: () => tests, allSuites: () => suites },
  });

  test("counts tests, files that could not be loaded, hooks that failed, and errors outside any test", () => {
    const modules = [
      moduleOf("failed", [
        outcome("a > b", "passed"),
        outcome("a > c", "failed", "\nexpected 1 to be 2\n\n- 2\n+ 1", "and another"),
        outcome("a > d", "skipped"),
        outcome("a > e", "failed"),
      ]),
      moduleOf("failed", [], { errors: [{ message: "Cannot find module y\nRequired by x" }] }),
      moduleOf("failed", [], { suites: [{ fullName: "f", errors: () => [{ message: "Hook timed out" }] }] }),
      moduleOf("failed"),
    ];

    const path = new URL("../../y.test.ts", import.meta.url).pathname;
    const unhandled = [{ message: "nobody caught this", VITEST_TEST_PATH: path, VITEST_TEST_NAME: "g" }, {}];

    expect(tallyOf(modules, unhandled)).toEqual({
      passed: 1,
      failed: 7,
      skipped: ["x.test.ts > a > d"],
      failures: [
        "x.test.ts > a > c: expected 1 to be 2",
        "x.test.ts > a > e: no message",
        "x.test.ts: Cannot find module y",
        "x.test.ts > f: Hook timed out",
        "x.test.ts: failed",
        "outside any test (during y.test.ts > g): nobody caught this",
        "outside any test: no message",
      ],
    });
  });

  test("knows the skips that have a reason, by name or by beginning", () => {
    const reasons = { "x.test.ts > a > d": "why", "y.test.ts > *": "why" };

    expect(unlistedSkips(["x.test.ts > a > d", "y.test.ts > z", "x.test.ts > a"], reasons)).toEqual(["x.test.ts > a"]);
  });
});

describe("the sums of a whole run", () => {
  const tallies = {
    test: { passed: 10, failed: 0, skipped: ["s"] },
    ok: { passed: 3, failed: 2, skipped: [], failures: ["types: a.ts(1,2): no", "layers: b.ts imports c.ts"] },
    long: { passed: 5, failed: 0, skipped: [], failures: [], running: ["x.long.test.ts"] },
  };
  const stages = [
    { name: "test", code: 0 },
    { name: "ok", code: 1 },
    { name: "long", code: 124 },
    { name: "demo", code: 0 },
    { name: "bench", code: 1 },
  ];
  const tallyFor = (name) => tallies[name];

  test("have stages that count, stages that don't, and stages that failed without a failed test", () => {
    expect(total(stages, tallyFor)).toEqual({ passed: 19, failed: 4, skipped: ["s"] });
  });

  test("have a line for each failure: its stage, its name, and how it begins", () => {
    expect(failuresOf(stages, tallyFor)).toEqual([
      "ok: types: a.ts(1,2): no",
      "ok: layers: b.ts imports c.ts",
      "long: stopped when its time was over in x.long.test.ts",
      "bench: ended with 1",
    ]);
  });

  test("do not drown in failures of one stage, nor in one failure", () => {
    const failures = Array.from({ length: 1_000 }, (_, at) => `f${at}: ${"x".repeat(5_000)}`);
    const lines = failuresOf([{ name: "test", code: 1 }], () => ({ failures }));

    expect(lines).toHaveLength(41);
    expect(lines.at(-1)).toBe("test: and 960 more");
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(420);
  });

  test("are printed with the failures just before how the stages ended, and the sum in the last line", () => {
    const root = mkdtempSync(join(tmpdir(), "sluice-count-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    mkdirSync(join(root, "tally"));
    writeFileSync(join(root, "stages.tsv"), "test\t1\t12\ndemo\t0\t3\n");
    const tally = { passed: 4, failed: 1, skipped: ["s"], failures: ["x.test.ts > a: expected 1 to be 2"] };
    writeFileSync(join(root, "tally/test.json"), JSON.stringify(tally));
    const program = new URL("../count.mjs", import.meta.url).pathname;
    const { status, stdout } = spawnSync(process.execPath, [program, join(root, "stages.tsv"), join(root, "tally")]);

    expect(status).toBe(1);
    expect(String(stdout).trimEnd().split("\n")).toEqual([
      "skipped: s",
      "failed: test: x.test.ts > a: expected 1 to be 2",
      expect.stringMatching(/^FAIL test +12 s$/),
      expect.stringMatching(/^ok {3}demo +3 s$/),
      "5 passed, 1 failed, 1 skipped",
    ]);
  });
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
