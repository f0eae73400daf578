/**
 * Runs the fuzz targets of the folder `fuzz`, two at a time, each in a process of its own with little memory, on `dist`. FUZZ_SECONDS
 * says how long each (30 in CI, else 3). In CI the seed is always the same: what fails there has to fail for whoever looks into it, and
 * a change is to be judged by what it changes. New inputs are found with fresh seeds, which is what happens elsewhere (FUZZ_SEED
 * repeats a run); what they find is stored in `fuzz/failures` and replayed by every run.
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Semaphore } from "../../src/concurrency/semaphore.js";

const FOLDER = fileURLToPath(new URL("../../../../fuzz/", import.meta.url));
const IN_CI = process.env["CI"] === "true";
const SECONDS = process.env["FUZZ_SECONDS"] ?? (IN_CI ? "30" : "3");
const SEED = process.env["FUZZ_SEED"] ?? (IN_CI ? "9110" : String(Math.floor(Math.random() * 2 ** 31)));
const TARGETS = readdirSync(`${FOLDER}targets`).map((file) => file.replace(".mjs", ""));
/** Far more than they need: a leak or an unbounded buffer is to hit it. */
const MEMORY = "--max-old-space-size=400";

const slots = new Semaphore(2);

function ran(
  target: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly printed: string }> {
  const child = spawn(process.execPath, ["--expose-gc", MEMORY, `${FOLDER}run.mjs`, target, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "" },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => {
      printed += bytes.toString();
    });
  }
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, printed })));
}

test.concurrent.each(TARGETS)(`%s stands ${SECONDS} s of mutations`, async (target) => {
  const permit = await slots.acquire();
  const { code, printed } = await ran(target, ["--seconds", SECONDS, "--seed", SEED]).finally(() => permit.release());
  console.log(printed.split("\n").slice(0, -2).join("\n"));
  expect(code, printed).toBe(0);
  expect(JSON.parse(printed.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({ ok: true, name: target });
});
