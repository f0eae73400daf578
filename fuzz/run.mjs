/**
 * Runs one target: stored failures first, then mutations of its corpus until the time is over.
 *
 *   node --expose-gc fuzz/run.mjs TARGET [--seconds 10] [--seed N] [--input BASE64]
 *
 * Exit code 1 after a failure. The last line is JSON: runs, seed, the most memory that was in use.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mutate } from "./lib/mutate.mjs";
import { Random } from "./lib/random.mjs";
import { startWatchdog } from "./lib/watchdog.mjs";

const MOST_HEAP_GROWTH_BYTES = 96 * 1024 * 1024;
/** A single input of at most this size may not take longer than that, in time of the processor. */
const MOST_INPUT_BYTES = 48 * 1024;
const MOST_CPU_MS = 3_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    input: { type: "string" },
  },
});
const [name = ""] = positionals;
const seed = Number(values.seed);
const here = fileURLToPath(new URL(".", import.meta.url));
if (!existsSync(`${here}targets/${name}.mjs`)) {
  const known = readdirSync(`${here}targets`).map((file) => file.replace(".mjs", ""));
  console.error(`Cannot fuzz ${JSON.stringify(name)}: expected one of ${known.join(", ")}`);
  process.exit(2);
}
/** `corpus`: inputs to begin with. `dictionary`: words to put in. `run(bytes, random)` throws, or rejects, when something is wrong. */
const target = await import(`./targets/${name}.mjs`);

let current = Buffer.alloc(0);
const watchdog = startWatchdog(name);
process.on("uncaughtException", (error) => fail(error));
process.on("unhandledRejection", (error) => fail(error));

async function attempt(input, random) {
  current = input;
  watchdog.beat(input);
  const began = process.cpuUsage();
  await target.run(input, random);
  const { user, system } = process.cpuUsage(began);
  const milliseconds = (user + system) / 1000;
  if (milliseconds > MOST_CPU_MS) throw new Error(`One input took ${Math.round(milliseconds)} ms of processor time`);
}

function fail(error) {
  const text = Buffer.from(current).toString("base64");
  console.log(`FAILED ${name}, seed ${seed}: ${error?.stack ?? error}`);
  console.log(`input, in base64: ${text}`);
  console.log(`again:  node fuzz/run.mjs ${name} --input ${text.length > 200 ? "<the above>" : text}`);
  console.log(`store:  mkdir -p fuzz/failures/${name} && echo <the above> > fuzz/failures/${name}/<what it is>.b64`);
  process.exit(1);
}

function storedFailures() {
  const folder = `${here}failures/${name}`;
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(".b64"));
  return files.map((file) => Buffer.from(readFileSync(`${folder}/${file}`, "latin1"), "base64"));
}

try {
  await target.start?.();
  const replayed = values.input === undefined ? storedFailures() : [Buffer.from(values.input, "base64")];
  // How a stored input was cut is not stored: it is cut in several ways.
  for (const input of replayed) for (let turn = 0; turn < 8; turn += 1) await attempt(input, new Random(turn));

  let runs = 0;
  let mostHeap = 0;
  const random = new Random(seed);
  if (values.input === undefined) {
    for (const input of target.corpus) await attempt(input, random);
    globalThis.gc?.();
    const heapAtFirst = process.memoryUsage().heapUsed;
    const until = performance.now() + Number(values.seconds) * 1000;
    while (performance.now() < until) {
      for (let turn = 0; turn < 50; turn += 1) {
        const input = mutate(target.corpus, target.dictionary ?? [], random).subarray(0, MOST_INPUT_BYTES);
        await attempt(input, random);
        runs += 1;
      }
      mostHeap = Math.max(mostHeap, process.memoryUsage().heapUsed);
    }
    await target.finish?.();
    globalThis.gc?.();
    const growth = process.memoryUsage().heapUsed - heapAtFirst;
    if (growth > MOST_HEAP_GROWTH_BYTES) throw new Error(`The heap has grown by ${growth} bytes`);
  } else {
    await target.finish?.();
  }
  console.log(
    `${name}: ${runs} inputs, ${replayed.length} replayed, seed ${seed}, heap at most ${Math.round(mostHeap / 2 ** 20)} MiB`,
  );
  console.log(JSON.stringify({ ok: true, name, runs, replayed: replayed.length, seed, mostHeap }));
  process.exit(0);
} catch (error) {
  fail(error);
}
