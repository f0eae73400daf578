/** Runs a soak in a process of its own, on `dist`. In CI its seed is always the same, as that of the fuzz targets is. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What stands on the last line that a soak prints. */
export interface Verdict {
  readonly ok: boolean;
  readonly problems: readonly string[];
}

const IN_CI = process.env["CI"] === "true";
export const SEED = process.env["SOAK_SEED"] ?? (IN_CI ? "9110" : String(Math.floor(Math.random() * 2 ** 31)));

/** Runs `program`, a file of this folder, shows what it prints, and gives its verdict. */
export async function soaked(program: string, ...args: readonly string[]): Promise<Verdict> {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, ["--expose-gc", file, "--seed", SEED, ...args], {
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
