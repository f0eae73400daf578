import { appendFileSync, existsSync, readdirSync, renameSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { OpenFile } from "../../../src/platform/open-file.js";
import { FilePayload, type SentFile } from "../../../src/server/static/file-payload.js";
import { makeRepresentation, reopen, tryReadWhole } from "../../../src/server/static/representation.js";
import { makeFolder, removeFolders, write } from "./static-setup.js";

const MIB = 1024 * 1024;
const OLD = new Date("2024-05-01T12:00:00Z");
const BODY = Buffer.alloc(MIB, "0123456789abcdef");

afterEach(removeFolders);

function openDescriptors(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}

/** Open for sending, last written long ago. */
async function opened(content: string | Uint8Array = BODY): Promise<{ path: string; file: OpenFile }> {
  const path = write(makeFolder(), "file", content);
  utimesSync(path, OLD, OLD);
  const file = await OpenFile.open(path);
  if (file === undefined) throw new Error("It is a regular file");
  return { path, file };
}

async function rest(payload: FilePayload): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of payload) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe("a file being sent", () => {
  test("comes in large pieces, and is closed behind the last", async () => {
    const before = openDescriptors();
    const { file } = await opened();
    const payload = new FilePayload(file, [{ start: 0, end: MIB }]);
    expect(payload.length).toBe(MIB);
    expect((await payload.next()).value).toHaveLength(256 * 1024);
    expect(Buffer.concat([BODY.subarray(0, 256 * 1024), await rest(payload)]).equals(BODY)).toBe(true);
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before);
  });

  test("comes in the parts asked for, with what stands between them", async () => {
    const { file } = await opened("0123456789");
    const payload = new FilePayload(file, [
      Buffer.from("<"),
      { start: 7, end: 10 },
      Buffer.from("|"),
      { start: 0, end: 1 },
    ]);
    expect(payload.length).toBe(6);
    expect((await rest(payload)).toString()).toBe("<789|0");
  });

  test("of no bytes is sent and closed", async () => {
    const { file } = await opened("");
    expect(await rest(new FilePayload(file, [{ start: 0, end: 0 }]))).toHaveLength(0);
    await expect(file.read(0, 1)).rejects.toThrow();
  });

  test("replaced by renaming goes on as it was: the name is another's now, the bytes are not", async () => {
    const { path, file } = await opened();
    const payload = new FilePayload(file, [{ start: 0, end: MIB }]);
    const first = (await payload.next()).value as Uint8Array;
    writeFileSync(`${path}.new`, Buffer.alloc(MIB, "x"));
    renameSync(`${path}.new`, path);
    expect(Buffer.concat([first, await rest(payload)]).equals(BODY)).toBe(true);
  });

  test.each<[string, (path: string) => void, string]>([
    ["truncated", (path) => truncateSync(path, 300_000), "file/truncated"],
    ["truncated to nothing", (path) => truncateSync(path, 0), "file/truncated"],
    ["written anew with the same length", (path) => writeFileSync(path, Buffer.alloc(MIB, "x")), "file/changed"],
    ["appended to", (path) => appendFileSync(path, "more"), "file/changed"],
    ["written over in place", (path) => writeFileSync(path, "x", { flag: "r+" }), "file/changed"],
  ])("%s meanwhile never ends: no message is complete that mixes two versions", async (_how, change, code) => {
    const before = openDescriptors();
    const { path, file } = await opened();
    const payload = new FilePayload(file, [{ start: 0, end: MIB }]);
    const first = (await payload.next()).value as Uint8Array;
    change(path);
    let sentBytes = first.byteLength;
    const reading = (async () => {
      for await (const piece of payload) sentBytes += piece.byteLength;
    })();
    await expect(reading).rejects.toMatchObject({ code, name: "PayloadError" });
    expect(sentBytes).toBeLessThan(MIB);
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before);
  });

  test("changed before its only piece was read is found out before that leaves", async () => {
    const { path, file } = await opened("0123456789");
    const payload = new FilePayload(file, [{ start: 2, end: 5 }]);
    writeFileSync(path, "abcdefghij");
    await expect(payload.next()).rejects.toMatchObject({ code: "file/changed" });
  });

  test("of many megabytes is looked at on the way, not only at its end", async () => {
    let looks = 0;
    const file: SentFile = {
      version: { size: 64 * MIB, modifiedTime: 0, changedTime: 0, inode: 1, device: 1 },
      read: async (start, end) => new Uint8Array(end - start),
      isUnchanged: async () => {
        looks += 1;
        return looks < 3;
      },
      close: () => undefined,
    };
    let sentBytes = 0;
    const reading = (async () => {
      for await (const piece of new FilePayload(file, [{ start: 0, end: 64 * MIB }])) sentBytes += piece.byteLength;
    })();
    await expect(reading).rejects.toMatchObject({ code: "file/changed" });
    expect(sentBytes).toBe(12 * MIB - 256 * 1024);
  });

  test("is closed when the reader stops, and when nobody ever reads", async () => {
    const before = openDescriptors();
    const begun = new FilePayload((await opened()).file, [{ start: 0, end: MIB }]);
    await begun.next();
    await begun.return();
    expect(await begun.next()).toEqual({ done: true, value: undefined });
    const never = new FilePayload((await opened()).file, [{ start: 0, end: MIB }]);
    never.discard();
    never.discard();
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before);
  });
});

describe("a file being read in advance", () => {
  const version = { size: 4, modifiedTime: 0, changedTime: 0, inode: 1, device: 1 };

  test("is taken only if it is the same before and after", async () => {
    const read = async (): Promise<Uint8Array> => Buffer.from("torn");
    expect(await tryReadWhole({ version, read, isUnchanged: async () => true })).toEqual(Buffer.from("torn"));
    expect(await tryReadWhole({ version, read, isUnchanged: async () => false })).toBeUndefined();
  });

  test("that has become shorter is read again; other errors are errors", async () => {
    const { path, file } = await opened("0123456789");
    truncateSync(path, 3);
    expect(await tryReadWhole(file)).toBeUndefined();
    file.close();
    await expect(tryReadWhole(file)).rejects.toThrow();
  });
});

describe("a file by what the system knows of it", () => {
  const how = { fields: [], coding: undefined, maxWholeBytes: 4, nowMs: Date.now() + 60_000 };

  test("has a strong tag and a date once its last change is two seconds ago, and not before", async () => {
    const path = write(makeFolder(), "file", "0123456789");
    const changed = (await OpenFile.open(path).then((file) => {
      file?.close();
      return file?.version.changedTime;
    })) as number;
    const fresh = await makeRepresentation(path, { ...how, nowMs: changed + 1_999 });
    const settled = await makeRepresentation(path, { ...how, nowMs: changed + 2_000 });
    expect(fresh).toMatchObject({ settled: false, validators: { lastModified: undefined } });
    expect(fresh?.validators.etag).toMatch(/^W\/"[\w-]{24}"$/);
    expect(settled).toMatchObject({ settled: true, validators: { lastModified: expect.any(Number) } });
    expect(settled?.validators.etag).toMatch(/^"[\w-]{24}"$/);
    expect(`W/${settled?.validators.etag}`).not.toBe(fresh?.validators.etag);
  });

  test("from the future is never taken for settled", async () => {
    const path = write(makeFolder(), "file", "0123456789");
    const future = new Date(Date.now() + 86_400_000);
    utimesSync(path, future, future);
    expect(await makeRepresentation(path, how)).toMatchObject({
      settled: false,
      validators: { lastModified: undefined },
    });
  });

  test("has another tag when it is another file with the same size and date", async () => {
    const folder = makeFolder();
    const tags = new Set<string | undefined>();
    for (const content of ["0123456789", "abcdefghij"]) {
      const path = write(folder, "file.new", content);
      utimesSync(path, OLD, OLD);
      renameSync(path, `${folder}/file`);
      tags.add((await makeRepresentation(`${folder}/file`, how))?.validators.etag);
    }
    expect(tags.size).toBe(2);
  });

  test("that is small has a strong tag of its bytes at any time, the same for the same bytes anywhere", async () => {
    const [one, two] = [write(makeFolder(), "one", "same"), write(makeFolder(), "two", "same")];
    utimesSync(two, OLD, OLD);
    const first = await makeRepresentation(one, { ...how, nowMs: Date.now() });
    const second = await makeRepresentation(two, how);
    expect(first?.validators.etag).toMatch(/^"[\w-]{24}"$/);
    expect(second?.validators.etag).toBe(first?.validators.etag);
    const coded = await makeRepresentation(one, { ...how, coding: "br" });
    expect(coded?.validators.etag).not.toBe(first?.validators.etag);
    expect(coded?.fields).toContain("br");
  });

  test("is opened again only as the same version", async () => {
    const path = write(makeFolder(), "file", "0123456789");
    const seen = await makeRepresentation(path, how);
    if (seen === undefined) throw new Error("It is there");
    const again = await reopen(seen);
    expect(again?.version).toEqual(seen.version);
    again?.close();
    utimesSync(path, OLD, OLD);
    expect(await reopen(seen)).toBeUndefined();
  });

  test("is none when it is a folder", async () => {
    expect(await makeRepresentation(makeFolder(), how)).toBeUndefined();
  });
});
