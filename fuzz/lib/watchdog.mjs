/** A thread that ends the process when an input takes for ever, and says which one: the hanging thread itself cannot. */

import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";

const HANG_MS = 30_000;
const MOST_BYTES = 64 * 1024;

/** `beat(input)` is to be called before each input. */
export function startWatchdog(name) {
  const memory = new SharedArrayBuffer(8 + MOST_BYTES);
  const counters = new Int32Array(memory, 0, 2);
  const bytes = new Uint8Array(memory, 8);
  const worker = new Worker(new URL(import.meta.url), { workerData: { memory, name } });
  worker.unref();
  return {
    beat(input) {
      counters[1] = Math.min(input.length, MOST_BYTES);
      bytes.set(input.subarray(0, MOST_BYTES));
      Atomics.add(counters, 0, 1);
    },
  };
}

if (!isMainThread && workerData?.memory !== undefined) {
  const { memory, name } = workerData;
  const counters = new Int32Array(memory, 0, 2);
  let seen = 0;
  setInterval(() => {
    const count = Atomics.load(counters, 0);
    if (count === seen && count > 0) {
      const input = Buffer.from(new Uint8Array(memory, 8, counters[1])).toString("base64");
      writeSync(1, `FAILED ${name}: an input hangs, or the process has stopped\ninput, in base64: ${input}\n`);
      process.kill(process.pid, "SIGKILL");
    }
    seen = count;
  }, HANG_MS);
}
