/** A disk that is full, or may not be written to: found before data is lost, and gone on with when there is room. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { type DurableFile, systemFiles } from "../../../src/platform/durable-files.js";
import { fileVersion, noise } from "../hostile-server.js";
import { begin, downloadTests, emptyFolder, serve } from "./support.js";

downloadTests();

const MIB = 1024 * 1024;
const FILE = fileVersion(noise(3 * MIB));
const mounted: string[] = [];

afterEach(() => {
  for (const folder of mounted.splice(0)) execFileSync("umount", [folder]);
});

/** A disk of `size` bytes in memory; undefined where this user may not mount one, which is no excuse with CI=true. */
function smallDisk(size: number): string | undefined {
  const folder = emptyFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    return undefined;
  }
  mounted.push(folder);
  return folder;
}

const probe = smallDisk(MIB);
for (const folder of mounted.splice(0)) execFileSync("umount", [folder]);

describe("a disk that is too small", () => {
  test.skipIf(probe === undefined)(
    "is found before a byte is written, where the length is known (needs to mount a tmpfs)",
    async () => {
      const folder = smallDisk(MIB) ?? "";
      const server = await serve(FILE);
      const task = begin(server.url, `${folder}/file`, {}, { files: systemFiles });
      await expect(task.result).rejects.toMatchObject({
        code: "download/no-space",
        message: expect.stringContaining(String(FILE.content.byteLength)) as string,
      });
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test.skipIf(probe === undefined)(
    "or when it is full on the way: what was recorded is gone on with when there is room",
    async () => {
      const folder = smallDisk(MIB) ?? "";
      const server = await serve(FILE);
      const files = { ...systemFiles, freeBytes: () => Promise.resolve(Number.POSITIVE_INFINITY) };
      const ground = { files, saveInterval: 1, bufferBytes: 64 * 1024 };
      server.switches.drip = { every: 1, bytes: 32 * 1024 };
      await expect(begin(server.url, `${folder}/file`, {}, ground).result).rejects.toMatchObject({
        code: "download/no-space",
      });
      expect(readdirSync(folder)).toEqual(["file.part", "file.part.json"]);
      execFileSync("mount", ["-o", `remount,size=${8 * MIB}`, folder]);
      const { resumedBytes } = await begin(server.url, `${folder}/file`, {}, ground).result;
      expect(resumedBytes).toBeGreaterThan(0);
      expect(Buffer.compare(readFileSync(`${folder}/file`), FILE.content)).toBe(0);
    },
  );

  test("with writes that fail in the middle, whatever the system: the error says what to do", async () => {
    const server = await serve(FILE);
    const folder = emptyFolder();
    let room = MIB;
    const limited = (file: DurableFile): DurableFile => ({
      ...file,
      write: async (pieces, at) => {
        for (const piece of pieces) room -= piece.byteLength;
        if (room < 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
        await file.write(pieces, at);
      },
    });
    const files = {
      ...systemFiles,
      open: async (path: string) => {
        const file = await systemFiles.open(path);
        return file && limited(file);
      },
      create: async (path: string) =>
        path.endsWith(".part") ? limited(await systemFiles.create(path)) : systemFiles.create(path),
    };
    const broken = begin(server.url, `${folder}/file`, {}, { files, saveInterval: 1 });
    await expect(broken.result).rejects.toMatchObject({ code: "download/no-space" });
    room = Number.POSITIVE_INFINITY;
    const { resumedBytes } = await begin(server.url, `${folder}/file`, {}, { files }).result;
    expect(resumedBytes).toBeGreaterThan(MIB / 2);
    expect(Buffer.compare(readFileSync(`${folder}/file`), FILE.content)).toBe(0);
  });
});

describe("a folder that may not be written to", () => {
  test("is found before anything is asked for", async () => {
    const server = await serve(FILE);
    const create = (): Promise<never> => Promise.reject(Object.assign(new Error("EACCES"), { code: "EACCES" }));
    const task = begin(server.url, `${emptyFolder()}/file`, {}, { files: { ...systemFiles, create } });
    await expect(task.result).rejects.toMatchObject({ code: "download/not-writable" });
    expect(server.asked).toEqual([]);
  });

  test.skipIf(probe === undefined)(
    "on a file system that is read-only: before anything is asked for (needs to mount a tmpfs)",
    async () => {
      const folder = smallDisk(MIB) ?? "";
      execFileSync("mount", ["-o", "remount,ro", folder]);
      const server = await serve(FILE);
      await expect(begin(server.url, `${folder}/file`).result).rejects.toMatchObject({ code: "download/not-writable" });
      expect(server.asked).toEqual([]);
    },
  );
});
