/** What people call their files, and how short or long those are. */
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { ownIdentity } from "../../../src/platform/process-identity.js";
import { fileVersion, noise } from "../hostile-server.js";
import { downloadTests, folderContent, inFolder, run, sameBytes, serve } from "./support.js";

downloadTests();

const FILE = fileVersion(noise(200_000));
const SEGMENT = 64 * 1024;

describe("a name", () => {
  test.each([
    "with spaces  in it ",
    "with % and %20 and #fragment?query",
    "ünïcødé 文件 🎉",
    "-dash",
    "line\nbreak",
    "'quotes\" `and` $(such)",
    ".hidden",
    "a.part",
    "back\\slash",
    "x".repeat(200),
  ])("%j is as good as any: cut off and gone on with", async (name) => {
    const server = await serve(FILE, { cut: (n) => (n === 1 ? 100_000 : undefined) });
    const outcome = await run(server.url, inFolder(name));
    expect(outcome.error).toBeUndefined();
    expect(sameBytes(inFolder(name), FILE.content)).toBe(true);
    expect(folderContent()).toEqual([name]);
  });

  test("as a file: URL, too", async () => {
    const server = await serve(FILE);
    const name = "a #1 100%";
    const { error } = await run(server.url, pathToFileURL(inFolder(name)));
    expect(error).toBeUndefined();
    expect(folderContent()).toEqual([name]);
  });

  test.skipIf(process.platform === "win32")(
    "that somebody has put a link beside: where that leads, nothing is written",
    async () => {
      const server = await serve(FILE);
      writeFileSync(inFolder("precious"), "precious");
      symlinkSync(inFolder("precious"), inFolder("file.part"));
      const { error } = await run(server.url, inFolder("file"));
      expect(error).toMatchObject({
        code: "download/not-writable",
        message: expect.stringContaining("ELOOP") as string,
      });
      expect(readFileSync(inFolder("precious"), "utf8")).toBe("precious");
    },
  );

  describe("so long that what lies beside the file cannot be called after it", () => {
    const name = `${"é".repeat(125)}.iso`;
    const sibling = `${"é".repeat(125)}.img`;

    test.each([161, 200, 240, 255])(
      "of %i bytes: cut off, taken over from a killed process, and gone on with",
      async (bytes) => {
        const long = "x".repeat(bytes);
        let broken = true;
        const server = await serve(FILE, { cut: () => (broken ? 100_000 : undefined) });
        await run(server.url, inFolder(long), { attempts: 1 });
        const [part = "", record = ""] = folderContent();
        expect(part).toMatch(/^x{120}~.{16}\.part$/);
        expect(record).toBe(`${part}.json`);
        const dead = { token: "ab", pid: 2 ** 30, place: ownIdentity().place };
        writeFileSync(inFolder(`${part}.lock`), JSON.stringify(dead));
        broken = false;
        const { result } = await run(server.url, inFolder(long), { ifChanged: true });
        expect(result?.resumedBytes).toBeGreaterThanOrEqual(100_000);
        expect(sameBytes(inFolder(long), FILE.content)).toBe(true);
        expect((await run(server.url, inFolder(long), { ifChanged: true })).result?.status).toBe("unchanged");
        expect(folderContent()).toEqual([expect.stringMatching(/^\.x{120}~.{16}\.sluice\.json$/), long]);
      },
    );

    test("two that begin alike do not get in each other's way", async () => {
      const server = await serve(FILE, { cut: () => 100_000 });
      await Promise.all([name, sibling].map((each) => run(server.url, inFolder(each), { attempts: 1 })));
      expect(folderContent().filter((entry) => /^é{60}~.{16}\.part$/.test(entry))).toHaveLength(2);
    });

    test("one longer than file systems take is told as that, and nothing is asked for", async () => {
      const server = await serve(FILE);
      const { error } = await run(server.url, inFolder("x".repeat(256)));
      expect(error).toMatchObject({ code: "download/target" });
      expect(String(error)).toContain("longer than the file system takes");
      expect([server.asked, folderContent()]).toEqual([[], []]);
    });
  });
});

describe("a size", () => {
  test.each([0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 2 * SEGMENT + 1, 4 * SEGMENT])(
    "%i bytes in four segments, with a length and without, and cut off at the first try",
    async (size) => {
      const version = fileVersion(noise(size));
      for (const framing of ["length", "chunked"] as const) {
        const server = await serve(version, { framing, cut: (n) => (n === 1 && size > 0 ? size >> 1 : undefined) });
        const path = inFolder(`${size}-${framing}`);
        const outcome = await run(server.url, path, { segments: 4, minSegmentSize: SEGMENT });
        expect(outcome.error).toBeUndefined();
        expect(outcome.result?.size).toBe(size);
        expect(sameBytes(path, version.content)).toBe(true);
      }
      expect(folderContent()).toHaveLength(2);
    },
  );

  test("none at all, where the server knows no ranges: an empty file", async () => {
    const server = await serve(fileVersion(new Uint8Array(0)), { ranges: "ignored" });
    expect((await run(server.url, inFolder("empty"))).result).toMatchObject({ size: 0, status: "complete" });
    expect(folderContent()).toEqual(["empty"]);
  });
});
