/**
 * The order of writing, proved: every operation on the disk is recorded, and for each beginning of that list the disk is made anew as a
 * power cut would have left it there, with whatever was not synced kept, dropped or torn. The record must then claim nothing that is not
 * there, and the next run must end with the right bytes.
 */
import { describe, expect, test } from "vitest";
import { sha256 } from "../../../src/platform/digest.js";
import { seededRandom } from "../../../src/platform/random.js";
import { readControl } from "../../../src/transfer/download/store/control-record.js";
import { type Fate, type Operation, RecordingDisk } from "../../platform/recording-disk.js";
import { fileVersion, type HostileServer, noise } from "../hostile-server.js";
import { begin, downloadTests, serve } from "./support.js";

downloadTests();

const SIZE = 150_000;
const OLD = fileVersion(noise(SIZE, "old"));
const NEW = fileVersion(noise(SIZE, "new"));
const TARGET = "/disk/file";
const SEGMENTS = { segments: 3, minSegmentSize: 64 * 1024, attempts: 8 } as const;
const SEED = 20_261_123;

const kept: Fate = () => "kept";
const dropped: Fate = () => "dropped";

/** Each unsynced operation by itself, as the dice fall. */
function byChance(seed: number): Fate {
  const random = seededRandom(seed);
  return ({ type }) => {
    const dice = random();
    if (dice < 0.4) return "kept";
    if (type !== "write" || dice < 0.7) return "dropped";
    return dice < 0.85 ? "torn" : "holed";
  };
}

/** A run whose connections break now and then, so that there are many records; the file changes on the way if `changes`. */
async function recorded(changes: boolean): Promise<{ operations: readonly Operation[]; server: HostileServer }> {
  const server = await serve(OLD, {
    drip: { every: 3, bytes: 8_000 },
    cut: (n) => (n < 8 ? 24_000 : undefined),
  });
  const disk = new RecordingDisk();
  if (changes) {
    server.switches.instead = (n) => {
      // Not before something of the old version has been recorded.
      if (n > 3 && disk.paths.includes(`${TARGET}.part.json`)) server.version = NEW;
      return false;
    };
  }
  await begin(server.url, TARGET, SEGMENTS, { files: disk, saveInterval: 1 }).result;
  expect(disk.paths).toEqual([TARGET]);
  expect(Buffer.compare(disk.contentOf(TARGET) ?? new Uint8Array(), server.version.content)).toBe(0);
  const forgotten = disk.operations.filter((one) => one.type === "remove" && one.path.endsWith(".part.json"));
  expect(forgotten.length, "records given up, the last one at the end").toBe(changes ? 2 : 1);
  server.switches.drip = undefined;
  server.switches.cut = () => undefined;
  server.switches.instead = () => false;
  return { operations: disk.operations, server };
}

/** Throws unless what the record claims is there, and is of the version that it names. */
function checkClaims(disk: RecordingDisk, note: string): void {
  const target = disk.contentOf(TARGET);
  if (target !== undefined) {
    const whole = [OLD, NEW].some(({ content }) => Buffer.compare(content, target) === 0);
    expect(whole, `${note}: the file under its name is not whole`).toBe(true);
  }
  const text = disk.contentOf(`${TARGET}.part.json`);
  if (text === undefined) return;
  const record = readControl(Buffer.from(text).toString(), sha256);
  const part = disk.contentOf(`${TARGET}.part`);
  if (record === undefined || part === undefined || part.byteLength < record.extents.end) return;
  const { content } = record.version.etag === OLD.etag ? OLD : NEW;
  for (const { start, end } of record.extents.list) {
    const there = Buffer.compare(part.subarray(start, end), content.subarray(start, end)) === 0;
    expect(there, `${note}: bytes ${start} to ${end} are claimed and not there`).toBe(true);
  }
}

/** The next process, after a restart of the machine: the lock of the one before is from another boot. */
async function goOn(disk: RecordingDisk, server: HostileServer, note: string): Promise<void> {
  for (const path of disk.paths) if (path.includes(".part.lock")) disk.forget(path);
  const events: string[] = [];
  const task = begin(
    server.url,
    TARGET,
    { ...SEGMENTS, onEvent: (event) => events.push(event.type === "restarted" ? event.reason : event.type) },
    { files: disk },
  );
  const { size } = await task.result;
  expect(size).toBe(SIZE);
  const right = Buffer.compare(disk.contentOf(TARGET) ?? new Uint8Array(), server.version.content) === 0;
  expect(right, `${note}: wrong bytes after ${events.join(", ")}`).toBe(true);
}

describe.each([
  ["one version", false],
  ["a file that changes on the way", true],
])("%s", (_name, changes) => {
  test("whatever of it the disk has: the record claims nothing that is not there", async () => {
    const { operations } = await recorded(changes);
    const saves = operations.filter((one) => one.type === "rename" && one.to.endsWith(".json")).length;
    expect(saves, "records written").toBeGreaterThan(3);
    for (let length = 0; length <= operations.length; length += 1) {
      const prefix = operations.slice(0, length);
      const fates: Fate[] = [
        kept,
        dropped,
        ...Array.from({ length: 6 }, (_, at) => byChance(SEED + length * 100 + at)),
      ];
      for (const [at, fate] of fates.entries()) {
        checkClaims(RecordingDisk.afterPowerCut(prefix, fate), `seed ${SEED}, ${length} operations, fate ${at}`);
      }
    }
  });

  test("after every other operation the next run ends with the right bytes", async () => {
    const { operations, server } = await recorded(changes);
    for (let length = 0; length <= operations.length; length += 2) {
      const prefix = operations.slice(0, length);
      const fate = [kept, dropped, byChance(SEED + length)][(length / 2) % 3] ?? kept;
      const note = `seed ${SEED}, ${length} operations`;
      await goOn(RecordingDisk.afterPowerCut(prefix, fate), server, note);
    }
  });
});

test("the checks do see a record that is written before its bytes are synced", async () => {
  const { operations } = await recorded(false);
  const reckless = operations.filter(({ type }) => type !== "sync");
  const find = (): void => {
    for (let length = 0; length <= reckless.length; length += 1) {
      const bytesLost: Fate = (operation) =>
        operation.type === "write" && operation.bytes.byteLength > 1_000 ? "dropped" : "kept";
      checkClaims(RecordingDisk.afterPowerCut(reckless.slice(0, length), bytesLost), "");
    }
  };
  expect(find).toThrow("claimed and not there");
});
