/**
 * Uploads from the disk: what a large file costs beside curl, sent to the same server, and how much memory it takes, there and in a server
 * of ours that keeps it.
 */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "../harness/child.js";
import type { Contestant } from "../harness/row.js";
import { takenBy } from "../transfer/programs.js";
import type { ReceiverOrders } from "../transfer/receiver-main.js";
import type { BenchRun } from "./bench-run.js";

const UPLOAD_MAIN = fileURLToPath(new URL("../transfer/upload-main.js", import.meta.url));
const MIB = 1024 * 1024;
const UNITS = { part: "transfer", lowerIsBetter: true, whole: true } as const;
/** What memory may be at the most: the figure to read in the rows of peaks, in megabytes. */
const AIM = "aim: 100 MB";

/** A file to send. */
interface SentFile {
  readonly path: string;
  readonly size: number;
  readonly digest: string;
}

type Receiver = Child<ReceiverOrders>;

/** Everything about uploads. */
export async function uploadRows(run: BenchRun, folder: string): Promise<void> {
  const file = makeFile(join(folder, "upload.bin"), run.effort.brief ? 4 * MIB : 1024 * MIB);
  const peaks = new Map<string, number>();
  await run.attempt("transfer: upload", () => largeFile(run, file, peaks));
  await run.attempt("transfer: kept upload", () => keptFile(run, file, join(folder, "kept"), peaks));
  const measured = [...peaks].map(
    ([name, peak]): Contestant => ({ name, run: () => Promise.resolve({ wall: peak, cpu: undefined }) }),
  );
  const title = `${file.size / MIB} MiB uploaded: peak memory (${AIM})`;
  await run.row({ ...UNITS, title, unit: "MB", cpuUnit: undefined }, measured);
}

async function largeFile(run: BenchRun, file: SentFile, peaks: Map<string, number>): Promise<void> {
  await withReceiver(run, async (receiver) => {
    const { url } = await receiver.tell("listen", undefined);
    const contestants = [
      sender(run, "sluice", process.execPath, [UPLOAD_MAIN, url, file.path], { receiver, file, peaks }),
    ];
    if (spawnSync("curl", ["--version"]).error !== undefined) run.absent.add("curl");
    else {
      const words = ["-s", "-S", "-f", "-T", file.path, url];
      contestants.push(sender(run, "curl", "curl", words, { receiver, file, peaks }));
    }
    await receiver.tell("digest", { wanted: true });
    for (const contestant of contestants) await contestant.run();
    await receiver.tell("digest", { wanted: false });
    const title = `${file.size / MIB} MiB uploaded from disk`;
    const style = { ...UNITS, title, unit: "ms", cpuUnit: "CPU ms", targets: { curl: 1 / 1.5 } };
    await run.row(style, contestants);
  });
}

/** By the tus protocol, to `uploads()`: both ends are ours. */
async function keptFile(run: BenchRun, file: SentFile, directory: string, peaks: Map<string, number>): Promise<void> {
  mkdirSync(directory);
  await withReceiver(run, async (receiver) => {
    const { url } = await receiver.tell("keep", { directory });
    const { peak } = await takenBy(run.cores.client, process.execPath, [UPLOAD_MAIN, url, file.path, "tus"]);
    const { size } = statSync(join(directory, "upload.bin"));
    if (size !== file.size) throw new Error(`${size} bytes were kept of ${file.size}`);
    if (peak !== undefined) peaks.set("sluice, tus", peak);
    peaks.set("uploads(), receiving", (await receiver.tell("taken", undefined)).peak);
  });
  rmSync(directory, { recursive: true });
}

/** A program that sends the file, whatever is known of what came being checked. */
function sender(
  run: BenchRun,
  name: string,
  program: string,
  args: readonly string[],
  { receiver, file, peaks }: { receiver: Receiver; file: SentFile; peaks: Map<string, number> },
): Contestant {
  return {
    name,
    run: async () => {
      const { wall, cpu, peak } = await takenBy(run.cores.client, program, args);
      const { bytes, digest = file.digest } = await receiver.tell("received", undefined);
      if (bytes !== file.size) throw new Error(`${bytes} bytes came of ${file.size}`);
      if (digest !== file.digest) throw new Error("other bytes came than were sent");
      if (peak !== undefined) peaks.set(name, Math.max(peaks.get(name) ?? 0, peak));
      return { wall, cpu };
    },
  };
}

async function withReceiver(run: BenchRun, work: (receiver: Receiver) => Promise<void>): Promise<void> {
  const receiver: Receiver = new Child({ module: "transfer/receiver-main.js", core: run.cores.server });
  try {
    await work(receiver);
  } finally {
    await receiver.end();
  }
}

/** A file of which no two mebibytes are the same. */
function makeFile(path: string, size: number): SentFile {
  const block = randomBytes(MIB);
  const hash = createHash("sha256");
  const handle = openSync(path, "wx");
  for (let at = 0; at < size; at += MIB) {
    block.writeUInt32LE(at / MIB);
    hash.update(block);
    writeSync(handle, block);
  }
  closeSync(handle);
  return { path, size, digest: hash.digest("hex") };
}
