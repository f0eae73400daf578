/**
 * The tour: the examples in a row, each in a process of its own (so that its memory and its event loop are its own), against
 * one httpbin. Ends with exit code 1 if anything that an example claims is not so.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { bold, dim, green, red } from "../support/colours.js";
import { startPracticeServer } from "../support/practice-server.js";
import { seconds, since } from "../support/run-example.js";

const EXAMPLES = [
  "side-by-side",
  "fetch-in-sdks",
  "thousand-urls",
  "mixed-batch",
  "big-download",
  "timeout-and-retry",
  "throttling",
  "adaptive-throttle",
  "caching",
  "hashing-workers",
  "login",
  "follow-events",
  "pages",
  "upload-with-progress",
  "backup",
  "tracing",
  "notes",
  "file-share",
  "product-page",
  "reverse-proxy",
  "shared-board",
  "mirror",
  "mocked",
];

async function main(): Promise<number> {
  const start = performance.now();
  await using server = await startPracticeServer();
  console.log(dim(`Node ${process.version}, httpbin on ${server.url}`));
  const failed: string[] = [];
  for (const name of EXAMPLES) {
    console.log();
    if (!(await succeeds(name, server.url))) failed.push(name);
  }
  const total = seconds(since(start));
  if (failed.length === 0) console.log(`\n${green("✓")} ${bold(`All ${EXAMPLES.length} steps hold`)}, ${total}`);
  else console.log(`\n${red("✗")} ${bold(`Not so: ${failed.join(", ")}`)}, ${total}`);
  return failed.length === 0 ? 0 : 1;
}

async function succeeds(name: string, server: string): Promise<boolean> {
  const file = fileURLToPath(new URL(`../${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [file, server], { stdio: "inherit" });
  const [code] = await once(child, "exit");
  return code === 0;
}

process.exitCode = await main();
