/**
 * 50,000 sockets opened, talked through and ended in every way, mostly bad, leave nothing behind. The work is in
 * `websocket-soak-program.mjs`, in a process of its own, on `dist`. SOAK_SEED repeats a run, SOAK_SOCKETS shortens it.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

interface Verdict {
  readonly ok: boolean;
  readonly problems: readonly string[];
}

const PROGRAM = fileURLToPath(new URL("./websocket-soak-program.mjs", import.meta.url));
const BUILT = fileURLToPath(new URL("../../dist/server.js", import.meta.url));
const SOCKETS = process.env["SOAK_SOCKETS"] ?? "50000";
const SEED = process.env["SOAK_SEED"] ?? String(Math.floor(Math.random() * 2 ** 31));
/** Enough for a planted leak to show. */
const FEW_SOCKETS = "2000";

/** Runs the program, shows what it prints, and gives the verdict on its last line. */
async function soaked(...args: readonly string[]): Promise<Verdict> {
  const child = spawn(process.execPath, ["--expose-gc", PROGRAM, "--seed", SEED, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "" },
  });
  let printed = "";
  let complained = "";
  child.stdout.on("data", (bytes: Buffer) => {
    printed += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    complained += bytes.toString();
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  const lines = printed.trimEnd().split("\n");
  const last = lines.pop() ?? "";
  console.log(lines.join("\n"));
  if (!last.startsWith("{")) throw new Error(`The soak ended with ${code} and no verdict: ${last} ${complained}`);
  return JSON.parse(last) as Verdict;
}

test("the package is built", () => {
  expect(existsSync(BUILT), `${BUILT}: run npm run build`).toBe(true);
});

test(`${SOCKETS} sockets leave memory, descriptors and timers as they were (seed ${SEED})`, async () => {
  expect((await soaked("--sockets", SOCKETS)).problems).toEqual([]);
});

describe("a leak is found", () => {
  test.each([
    ["connections", /^heap: /],
    ["deadlines", /^deadlines: 1 in the timer wheel/],
    ["handlers", /^connections: 1 open/],
    ["sockets", /^descriptors: /],
  ])("%s that are kept", async (leak, finding) => {
    const { ok, problems } = await soaked("--sockets", FEW_SOCKETS, "--leak", leak);
    expect(ok).toBe(false);
    expect(problems).toContainEqual(expect.stringMatching(finding));
  });
});
