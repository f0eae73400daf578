/** The sentences of the tus protocol 1.0.0, on the wire. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { base64, checksumOf, OCTETS, TUS, TusPlace } from "./tus-setup.js";

let place: TusPlace;

beforeAll(async () => {
  place = await TusPlace.with({ limits: { maxSize: 1_000, minFreeBytes: 0 } });
});
afterAll(() => place[Symbol.asyncDispose]());

describe("core protocol: HEAD", () => {
  test("says offset, length and metadata, and that nobody may store the answer", async () => {
    const metadata = `filename ${base64("héllo.txt")},is_confidential`;
    const path = await place.create({ "Upload-Length": "10", "Upload-Metadata": metadata });
    await place.append(path, 0, "0123");

    const { status, fields, body } = await place.ask("HEAD", path, TUS);

    expect(status).toBe(200);
    expect(fields).toMatchObject({
      "upload-offset": "4",
      "upload-length": "10",
      "upload-metadata": metadata,
      "cache-control": "no-store",
      "tus-resumable": "1.0.0",
    });
    expect(body).toBe("");
  });

  test("is answered with 404 for what was never there, whatever its form, without an Upload-Offset", async () => {
    for (const id of ["0".repeat(32), "x", "..%2f..%2fetc", "0".repeat(31), "%00"]) {
      const { status, fields } = await place.ask("HEAD", `/files/${id}`, TUS);
      expect([400, 404], id).toContain(status);
      expect(fields).not.toHaveProperty("upload-offset");
    }
  });
});

describe("core protocol: PATCH", () => {
  test("appends at the offset: 204 and the new one", async () => {
    const path = await place.create({ "Upload-Length": "11" });

    const first = await place.append(path, 0, "hello ");
    expect([first.status, first.fields["upload-offset"], first.body]).toEqual([204, "6", ""]);
    const second = await place.append(path, 6, "world");
    expect([second.status, second.fields["upload-offset"]]).toEqual([204, "11"]);
    expect(place.content(path.split("/").at(-1) ?? "")).toBe("hello world");
  });

  test("is refused with 409 and the true offset when it begins elsewhere, and changes nothing", async () => {
    const path = await place.create({ "Upload-Length": "11" });
    await place.append(path, 0, "hello ");

    for (const offset of [0, 5, 7, 11]) {
      const { status, fields } = await place.append(path, offset, "x");
      expect([status, fields["upload-offset"]], `${offset}`).toEqual([409, "6"]);
    }
    expect(await place.offsetOf(path)).toBe("6");
  });

  test("is refused with 415 for another media type, and for a content coding", async () => {
    const path = await place.create({ "Upload-Length": "5" });
    expect((await place.append(path, 0, "hello", { "Content-Type": "application/octet-stream" })).status).toBe(415);
    expect((await place.append(path, 0, "hello", { "Content-Encoding": "gzip" })).status).toBe(415);
    expect(await place.offsetOf(path)).toBe("0");
  });

  test("is refused with 404 for an upload that is not there", async () => {
    expect((await place.append(`/files/${"0".repeat(32)}`, 0, "x")).status).toBe(404);
  });

  test.each(["", "-1", "+5", "5 ", "0x1", "1e3", "00", "9007199254740993", "five"])(
    "is refused with 400 when Upload-Offset says %j",
    async (value) => {
      const path = await place.create({ "Upload-Length": "5" });
      const { status } = await place.ask("PATCH", path, { ...OCTETS, "Upload-Offset": value }, "x");
      expect(status).toBe(value === "5 " ? 409 : 400);
    },
  );

  test("may be empty, and is then an answer with the offset", async () => {
    const path = await place.create({ "Upload-Length": "5" });
    const { status, fields } = await place.append(path, 0, "");
    expect([status, fields["upload-offset"]]).toEqual([204, "0"]);
  });

  test("may be chunked", async () => {
    const path = await place.create({ "Upload-Length": "11" });
    const chunked = { ...OCTETS, "Upload-Offset": "0", "Transfer-Encoding": "chunked" };
    const client = await place.client();
    const lines = Object.entries(chunked).map(([name, value]) => `${name}: ${value}\r\n`);
    client.send(
      `PATCH ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.join("")}\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n`,
    );
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1.1 204 [\s\S]*Upload-Offset: 11\r\n/);
  });

  test("is refused with 413 when it says beforehand that it goes beyond the end, and nothing is kept", async () => {
    const path = await place.create({ "Upload-Length": "5" });
    expect((await place.append(path, 0, "hello world")).status).toBe(413);
    expect(await place.offsetOf(path)).toBe("0");
  });

  test("is asked for its body only when it will be taken (Expect: 100-continue)", async () => {
    const path = await place.create({ "Upload-Length": "5" });
    const client = await place.client();
    const fields = "Expect: 100-continue\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n";
    client.send(`PATCH ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nUpload-Offset: 3\r\n${fields}\r\n`);
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1.1 409 /);
    const other = await place.client();
    other.send(`PATCH ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nUpload-Offset: 0\r\n${fields}\r\n`);
    expect(await other.untilReceived("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    other.send("hello");
    expect(await other.untilReceived("204")).toContain("Upload-Offset: 5");
  });
});

describe("core protocol: OPTIONS and versions", () => {
  test("OPTIONS says versions, extensions, largest size and checksums, here and at an upload", async () => {
    for (const path of ["/files", "/files/", await place.create({ "Upload-Length": "5" })]) {
      const { status, fields } = await place.ask("OPTIONS", path, {});
      expect(status).toBe(204);
      expect(fields).toMatchObject({
        "tus-version": "1.0.0",
        "tus-max-size": "1000",
        "tus-extension": "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination",
        "tus-checksum-algorithm": "sha1,sha256,sha512,md5",
      });
    }
  });

  test("another version, or none, is refused with 412, Tus-Version, and nothing done", async () => {
    const path = await place.create({ "Upload-Length": "5" });
    for (const fields of [{}, { "Tus-Resumable": "0.2.2" }]) {
      for (const [method, target] of [
        ["HEAD", path],
        ["DELETE", path],
        ["PATCH", path],
        ["POST", "/files"],
      ] as const) {
        const answer = await place.ask(method, target, { "Content-Length": "0", ...fields });
        expect(answer.status, method).toBe(412);
        expect(answer.fields["tus-version"]).toBe("1.0.0");
      }
    }
    expect(await place.offsetOf(path)).toBe("0");
  });

  test("every answer but OPTIONS names the version: 404, 409 and 412 too", async () => {
    const path = await place.create({ "Upload-Length": "5" });
    const answers = [
      await place.append(path, 4, "x"),
      await place.ask("HEAD", `/files/${"0".repeat(32)}`, TUS),
      await place.ask("HEAD", path, {}),
    ];
    for (const { fields } of answers) expect(fields["tus-resumable"]).toBe("1.0.0");
  });

  test("X-HTTP-Method-Override stands for the method", async () => {
    const path = await place.create({ "Upload-Length": "5" });
    const patch = { ...OCTETS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH" };
    expect((await place.ask("POST", path, patch, "he")).status).toBe(204);
    const headed = await place.ask("POST", path, { ...TUS, "X-HTTP-Method-Override": "HEAD", "Content-Length": "0" });
    expect(headed.fields["upload-offset"]).toBe("2");
    const deleted = { ...TUS, "X-HTTP-Method-Override": "DELETE", "Content-Length": "0" };
    expect((await place.ask("POST", path, deleted)).status).toBe(204);
    expect((await place.ask("HEAD", path, TUS)).status).toBe(410);
  });

  test("methods that mean nothing here are refused with 405 and Allow", async () => {
    const path = await place.create({ "Upload-Length": "5" });
    const post = await place.ask("POST", path, { ...TUS, "Content-Length": "0" });
    expect([post.status, post.fields["allow"]]).toEqual([405, "DELETE, HEAD, OPTIONS, PATCH"]);
    expect((await place.ask("GET", path, TUS)).status).toBe(405);
    expect((await place.ask("DELETE", "/files", TUS)).status).toBe(405);
  });
});

describe("creation", () => {
  test("POST creates an upload of no bytes: 201 and its Location", async () => {
    const { status, fields, body } = await place.ask("POST", "/files", {
      ...TUS,
      "Content-Length": "0",
      "Upload-Length": "100",
    });
    expect(status).toBe(201);
    expect(fields["location"]).toMatch(/^\/files\/[0-9a-f]{32}$/);
    expect(body).toBe("");
    expect(await place.offsetOf(fields["location"] ?? "")).toBe("0");
  });

  test("a length, or that it comes later, has to be said; not both", async () => {
    const bare = { ...TUS, "Content-Length": "0" };
    expect((await place.ask("POST", "/files", bare)).status).toBe(400);
    const both = { ...bare, "Upload-Length": "5", "Upload-Defer-Length": "1" };
    expect((await place.ask("POST", "/files", both)).status).toBe(400);
    expect((await place.ask("POST", "/files", { ...bare, "Upload-Defer-Length": "2" })).status).toBe(400);
    expect((await place.ask("POST", "/files", { ...bare, "Upload-Length": "-5" })).status).toBe(400);
  });

  test.each(["partial", "final;/files/a /files/b"])(
    "of a part that is to be joined with others (Upload-Concat: %s) is refused with 400, and nothing is made of it",
    async (concat) => {
      const before = place.inside();
      const fields = { ...TUS, "Content-Length": "0", "Upload-Length": "5", "Upload-Concat": concat };
      const { status, body } = await place.ask("POST", "/files", fields);
      expect([status, body]).toEqual([400, expect.stringContaining("parts are not joined here")]);
      expect(place.inside()).toEqual(before);
    },
  );

  test("an upload of the largest size is taken, one byte more is refused with 413", async () => {
    const bare = { ...TUS, "Content-Length": "0" };
    expect((await place.ask("POST", "/files", { ...bare, "Upload-Length": "1000" })).status).toBe(201);
    expect((await place.ask("POST", "/files", { ...bare, "Upload-Length": "1001" })).status).toBe(413);
  });

  test("an upload of no bytes is complete when it is created", async () => {
    const path = await place.create({ "Upload-Length": "0", "Upload-Metadata": `filename ${base64("empty.txt")}` });
    expect(place.content("empty.txt")).toBe("");
    expect(await place.offsetOf(path)).toBe("0");
  });

  test.each([
    ["a key twice", "a YQ==,a Yg=="],
    ["a key that is no ASCII", "\u00e9 YQ=="],
    ["no base64", "a YQ="],
    ["no UTF-8", "a /w=="],
    ["three words", "a YQ== YQ=="],
    ["a comma alone", ","],
  ])("metadata with %s is refused with 400", async (_what, metadata) => {
    const fields = { ...TUS, "Content-Length": "0", "Upload-Length": "1", "Upload-Metadata": metadata };
    expect((await place.ask("POST", "/files", fields)).status).toBe(400);
  });
});

describe("creation-with-upload", () => {
  test("the body of the POST is the beginning; the answer says how much came", async () => {
    const { status, fields } = await place.ask("POST", "/files", { ...OCTETS, "Upload-Length": "11" }, "hello ");
    expect([status, fields["upload-offset"]]).toEqual([201, "6"]);
    expect(await place.offsetOf(fields["location"] ?? "")).toBe("6");
  });

  test("it may be all of it", async () => {
    const metadata = `filename ${base64("at-once.txt")}`;
    await place.ask("POST", "/files", { ...OCTETS, "Upload-Length": "5", "Upload-Metadata": metadata }, "whole");
    expect(place.content("at-once.txt")).toBe("whole");
  });

  test("a body of another type is refused with 415, one that is too long with 413, and nothing stays", async () => {
    const before = place.inside().length;
    const other = { ...OCTETS, "Content-Type": "text/plain", "Upload-Length": "11" };
    expect((await place.ask("POST", "/files", other, "hello ")).status).toBe(415);
    expect((await place.ask("POST", "/files", { ...OCTETS, "Upload-Length": "3" }, "hello")).status).toBe(413);
    expect(place.inside()).toHaveLength(before);
  });
});

describe("creation-defer-length", () => {
  test("HEAD says so until a PATCH has told the length, which completes the upload when it is reached", async () => {
    const metadata = `filename ${base64("deferred.txt")}`;
    const path = await place.create({ "Upload-Defer-Length": "1", "Upload-Metadata": metadata });
    expect((await place.ask("HEAD", path, TUS)).fields).toMatchObject({ "upload-defer-length": "1" });
    expect((await place.append(path, 0, "hello ")).fields["upload-offset"]).toBe("6");
    expect((await place.append(path, 6, "world", { "Upload-Length": "11" })).status).toBe(204);
    const { fields } = await place.ask("HEAD", path, TUS);
    expect(fields).toMatchObject({ "upload-length": "11", "upload-offset": "11" });
    expect(fields).not.toHaveProperty("upload-defer-length");
    expect(place.content("deferred.txt")).toBe("hello world");
  });

  test("the length may be told by an empty PATCH at the end", async () => {
    const path = await place.create({
      "Upload-Defer-Length": "1",
      "Upload-Metadata": `filename ${base64("late.txt")}`,
    });
    await place.append(path, 0, "hello");
    expect((await place.append(path, 5, "", { "Upload-Length": "5" })).status).toBe(204);
    expect(place.content("late.txt")).toBe("hello");
  });

  test("once told it does not change, and cannot lie before what has come, nor beyond the largest size", async () => {
    const path = await place.create({ "Upload-Defer-Length": "1" });
    await place.append(path, 0, "hello");
    expect((await place.append(path, 5, "", { "Upload-Length": "4" })).status).toBe(400);
    expect((await place.append(path, 5, "", { "Upload-Length": "1001" })).status).toBe(413);
    expect((await place.append(path, 5, "", { "Upload-Length": "9" })).status).toBe(204);
    expect((await place.append(path, 5, "", { "Upload-Length": "9" })).status).toBe(204);
    expect((await place.append(path, 5, "", { "Upload-Length": "8" })).status).toBe(400);
  });

  test("without a length no more than the largest size is taken; what came before that stays", async () => {
    const path = await place.create({ "Upload-Defer-Length": "1" });
    await place.append(path, 0, "x".repeat(990));
    const client = await place.client();
    const fields = "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 990\r\n";
    client.send(`PATCH ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${fields}\r\nA\r\n0123456789\r\n`);
    client.send("1\r\nx\r\n0\r\n\r\n");
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1.1 413 /);
    expect(await place.offsetOf(path)).toMatch(/^(?:990|1000)$/);
  });
});

describe("checksum", () => {
  test.each(["sha1", "sha256", "sha512", "md5"])("%s: a body that matches is taken", async (algorithm) => {
    const path = await place.create({ "Upload-Length": "11" });
    const { status } = await place.append(path, 0, "hello ", { "Upload-Checksum": checksumOf(algorithm, "hello ") });
    expect(status).toBe(204);
    expect(await place.offsetOf(path)).toBe("6");
  });

  test("a body that does not match is discarded with 460, and the offset stays", async () => {
    const path = await place.create({ "Upload-Length": "11", "Upload-Metadata": `filename ${base64("checked.txt")}` });
    await place.append(path, 0, "hello ");
    const wrong = { "Upload-Checksum": checksumOf("sha1", "other") };
    expect((await place.append(path, 6, "w0rld", wrong)).status).toBe(460);
    expect(await place.offsetOf(path)).toBe("6");
    await place.append(path, 6, "world", { "Upload-Checksum": checksumOf("sha1", "world") });
    expect(place.content("checked.txt")).toBe("hello world");
  });

  test("an algorithm that is not known, or no digest, is refused with 400", async () => {
    const path = await place.create({ "Upload-Length": "11" });
    for (const value of ["crc32 AAAA", "sha1", "sha1 !!!", "sha1 YQ== x"]) {
      expect((await place.append(path, 0, "hello ", { "Upload-Checksum": value })).status, value).toBe(400);
    }
  });

  test("a body with a checksum that breaks off is not kept: nobody knows whether it is right", async () => {
    const path = await place.create({ "Upload-Length": "11" });
    const client = await place.client();
    const fields = "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n";
    const checksum = `Upload-Checksum: ${checksumOf("sha1", "hello world")}\r\n`;
    client.send(`PATCH ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n${fields}${checksum}\r\nhello `);
    await expect.poll(() => place.offsetOf(path), { timeout: 10_000 }).toBe("0");
  });

  test("creation-with-upload is checked as well, and leaves nothing when it is wrong", async () => {
    const before = place.inside().length;
    const fields = { ...OCTETS, "Upload-Length": "5", "Upload-Checksum": checksumOf("sha256", "other") };
    expect((await place.ask("POST", "/files", fields, "hello")).status).toBe(460);
    expect(place.inside()).toHaveLength(before);
  });
});

describe("termination", () => {
  test("DELETE frees the upload: 204, then 410 for every method", async () => {
    const path = await place.create({ "Upload-Length": "11" });
    await place.append(path, 0, "hello ");
    expect((await place.ask("DELETE", path, TUS)).status).toBe(204);
    expect((await place.ask("HEAD", path, TUS)).status).toBe(410);
    expect((await place.append(path, 6, "world")).status).toBe(410);
    expect((await place.ask("DELETE", path, TUS)).status).toBe(410);
    expect(place.inside().some((name) => name.startsWith(path.split("/").at(-1) ?? "-"))).toBe(false);
  });

  test("of a complete upload only the record goes, its file stays", async () => {
    const path = await place.create({ "Upload-Length": "4", "Upload-Metadata": `filename ${base64("kept.txt")}` });
    await place.append(path, 0, "kept");
    expect((await place.ask("DELETE", path, TUS)).status).toBe(204);
    expect(place.content("kept.txt")).toBe("kept");
  });
});
