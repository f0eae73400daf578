import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileStore, StorageFailure } from "../src/fetch/file-store.js";
import { writeRemaining } from "../src/fetch/remaining.js";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-files-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("half");
  throw new Error("broke off");
}

test("a file has all pieces, and its folder is made", async () => {
  const store = await FileStore.open(join(folder, "a", "b"), { overwrite: false });
  expect(await store.save("x.txt", pieces("one", "two"))).toBe("x.txt");
  expect(await readFile(join(folder, "a", "b", "x.txt"), "utf8")).toBe("onetwo");
});

test("a name that is taken gets a number, and what is there stays", async () => {
  await writeFile(join(folder, "x.txt"), "old");
  await writeFile(join(folder, "x-2.txt"), "old too");
  const store = await FileStore.open(folder, { overwrite: false });
  expect(await store.save("x.txt", pieces("new"))).toBe("x-3.txt");
  expect(await store.save("x.txt", pieces("newer"))).toBe("x-4.txt");
  expect(await readFile(join(folder, "x.txt"), "utf8")).toBe("old");
  expect(await readFile(join(folder, "x-2.txt"), "utf8")).toBe("old too");
});

test("files of one name that are saved at once get a number each", async () => {
  const store = await FileStore.open(folder, { overwrite: false });
  const names = await Promise.all(["a", "b", "c", "d"].map((text) => store.save("x", pieces(text))));
  expect(new Set(names).size).toBe(4);
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  expect(contents).toEqual(["a", "b", "c", "d"]);
});

test("with overwrite a file is replaced", async () => {
  await writeFile(join(folder, "x.txt"), "old");
  const store = await FileStore.open(folder, { overwrite: true });
  expect(await store.save("x.txt", pieces("new"))).toBe("x.txt");
  expect(await readFile(join(folder, "x.txt"), "utf8")).toBe("new");
});

test("with overwrite a symbolic link is replaced, and what it points to outside stays", async () => {
  const outside = join(folder, "outside.txt");
  await writeFile(outside, "mine");
  await mkdir(join(folder, "in"));
  await symlink(outside, join(folder, "in", "x.txt"));
  const store = await FileStore.open(join(folder, "in"), { overwrite: true });
  await store.save("x.txt", pieces("theirs"));
  expect(await readFile(outside, "utf8")).toBe("mine");
  expect(await readFile(join(folder, "in", "x.txt"), "utf8")).toBe("theirs");
});

test("with overwrite a folder in the way is left alone", async () => {
  await mkdir(join(folder, "x.txt"));
  const store = await FileStore.open(folder, { overwrite: true });
  expect(await store.save("x.txt", pieces("new"))).toBe("x-2.txt");
});

test.each([false, true])(
  "of a body that breaks off nothing is left, and its error is thrown as it is (overwrite %s)",
  async (overwrite) => {
    const store = await FileStore.open(folder, { overwrite });
    await expect(store.save("x.txt", broken())).rejects.toThrow("broke off");
    expect(await readdir(folder)).toEqual([]);
  },
);

test("a folder that goes away is the folder's failure, not the body's", async () => {
  const store = await FileStore.open(join(folder, "gone"), { overwrite: false });
  await rm(join(folder, "gone"), { recursive: true });
  const saving = store.save("x.txt", pieces("new"));
  await expect(saving).rejects.toThrow(StorageFailure);
  await expect(saving).rejects.toThrow("there is no such file");
});

test("a folder that cannot be made is refused in one line", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(FileStore.open(join(folder, "file", "x"), { overwrite: false })).rejects.toThrow(/^Cannot save to .*: /);
  await expect(FileStore.open(join(folder, "file"), { overwrite: false })).rejects.toThrow(
    `Cannot save to ${join(folder, "file")}: a file is there`,
  );
});

async function* lines(...texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

test("remaining inputs replace the file only when all of them are written", async () => {
  const path = join(folder, "left.txt");
  await writeFile(path, "old\n");
  expect(await writeRemaining(path, lines("a", "b"))).toBe(2);
  expect(await readFile(path, "utf8")).toBe("a\nb\n");
  async function* failing(): AsyncGenerator<string> {
    yield "c";
    throw new Error("input broke off");
  }
  await expect(writeRemaining(path, failing())).rejects.toThrow(StorageFailure);
  expect(await readFile(path, "utf8")).toBe("a\nb\n");
  expect(await readdir(folder)).toEqual(["left.txt"]);
});

test("when nothing remains the file is empty", async () => {
  const path = join(folder, "left.txt");
  expect(await writeRemaining(path, lines())).toBe(0);
  expect(await readFile(path, "utf8")).toBe("");
});
