import type { FileHandle } from "node:fs/promises";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WRITE_CALL_BYTES, writeAll } from "../../src/platform/write-all.js";

/** What one call was given: how long each piece was, and the place. */
interface Call {
  readonly lengths: readonly number[];
  readonly at: number | null | undefined;
}

/** A file that takes `mostBytes` of what a call brings, as a full pipe or a disk does. */
class SlowFile {
  readonly calls: Call[] = [];
  readonly taken: number[] = [];
  readonly #mostBytes: number;

  constructor(mostBytes = Number.POSITIVE_INFINITY) {
    this.#mostBytes = mostBytes;
  }

  writev(pieces: readonly Uint8Array[], at?: number | null): Promise<{ bytesWritten: number }> {
    this.calls.push({ lengths: pieces.map(({ byteLength }) => byteLength), at });
    const before = this.taken.length;
    for (const byte of pieces.flatMap((piece) => [...piece])) {
      if (this.taken.length - before < this.#mostBytes) this.taken.push(byte);
    }
    return Promise.resolve({ bytesWritten: this.taken.length - before });
  }

  get handle(): FileHandle {
    return this as unknown as FileHandle;
  }
}

describe("one call", () => {
  test("of exactly the limit takes all of it", async () => {
    const file = new SlowFile();
    expect(await writeAll(file.handle, [new Uint8Array(WRITE_CALL_BYTES)], 7)).toBe(WRITE_CALL_BYTES);
    expect(file.calls).toEqual([{ lengths: [WRITE_CALL_BYTES], at: 7 }]);
  });

  test("brings no more than the limit: the byte after it goes in another, at its own place", async () => {
    const file = new SlowFile();
    expect(await writeAll(file.handle, [new Uint8Array(WRITE_CALL_BYTES + 1)], 7)).toBe(WRITE_CALL_BYTES + 1);
    expect(file.calls).toEqual([
      { lengths: [WRITE_CALL_BYTES], at: 7 },
      { lengths: [1], at: 7 + WRITE_CALL_BYTES },
    ]);
  });

  test("takes several small pieces, and the beginning of one for which there is no more room", async () => {
    const file = new SlowFile();
    await writeAll(file.handle, [new Uint8Array(WRITE_CALL_BYTES - 2), new Uint8Array(0), new Uint8Array(5)], 0);
    expect(file.calls).toEqual([
      { lengths: [WRITE_CALL_BYTES - 2, 2], at: 0 },
      { lengths: [3], at: WRITE_CALL_BYTES },
    ]);
  });

  test("goes where the file stands when no place is given, and is not made for nothing", async () => {
    const file = new SlowFile();
    expect(await writeAll(file.handle, [new Uint8Array(0)], undefined)).toBe(0);
    await writeAll(file.handle, [new Uint8Array(WRITE_CALL_BYTES + 1)], undefined);
    expect(file.calls.map(({ at }) => at)).toEqual([undefined, undefined]);
  });
});

test("whatever each call takes, every byte is written once and in its order", async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1, max: 11 }), async (given, mostBytes) => {
      const file = new SlowFile(mostBytes);
      const all = given.flatMap((piece) => [...piece]);
      expect(await writeAll(file.handle, given, 100)).toBe(all.length);
      expect(file.taken).toEqual(all);
      for (const [index, { at }] of file.calls.entries()) expect(at).toBe(100 + index * mostBytes);
    }),
  );
});

describe("a real file", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-write-all-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("has what was written, in several calls and at its place", async () => {
    const bytes = Buffer.alloc(3 * WRITE_CALL_BYTES + 17, "0123456789abcdefg");
    const handle = await open(join(folder, "a"), "w+");
    try {
      await writeAll(handle, [bytes.subarray(0, 1), bytes.subarray(1)], 3);
    } finally {
      await handle.close();
    }
    expect(Buffer.compare(await readFile(join(folder, "a")), Buffer.concat([Buffer.alloc(3), bytes]))).toBe(0);
  });

  test("that is open for reading only rejects with the system's own error", async () => {
    await writeFile(join(folder, "a"), "");
    const handle = await open(join(folder, "a"), "r");
    try {
      await expect(writeAll(handle, [new Uint8Array(1)], 0)).rejects.toMatchObject({ code: "EBADF" });
    } finally {
      await handle.close();
    }
  });
});
