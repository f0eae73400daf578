/** Runs other programs and keeps what they print. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./root.mjs";

/**
 * @param {string} file program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, shell?: boolean, timeout?: number }} options `timeout` in milliseconds
 * @returns {{ ok: boolean, output: string, stdout: string }} `output` has both streams, without space at the ends
 */
export function run(file, args, options = {}) {
  const ended = spawnSync(file, args, {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
    timeout: 300_000,
    ...options,
  });
  const output = `${ended.stdout ?? ""}${ended.stderr ?? ""}${ended.error === undefined ? "" : `\n${ended.error.message}`}`;
  return { ok: ended.status === 0, output: output.trim(), stdout: ended.stdout ?? "" };
}

/** Runs a JavaScript file on this Node; a relative path is one of the project's. */
export function runNode(file, args = [], options = {}) {
  return run(process.execPath, [join(ROOT, file), ...args], options);
}

/** The lines of a tool's output that say something. */
export function lines(output) {
  return output.split("\n").filter((line) => line.trim() !== "");
}
