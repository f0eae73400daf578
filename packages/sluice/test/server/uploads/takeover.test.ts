/** One request at a time for each upload, and the newest wins, whatever has become of the one before. */
import { describe, expect, test } from "vitest";
import { UploadLocks } from "../../../src/server/uploads/upload-locks.js";
import { deferred } from "../../wire/server-link-setup.js";
import type { RawClient } from "../raw-client.js";
import { base64, checksumOf, head, OCTETS, TUS, TusPlace } from "./tus-setup.js";

const NAMED = { "Upload-Length": "11", "Upload-Metadata": `filename ${base64("taken.txt")}` };

/** Begins to append, and stands still after `sent`. */
async function stalled(place: TusPlace, path: string, sent: string, fields = {}): Promise<RawClient> {
  const client = await place.client();
  client.send(head("PATCH", path, { ...OCTETS, "Content-Length": "11", "Upload-Offset": "0", ...fields }) + sent);
  return client;
}

/** The same in-process: `taken` resolves when `sent` has been taken in. */
function stalledInside(place: TusPlace, path: string, sent: string, fields = {}) {
  const taken = deferred<void>();
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulls += 1;
        if (pulls === 1) controller.enqueue(Buffer.from(sent));
        else taken.resolve();
      },
    },
    { highWaterMark: 0 },
  );
  const headers = { ...OCTETS, "Upload-Offset": "0", ...fields };
  const init = { method: "PATCH", headers, body, duplex: "half" };
  const answer = place.app.fetch(new Request(`http://localhost${path}`, init as RequestInit));
  return { taken: taken.promise, answer };
}

describe("a client that comes back while its old connection is not known to be dead", () => {
  test("HEAD ends the stale PATCH at once, and the offset it is told counts all that has come", async () => {
    await using place = await TusPlace.with();
    const path = await place.create(NAMED);
    const stale = stalledInside(place, path, "hello ");
    await stale.taken;
    expect(await place.offsetOf(path)).toBe("6");
    expect((await stale.answer).status).toBe(423);
    expect((await place.append(path, 6, "world")).status).toBe(204);
    expect(place.content("taken.txt")).toBe("hello world");
  });

  test("a second PATCH takes over as well", async () => {
    await using place = await TusPlace.with();
    const path = await place.create({ "Upload-Length": "11" });
    const stale = await stalled(place, path, "");
    expect((await place.append(path, 0, "hello")).status).toBe(204);
    expect(await stale.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1.1 (?:423|409) /);
    expect(await place.offsetOf(path)).toBe("5");
  });

  test("DELETE takes over as well", async () => {
    await using place = await TusPlace.with();
    const path = await place.create({ "Upload-Length": "11" });
    const stale = await stalled(place, path, "hello");
    expect((await place.ask("DELETE", path, TUS)).status).toBe(204);
    expect(await stale.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1.1 (?:423|410) /);
  });

  test("what a connection brought before it broke is kept", async () => {
    await using place = await TusPlace.with();
    const path = await place.create({ "Upload-Length": "11" });
    const broken = await stalled(place, path, "hello ");
    broken.socket.end();
    await broken.untilClosed();
    expect(await place.offsetOf(path)).toBe("6");
    expect(place.errors).toEqual([]);
  });

  test("a stale PATCH with a checksum gives back what it brought", async () => {
    await using place = await TusPlace.with();
    const path = await place.create({ "Upload-Length": "11" });
    const stale = stalledInside(place, path, "hello ", { "Upload-Checksum": checksumOf("sha1", "hello world") });
    await stale.taken;
    expect(await place.offsetOf(path)).toBe("0");
    expect((await stale.answer).status).toBe(423);
    expect((await place.append(path, 0, "hello world")).status).toBe(204);
  });

  test("of many who come at once each gets an answer, and the bytes are right", async () => {
    await using place = await TusPlace.with();
    const path = await place.create(NAMED);
    await stalled(place, path, "");
    const answers = await Promise.all(Array.from({ length: 8 }, () => place.append(path, 0, "hello world")));
    const statuses = answers.map(({ status }) => status);
    for (const status of statuses) expect([204, 409, 423]).toContain(status);
    await place.append(
      path,
      Number(await place.offsetOf(path)),
      "hello world".slice(Number(await place.offsetOf(path))),
    );
    expect(place.content("taken.txt")).toBe("hello world");
  });
});

describe("UploadLocks", () => {
  test("hands on in the order of asking, and asks each holder to give way that has others behind it", async () => {
    const locks = new UploadLocks();
    const told: string[] = [];
    const order: string[] = [];
    const take = async (name: string): Promise<() => void> => {
      const release = await locks.acquire("a", undefined, () => void told.push(name));
      order.push(name);
      return release;
    };
    const first = await take("first");
    const second = take("second");
    const third = take("third");
    first();
    (await second)();
    (await third)();
    expect(order).toEqual(["first", "second", "third"]);
    expect(told).toEqual(["first", "first", "second"]);
    expect(locks.isHeld("a")).toBe(false);
  });

  test("who stops waiting leaves no trace; a lock released twice is released once", async () => {
    const locks = new UploadLocks();
    const release = await locks.acquire("a", undefined);
    const waiting = new AbortController();
    const given = locks.acquire("a", waiting.signal);
    const behind = locks.acquire("a", undefined);
    waiting.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    release();
    release();
    const last = await behind;
    expect(locks.isHeld("a")).toBe(true);
    last();
    expect(locks.isHeld("a")).toBe(false);
  });

  test("sixteen may wait, the next is refused with 423", async () => {
    const locks = new UploadLocks();
    const release = await locks.acquire("a", undefined);
    const waiting = Array.from({ length: 16 }, () => locks.acquire("a", undefined));
    await expect(locks.acquire("a", undefined)).rejects.toMatchObject({ status: 423, code: "upload/busy" });
    release();
    for (const each of waiting) (await each)();
    expect(locks.isHeld("a")).toBe(false);
  });

  test("uploads do not wait for each other", async () => {
    const locks = new UploadLocks();
    await locks.acquire("a", undefined);
    await locks.acquire("b", undefined);
    expect([locks.isHeld("a"), locks.isHeld("b"), locks.isHeld("c")]).toEqual([true, true, false]);
  });
});
