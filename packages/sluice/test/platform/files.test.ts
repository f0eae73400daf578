import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFile, removeSocketFile, writeFileAtomically } from "../../src/platform/files.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function* piecesOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe("reading a file", () => {
  test("gives size, time and all bytes, in pieces that stay what they are", async () => {
    const content = Buffer.alloc(700_000, "0123456789");
    await writeFile(join(folder, "a"), content);
    const file = await openFile(pathToFileURL(join(folder, "a")));
    expect(file.size).toBe(700_000);
    expect(Math.abs(file.modifiedTime - Date.now())).toBeLessThan(60_000);
    expect((await collected(file.slice())).equals(content)).toBe(true);
    await file.close();
    await file.close();
  });

  test("gives slices, several at a time", async () => {
    await writeFile(join(folder, "a"), "0123456789");
    const file = await openFile(join(folder, "a"));
    const slices = [file.slice(2, 5), file.slice(8), file.slice(8, 100), file.slice(5, 5), file.slice(20)];
    const texts = await Promise.all(slices.map(async (slice) => (await collected(slice)).toString()));
    expect(texts).toEqual(["234", "89", "89", "", ""]);
    await file.close();
  });

  test("says so when the file has become shorter meanwhile", async () => {
    await writeFile(join(folder, "a"), "0123456789");
    const file = await openFile(join(folder, "a"));
    await writeFile(join(folder, "a"), "0123");
    await expect(collected(file.slice())).rejects.toHaveProperty("code", "file/truncated");
    await file.close();
  });

  test("refuses what is not a regular file, and does not wait for a FIFO", async () => {
    execFileSync("mkfifo", [join(folder, "fifo")]);
    await expect(openFile(join(folder, "fifo"))).rejects.toHaveProperty("code", "file/not-regular");
    await expect(openFile(folder)).rejects.toHaveProperty("code", "file/not-regular");
    await expect(openFile(join(folder, "none"))).rejects.toHaveProperty("code", "ENOENT");
  });
});

describe("writing a file atomically", () => {
  test("writes everything, replaces what was there, and leaves nothing else", async () => {
    const path = join(folder, "out");
    await writeFile(path, "something longer that was there before");
    expect(await writeFileAtomically(path, piecesOf("one ", "", "two"))).toBe(7);
    expect(await readFile(path, "utf8")).toBe("one two");
    expect(await writeFileAtomically(pathToFileURL(path), piecesOf())).toBe(0);
    expect(await readFile(path, "utf8")).toBe("");
    expect(await readdir(folder)).toEqual(["out"]);
  });

  test("writes many megabytes of many pieces", async () => {
    const piece = Buffer.alloc(70_001, "0123456789");
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 100; count += 1) yield piece;
    }
    expect(await writeFileAtomically(join(folder, "out"), pieces())).toBe(7_000_100);
    const written = await readFile(join(folder, "out"));
    expect(written.equals(Buffer.concat(new Array<Buffer>(100).fill(piece)))).toBe(true);
  });

  test("a source that fails leaves the old file and no partial one", async () => {
    const path = join(folder, "out");
    await writeFile(path, "old");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(2 << 20);
      throw new Error("broken off");
    }
    await expect(writeFileAtomically(path, broken())).rejects.toThrow("broken off");
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["out"]);
  });

  test("a place that cannot be written to releases the source", async () => {
    let released = 0;
    const source: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("must not be read")),
        return: async () => {
          released += 1;
          return { done: true, value: undefined };
        },
      }),
    };
    await expect(writeFileAtomically(join(folder, "none", "out"), source)).rejects.toHaveProperty("code", "ENOENT");
    await expect(writeFileAtomically(folder, source)).rejects.toHaveProperty("code", "EISDIR");
    expect(released).toBe(2);
  });

  test("follows a symbolic link, and writes to a device without replacing it", async () => {
    await writeFile(join(folder, "real"), "old");
    await symlink(join(folder, "real"), join(folder, "link"));
    await writeFileAtomically(join(folder, "link"), piecesOf("new"));
    expect(await readFile(join(folder, "real"), "utf8")).toBe("new");
    expect((await readdir(folder)).sort()).toEqual(["link", "real"]);
    expect(await writeFileAtomically("/dev/null", piecesOf("nothing"))).toBe(7);
    expect(execFileSync("stat", ["-c", "%F", "/dev/null"], { encoding: "utf8" }).trim()).toBe("character special file");
  });

  test("takes names that mean something in a URL", async () => {
    const path = join(folder, "50% #1?.bin");
    expect(await writeFileAtomically(pathToFileURL(path), piecesOf("x"))).toBe(1);
    expect(await writeFileAtomically(path, piecesOf("xy"))).toBe(2);
    expect(await readdir(folder)).toEqual(["50% #1?.bin"]);
  });
});

describe("removing a socket's file", () => {
  test("removes sockets only", async () => {
    const path = join(folder, "s");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(await removeSocketFile(path)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
    await writeFile(path, "a file");
    expect(await removeSocketFile(path)).toBe(false);
    expect(await readFile(path, "utf8")).toBe("a file");
    expect(await removeSocketFile(join(folder, "none"))).toBe(false);
  });
});
