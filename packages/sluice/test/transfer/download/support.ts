/** Downloads in a folder of their own, quick to try again, against whatever server. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect } from "vitest";
import { ClientSession, isSluiceError } from "../../../src/index.js";
import { type DurableFile, type DurableFiles, systemFiles } from "../../../src/platform/durable-files.js";
import type { DownloadEvent } from "../../../src/transfer/download/download-events.js";
import type { DownloadOptions } from "../../../src/transfer/download/download-options.js";
import type { DownloadResult } from "../../../src/transfer/download/download-result.js";
import { type DownloadGround, DownloadTask } from "../../../src/transfer/download/download-task.js";
import type { DownloadUrl } from "../../../src/transfer/download/source.js";
import { type FileVersion, HostileServer, type Switches } from "../hostile-server.js";

/** Files as they are, but for waiting for the disk: what is said about power cuts has tests of its own. */
const unsynced: DurableFiles = {
  ...systemFiles,
  create: async (path) => withoutSync(await systemFiles.create(path)),
  open: async (path) => withoutSync(await systemFiles.open(path)),
  syncFolder: () => Promise.resolve(),
};

function withoutSync<F extends DurableFile | undefined>(file: F): F {
  return file && Object.assign(file, { sync: () => Promise.resolve(), syncAll: () => Promise.resolve() });
}

/** Waits of no length, small buffers, and a record every few milliseconds. */
export const QUICK: Partial<DownloadGround> = {
  files: unsynced,
  random: () => 0,
  saveInterval: 5,
  bufferBytes: 8 * 1024,
};

export interface Outcome {
  readonly result: DownloadResult | undefined;
  readonly error: unknown;
  readonly events: readonly DownloadEvent[];
}

let folder = "";
let servers: HostileServer[] = [];
const session = new ClientSession();

export function downloadTests(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-download-"));
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    await Promise.all(servers.map((server) => server.close()));
    servers = [];
  });
  afterAll(async () => {
    await session.close();
  });
}

export async function serve(version: FileVersion, switches: Partial<Switches> = {}): Promise<HostileServer> {
  const server = await HostileServer.start(version, switches);
  servers.push(server);
  return server;
}

export function inFolder(name: string): string {
  return join(folder, name);
}

/** A folder for one test alone. */
export function emptyFolder(): string {
  return mkdtempSync(join(folder === "" ? tmpdir() : folder, "alone-"));
}

export function folderContent(): string[] {
  return readdirSync(folder).sort();
}

export function begin(
  url: DownloadUrl,
  target: string | URL,
  options: DownloadOptions = {},
  ground: Partial<DownloadGround> = {},
): DownloadTask {
  return new DownloadTask(session, url, target, options, { ...QUICK, ...ground });
}

export async function run(url: DownloadUrl, target: string | URL, options: DownloadOptions = {}): Promise<Outcome> {
  const events: DownloadEvent[] = [];
  try {
    const task = begin(url, target, { ...options, onEvent: (event) => events.push(event) });
    return { result: await task.result, error: undefined, events };
  } catch (error) {
    return { result: undefined, error, events };
  }
}

/** Why it began anew. */
export function restarts({ events }: Outcome): string[] {
  return events.flatMap((event) => (event.type === "restarted" ? [event.reason] : []));
}

export function sameBytes(path: string, content: Uint8Array): boolean {
  return Buffer.compare(readFileSync(path), content) === 0;
}

/** The one promise of all: the right bytes under the name, or an error that says what is wrong and nothing under the name. */
export function expectRightOrNothing(outcome: Outcome, path: string, ...versions: readonly FileVersion[]): void {
  if (outcome.result === undefined) {
    expect(isSluiceError(outcome.error), String(outcome.error)).toBe(true);
    expect(existsSync(path)).toBe(false);
    return;
  }
  const fits = versions.some(({ content }) => sameBytes(path, content));
  expect(fits, `the file of ${outcome.result.size} bytes is none of the versions`).toBe(true);
  expect(folderContent().filter((name) => name.includes(".part"))).toEqual([]);
}
