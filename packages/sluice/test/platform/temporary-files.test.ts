import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { moveFile } from "../../src/platform/files.js";
import { TemporaryFiles } from "../../src/platform/temporary-files.js";

const POSIX = process.platform !== "win32";
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("temporary files", () => {
  test("hold what was written, in order, however it was cut", async () => {
    const files = new TemporaryFiles(folder);
    const file = await files.create();
    for (let count = 0; count < 40; count += 1) await file.write(Buffer.alloc(10_000, count));
    await file.close();
    const written = readFileSync(file.path);
    expect(written.length).toBe(400_000);
    for (let count = 0; count < 40; count += 1) expect(written[count * 10_000]).toBe(count);
    await files.removeAll();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.runIf(POSIX)("are nobody else's: a folder of mode 0700, files of mode 0600", async () => {
    const files = new TemporaryFiles(folder);
    const file = await files.create();
    await file.close();
    expect(statSync(join(file.path, "..")).mode & 0o777).toBe(0o700);
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
    await files.removeAll();
  });

  test("have names of 128 random bits, and one folder for all", async () => {
    const files = new TemporaryFiles(folder);
    const [one, other] = [await files.create(), await files.create()];
    await Promise.all([one.close(), other.close()]);
    expect(one.path).toMatch(/sluice-\w{6}.[0-9a-f]{32}$/);
    expect(join(one.path, "..")).toBe(join(other.path, ".."));
    expect(one.path).not.toBe(other.path);
    await files.removeAll();
  });

  test("make no folder before the first, and none once all were removed", async () => {
    const files = new TemporaryFiles(folder);
    await files.removeAll();
    await files.removeAll();
    expect(readdirSync(folder)).toEqual([]);
    await expect(files.create()).rejects.toMatchObject({ code: "file/removed" });
  });

  test("that are removed while one is being created stay removed", async () => {
    const files = new TemporaryFiles(folder);
    const created = expect(files.create()).rejects.toMatchObject({ code: "file/removed" });
    await files.removeAll();
    await created;
    expect(readdirSync(folder)).toEqual([]);
  });

  test("without a place to be are the caller's error, and nothing to remove", async () => {
    const files = new TemporaryFiles(join(folder, "absent"));
    await expect(files.create()).rejects.toMatchObject({ code: "ENOENT" });
    await files.removeAll();
  });

  test("that are still there when the process exits go with it", () => {
    const module = new URL("../../dist/platform/temporary-files.js", import.meta.url).href;
    const program = `
      const { TemporaryFiles } = await import(${JSON.stringify(module)});
      const file = await new TemporaryFiles(${JSON.stringify(folder)}).create();
      await file.write(Buffer.from("x")); await file.close();
      console.log(file.path);
      process.exit(0);
    `;
    const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
    expect(printed.trim()).toContain(folder);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("moveFile", () => {
  const temporary = () => {
    const from = join(folder, "from");
    writeFileSync(from, "content", { mode: 0o600 });
    return from;
  };

  test("moves, replacing what was there, and gives it the mode of a new file", async () => {
    const to = join(folder, "to");
    const fresh = join(folder, "fresh");
    writeFileSync(fresh, "");
    writeFileSync(to, "was there");
    await moveFile(temporary(), to);
    expect(readFileSync(to, "utf8")).toBe("content");
    if (POSIX) expect(statSync(to).mode).toBe(statSync(fresh).mode);
    expect(readdirSync(folder).sort()).toEqual(["fresh", "to"]);
  });

  test("takes a URL, and writes to where a symbolic link leads", async () => {
    await moveFile(temporary(), pathToFileURL(join(folder, "by url")));
    expect(readFileSync(join(folder, "by url"), "utf8")).toBe("content");
    if (!POSIX) return;
    writeFileSync(join(folder, "target"), "");
    symlinkSync(join(folder, "target"), join(folder, "link"));
    await moveFile(temporary(), join(folder, "link"));
    expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, "target"), "utf8")).toBe("content");
  });

  test("leaves everything as it was where it cannot", async () => {
    const from = temporary();
    await expect(moveFile(from, join(folder, "absent", "to"))).rejects.toMatchObject({ code: "ENOENT" });
    expect([existsSync(from), readdirSync(folder)]).toEqual([true, ["from"]]);
    await expect(moveFile(join(folder, "none"), join(folder, "to"))).rejects.toMatchObject({ code: "ENOENT" });
    expect(readdirSync(folder)).toEqual(["from"]);
  });

  test.runIf(existsSync("/dev/shm"))("copies between file systems, and takes the original away", async () => {
    const elsewhere = mkdtempSync("/dev/shm/sluice-test-");
    try {
      await moveFile(temporary(), join(elsewhere, "to"));
      expect(readFileSync(join(elsewhere, "to"), "utf8")).toBe("content");
      expect([readdirSync(elsewhere), readdirSync(folder)]).toEqual([["to"], []]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });
});
