/** The system's files as engines that survive crashes see them, and what is built on them. */
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  codeOf,
  type DurableFiles,
  moveToFree,
  replaceText,
  systemFiles,
  writeNewText,
} from "../../src/platform/durable-files.js";
import { RecordingDisk } from "./recording-disk.js";

let folder = "";
const at = (name: string): string => join(folder, name);
const systemError = (code: string): Error => Object.assign(new Error(code), { code });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-durable-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("a file", () => {
  test("is written in pieces and read as far as it goes", async () => {
    const file = await systemFiles.create(at("a"));
    await file.write([Buffer.from("one "), new Uint8Array(0), Buffer.from("two")], 2);
    const bytes = Buffer.alloc(20);
    expect(await file.read(bytes, 1)).toBe(8);
    expect(bytes.toString("latin1", 0, 8)).toBe("\0one two");
    expect(await file.read(bytes, 9)).toBe(0);
    await file.truncate(5);
    expect(await file.size()).toBe(5);
    await file.setModifiedTime(1_000_000_000_000);
    await file.syncAll();
    await file.close();
    expect(statSync(at("a")).mtimeMs).toBe(1_000_000_000_000);
  });

  test("is made only where there is none, and opened only where there is one", async () => {
    expect(await systemFiles.open(at("a"))).toBeUndefined();
    await (await systemFiles.create(at("a"))).close();
    await expect(systemFiles.create(at("a"))).rejects.toMatchObject({ code: "EEXIST" });
    await (await systemFiles.open(at("a")))?.close();
  });

  test.skipIf(process.platform === "win32")("is not what a link in its place leads to", async () => {
    writeFileSync(at("real"), "x");
    symlinkSync(at("real"), at("link"));
    await expect(systemFiles.open(at("link"))).rejects.toMatchObject({ code: "ELOOP" });
  });

  test("is read as text up to a limit, and needs no right to write for that", async () => {
    writeFileSync(at("a"), "höher");
    chmodSync(at("a"), 0o400);
    expect(await systemFiles.readText(at("a"), 100)).toBe("höher");
    expect(await systemFiles.readText(at("a"), 3)).toBe("hö");
    expect(await systemFiles.readText(at("none"), 3)).toBeUndefined();
    expect(await systemFiles.readText(at("a/below"), 3)).toBeUndefined();
  });

  test("is touched without being changed, empty or not", async () => {
    writeFileSync(at("a"), "text");
    utimesSync(at("a"), 1, 1);
    await systemFiles.touch(at("a"));
    expect(readFileSync(at("a"), "utf8")).toBe("text");
    expect(Date.now() - statSync(at("a")).mtimeMs).toBeLessThan(60_000);
    await expect(systemFiles.touch(at("none"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a path", () => {
  test("is described with links followed; two names of one file are one", async () => {
    writeFileSync(at("a"), "four");
    linkSync(at("a"), at("b"));
    writeFileSync(at("c"), "four");
    const [a, b, c] = [
      await systemFiles.status(at("a")),
      await systemFiles.status(at("b")),
      await systemFiles.status(at("c")),
    ];
    expect(a).toMatchObject({ kind: "file", size: 4 });
    expect(b?.identity).toBe(a?.identity);
    expect(c?.identity).not.toBe(a?.identity);
    expect(await systemFiles.status(folder)).toMatchObject({ kind: "folder" });
    expect(await systemFiles.status(at("none"))).toBeUndefined();
  });

  test("is removed whether or not there is something", async () => {
    writeFileSync(at("a"), "");
    await systemFiles.remove(at("a"));
    await systemFiles.remove(at("a"));
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that lies nowhere has as much room as anybody can tell", async () => {
    expect(await systemFiles.freeBytes(folder)).toBeGreaterThan(0);
    expect(await systemFiles.freeBytes(at("none"))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a text that is replaced", () => {
  test("is the old one or the new one, whatever was lost", async () => {
    const disk = new RecordingDisk();
    await replaceText(disk, "/disk/a", "old");
    await disk.syncFolder("/disk");
    const before = disk.operations.length;
    await replaceText(disk, "/disk/a", "new");
    for (let length = before; length <= disk.operations.length; length += 1) {
      for (const outcome of ["kept", "dropped", "torn", "holed"] as const) {
        const left = RecordingDisk.afterPowerCut(disk.operations.slice(0, length), () => outcome);
        expect(["old", "new"]).toContain(await left.readText("/disk/a", 100));
      }
    }
  });

  test("passes over what a killed process has left beside it, and leaves nothing when it fails", async () => {
    writeFileSync(at("a.new"), "torn");
    await replaceText(systemFiles, at("a"), "new");
    expect(readFileSync(at("a"), "utf8")).toBe("new");
    const files: DurableFiles = { ...systemFiles, rename: () => Promise.reject(systemError("EIO")) };
    await expect(replaceText(files, at("a"), "newer")).rejects.toMatchObject({ code: "EIO" });
    expect(readdirSync(folder)).toEqual(["a"]);
    await expect(writeNewText(systemFiles, at("a"), "x")).rejects.toMatchObject({ code: "EEXIST" });
  });
});

describe("moving to a name that nobody has", () => {
  test("moves, or says that it is taken", async () => {
    writeFileSync(at("from"), "x");
    expect(await moveToFree(systemFiles, at("from"), at("to"))).toBe(true);
    expect(readdirSync(folder)).toEqual(["to"]);
    writeFileSync(at("from"), "y");
    expect(await moveToFree(systemFiles, at("from"), at("to"))).toBe(false);
    expect(readFileSync(at("to"), "utf8")).toBe("x");
  });

  test("never leaves the file without a name, whichever change a power cut has lost", async () => {
    const disk = new RecordingDisk();
    await replaceText(disk, "/disk/inner/a", "x");
    await disk.syncFolder("/disk/inner");
    const before = disk.operations.length;
    expect(await moveToFree(disk, "/disk/inner/a", "/disk/a")).toBe(true);
    for (let length = before; length <= disk.operations.length; length += 1) {
      for (const lost of ["link", "remove"]) {
        const fate = ({ type }: { readonly type: string }) => (type === lost ? "dropped" : "kept");
        const left = RecordingDisk.afterPowerCut(disk.operations.slice(0, length), fate);
        expect([await left.readText("/disk/a", 9), await left.readText("/disk/inner/a", 9)]).toContain("x");
      }
    }
  });

  test("is completed where a crash has left both names", async () => {
    writeFileSync(at("from"), "x");
    linkSync(at("from"), at("to"));
    expect(await moveToFree(systemFiles, at("from"), at("to"))).toBe(true);
    expect(readdirSync(folder)).toEqual(["to"]);
  });

  test.skipIf(process.platform === "win32")("leaves a link alone that leads nowhere", async () => {
    writeFileSync(at("from"), "x");
    symlinkSync(at("nowhere"), at("to"));
    expect(await moveToFree(systemFiles, at("from"), at("to"))).toBe(false);
    expect(existsSync(at("nowhere"))).toBe(false);
  });

  test("renames where files have no second names", async () => {
    const files: DurableFiles = { ...systemFiles, link: () => Promise.reject(systemError("EPERM")) };
    writeFileSync(at("from"), "x");
    expect(await moveToFree(files, at("from"), at("to"))).toBe(true);
    writeFileSync(at("from"), "y");
    expect(await moveToFree(files, at("from"), at("to"))).toBe(false);
    expect(readFileSync(at("to"), "utf8")).toBe("x");
  });

  test("fails as the system does", async () => {
    await expect(moveToFree(systemFiles, at("none"), at("to"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test("a code is the system's, or none", () => {
  expect(codeOf(systemError("ENOSPC"))).toBe("ENOSPC");
  expect(codeOf(new Error("x"))).toBeUndefined();
  expect(codeOf(Object.assign(new Error("x"), { code: 5 }))).toBeUndefined();
  expect(codeOf("ENOSPC")).toBeUndefined();
});
