import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FilePieces, PieceMemory } from "../../src/platform/file-pieces.js";
import { OpenFile } from "../../src/platform/open-file.js";

const folder = mkdtempSync(join(tmpdir(), "sluice-pieces-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PIECE = 1_000;
const nothing = (): Promise<void> => Promise.resolve();

/** A file whose reads can be watched. */
async function opened(size: number): Promise<{ file: OpenFile; content: Buffer; path: string }> {
  const path = join(folder, `${size}.bin`);
  const content = Buffer.from(Array.from({ length: size }, (_, at) => (at * 7) % 251));
  writeFileSync(path, content);
  const file = await OpenFile.open(path);
  if (file === undefined) throw new Error("no file");
  return { file, content, path };
}

describe("pieces of a file", () => {
  test.each([0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])("%i bytes in all", async (size) => {
    const { file, content } = await opened(size);
    const memory = new PieceMemory(PIECE);
    const given: Buffer[] = [];
    for await (const piece of new FilePieces({ file, start: 0, end: size, memory, confirm: nothing })) {
      expect(piece.byteLength).toBeLessThanOrEqual(PIECE);
      given.push(Buffer.from(piece));
      memory.takeBack(piece);
    }
    expect(Buffer.concat(given).equals(content)).toBe(true);
    file.close();
  });

  test("a part from the middle, and none", async () => {
    const { file, content } = await opened(5 * PIECE);
    const part = { file, memory: new PieceMemory(PIECE), confirm: nothing };
    const given: Buffer[] = [];
    for await (const piece of new FilePieces({ ...part, start: 17, end: 2_500 })) given.push(Buffer.from(piece));
    expect(Buffer.concat(given).equals(content.subarray(17, 2_500))).toBe(true);
    expect(await new FilePieces({ ...part, start: 20, end: 20 }).next()).toMatchObject({ done: true });
    file.close();
  });

  test("what comes back is used again: a file of any size goes through two buffers", async () => {
    const { file } = await opened(50 * PIECE);
    const memory = new PieceMemory(PIECE);
    const buffers = new Set<ArrayBufferLike>();
    for await (const piece of new FilePieces({ file, start: 0, end: 50 * PIECE, memory, confirm: nothing })) {
      buffers.add(piece.buffer);
      memory.takeBack(piece);
    }
    expect(buffers.size).toBe(2);
    file.close();
  });

  test("what does not come back is the receiver's for good", async () => {
    const { file, content } = await opened(20 * PIECE);
    const kept: Uint8Array[] = [];
    const memory = new PieceMemory(PIECE);
    for await (const piece of new FilePieces({ file, start: 0, end: 20 * PIECE, memory, confirm: nothing }))
      kept.push(piece);
    expect(Buffer.concat(kept).equals(content)).toBe(true);
    file.close();
  });

  test("one piece is read ahead of the one that is given, and no more", async () => {
    const asked: number[] = [];
    const fill = (bytes: Uint8Array, start: number): Promise<Uint8Array> => {
      asked.push(start);
      return Promise.resolve(bytes);
    };
    const pieces = new FilePieces({
      file: { fill },
      start: 0,
      end: 10 * PIECE,
      memory: new PieceMemory(PIECE),
      confirm: nothing,
    });
    await pieces.next();
    expect(asked).toEqual([0, PIECE]);
    await pieces.next();
    expect(asked).toEqual([0, PIECE, 2 * PIECE]);
    await pieces.return();
    expect(await pieces.next()).toMatchObject({ done: true });
    expect(asked).toHaveLength(3);
  });

  test("the last piece waits for what confirms it; what that throws is thrown", async () => {
    const { file } = await opened(2 * PIECE);
    const confirm = (): Promise<void> => Promise.reject(new Error("changed"));
    const memory = new PieceMemory(PIECE);
    const pieces = new FilePieces({ file, start: 0, end: 2 * PIECE, memory, confirm });
    expect(await pieces.next()).toMatchObject({ done: false });
    await expect(pieces.next()).rejects.toThrow("changed");
    file.close();
  });

  test("a file that has become shorter is told of, as what confirms it says, else as file/truncated", async () => {
    const { file, path } = await opened(4 * PIECE);
    writeFileSync(path, "short");
    const part = { file, start: 0, end: 4 * PIECE, memory: new PieceMemory(PIECE) };
    await expect(new FilePieces({ ...part, confirm: nothing }).next()).rejects.toMatchObject({
      code: "file/truncated",
    });
    const confirm = (): Promise<void> => Promise.reject(new Error("changed"));
    await expect(new FilePieces({ ...part, confirm }).next()).rejects.toThrow("changed");
    file.close();
  });
});

describe("memory for pieces", () => {
  test("keeps two at the most, and none of another size", () => {
    const memory = new PieceMemory(PIECE);
    const taken = [memory.take(PIECE), memory.take(PIECE), memory.take(PIECE)];
    for (const piece of [memory.take(PIECE - 1), ...taken]) memory.takeBack(piece);
    const again = [memory.take(PIECE), memory.take(PIECE), memory.take(PIECE)];
    expect(again.filter((piece) => taken.includes(piece))).toHaveLength(2);
    expect(memory.take(10)).toHaveLength(10);
  });
});
