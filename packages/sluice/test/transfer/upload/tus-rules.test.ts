/** What `upload()` makes of each answer that a server can give, on the wire. */
import { describe, expect, test } from "vitest";
import { upload } from "../../../src/transfer/upload/upload-task.js";
import { checksumOf } from "../../server/uploads/tus-setup.js";
import { at, Desk, made, ScriptedServer, type Step, taken } from "./upload-setup.js";

const HELLO = "hello world";

async function run(desk: Desk, server: ScriptedServer, options = {}) {
  const given = desk.options({ stateFolder: false, ...options });
  return upload(desk.session, server.url, desk.file("hello.txt", HELLO), given);
}

describe("requests", () => {
  test("creation: version, length, metadata in base64; then PATCH with type, offset and length", async () => {
    await using server = await ScriptedServer.with(made(), taken(11));
    await using desk = new Desk();
    await run(desk, server, { metadata: { who: "Ädä" }, type: "text/plain", headers: { "X-Key": "one" } });
    const [create, append] = server.received;
    expect(create).toMatchObject({ method: "POST", url: "/files", body: Buffer.alloc(0) });
    expect(create?.headers).toMatchObject({
      "tus-resumable": "1.0.0",
      "upload-length": "11",
      "upload-metadata": "filename aGVsbG8udHh0,filetype dGV4dC9wbGFpbg==,who w4Rkw6Q=",
      "content-length": "0",
      "x-key": "one",
    });
    expect(append).toMatchObject({ method: "PATCH", url: "/files/one", body: Buffer.from(HELLO) });
    expect(append?.headers).toMatchObject({
      "tus-resumable": "1.0.0",
      "upload-offset": "0",
      "content-type": "application/offset+octet-stream",
      "content-length": "11",
      "x-key": "one",
    });
    expect(append?.headers).not.toHaveProperty("content-encoding");
  });

  test("a Location on another origin gets none of the caller's fields", async () => {
    await using other = await ScriptedServer.with(taken(11));
    await using server = await ScriptedServer.with(made({ Location: `${other.url}/two` }));
    await using desk = new Desk();
    await run(desk, server, { headers: { Authorization: "Bearer secret", "X-Key": "one" } });
    expect(other.received[0]?.url).toBe("/files/two");
    expect(other.received[0]?.headers).not.toHaveProperty("authorization");
    expect(other.received[0]?.headers).not.toHaveProperty("x-key");
  });

  test("user information of the URL goes with every request to that origin", async () => {
    await using server = await ScriptedServer.with(made(), taken(11));
    await using desk = new Desk();
    const url = server.url.replace("//", "//ada:pass@");
    await upload(desk.session, url, desk.file("a", HELLO), desk.options({ stateFolder: false }));
    for (const { headers } of server.received) expect(headers["authorization"]).toBe("Basic YWRhOnBhc3M=");
  });

  test("a stream: length said later, with the part that is the last", async () => {
    await using server = await ScriptedServer.with(made(), taken(6), taken(11));
    await using desk = new Desk();
    const stream = (async function* () {
      yield Buffer.from("hello ");
      yield Buffer.from("world");
    })();
    await upload(desk.session, server.url, stream, desk.options({ chunkSize: 6 }));
    expect(server.received.map(({ headers }) => [headers["upload-defer-length"], headers["upload-length"]])).toEqual([
      ["1", undefined],
      [undefined, undefined],
      [undefined, "11"],
    ]);
    expect(server.asked()).toEqual(["POST", "PATCH 0+6", "PATCH 6+5"]);
  });

  test("checksum: of each part", async () => {
    await using server = await ScriptedServer.with(made(), taken(6), taken(11));
    await using desk = new Desk();
    await run(desk, server, { chunkSize: 6, checksum: "sha1" });
    const sums = server.received.map(({ headers }) => headers["upload-checksum"]);
    expect(sums).toEqual([undefined, checksumOf("sha1", "hello "), checksumOf("sha1", "world")]);
  });
});

describe("answers", () => {
  const cases: readonly [string, readonly Step[], readonly string[]][] = [
    [
      "a part that the server took half of goes on there",
      [made(), taken(5), taken(11)],
      ["POST", "PATCH 0+11", "PATCH 5+6"],
    ],
    [
      "a PATCH answered without an offset is asked about",
      [made(), { status: 204 }, at(11)],
      ["POST", "PATCH 0+11", "HEAD"],
    ],
    [
      "a PATCH answered with an offset that cannot be is asked about",
      [made(), taken(99), at(4), taken(11)],
      ["POST", "PATCH 0+11", "HEAD", "PATCH 4+7"],
    ],
    [
      "409: asked, and gone on with where the server is",
      [made(), { status: 409 }, at(6), taken(11)],
      ["POST", "PATCH 0+11", "HEAD", "PATCH 6+5"],
    ],
    [
      "423: waited for",
      [made(), { status: 423 }, { status: 423 }, at(0), taken(11)],
      ["POST", "PATCH 0+11", "HEAD", "HEAD", "PATCH 0+11"],
    ],
    [
      "460: the part goes again",
      [made(), { status: 460 }, at(0), taken(11)],
      ["POST", "PATCH 0+11", "HEAD", "PATCH 0+11"],
    ],
    [
      "a cut connection: asked, never assumed",
      [made(), { cutAfter: 1 }, at(3), taken(11)],
      ["POST", "PATCH 0+11", "HEAD", "PATCH 3+8"],
    ],
    ["503 to the creation: created again", [{ status: 503 }, made(), taken(11)], ["POST", "POST", "PATCH 0+11"]],
    [
      "404: begun anew",
      [made(), { status: 404 }, made({ Location: "/files/two" }), taken(11)],
      ["POST", "PATCH 0+11", "POST", "PATCH 0+11"],
    ],
    [
      "410 to the question: begun anew",
      [made(), { status: 500 }, { status: 410 }, made(), taken(11)],
      ["POST", "PATCH 0+11", "HEAD", "POST", "PATCH 0+11"],
    ],
    [
      "an upload that has another length by now is none of ours: begun anew",
      [made(), { status: 409 }, at(3, { "Upload-Length": "12" }), made(), taken(11)],
      ["POST", "PATCH 0+11", "HEAD", "POST", "PATCH 0+11"],
    ],
    [
      "an offset beyond the source: begun anew",
      [made(), { status: 409 }, at(12), made(), taken(11)],
      ["POST", "PATCH 0+11", "HEAD", "POST", "PATCH 0+11"],
    ],
    [
      "a server that lost what it had confirmed is sent it again",
      [made(), taken(6), { status: 409 }, at(2), taken(11)],
      ["POST", "PATCH 0+11", "PATCH 6+5", "HEAD", "PATCH 2+9"],
    ],
  ];
  test.each(cases)("%s", async (_what, steps, asked) => {
    await using server = await ScriptedServer.with(...steps);
    await using desk = new Desk();
    const result = await run(desk, server);
    expect(server.asked()).toEqual(asked);
    expect(result.size).toBe(11);
  });

  test.each([
    ["403", [{ status: 403 }], "ResponseError"],
    ["404 to the creation", [{ status: 404 }], "ResponseError"],
    ["413", [made(), { status: 413 }], "ResponseError"],
    ["507, a full disk", [made(), { status: 507 }], "ResponseError"],
    ["501", [made(), { status: 501 }], "ResponseError"],
    ["200 to the creation", [{ status: 200 }], "ResponseError"],
  ] as const)("%s: fails at once, without another try", async (_what, steps, name) => {
    await using server = await ScriptedServer.with(...steps);
    await using desk = new Desk();
    await expect(run(desk, server)).rejects.toMatchObject({ name });
    expect(server.received).toHaveLength(steps.length);
  });

  test("201 without a Location is no creation", async () => {
    await using server = await ScriptedServer.with({ status: 201 });
    await using desk = new Desk();
    await expect(run(desk, server, { attempts: 1 })).rejects.toMatchObject({ code: "upload/bad-answer" });
  });

  test("Retry-After is waited for, and refused when it is beyond maxRetryAfter", async () => {
    const busy = { status: 503, headers: { "Retry-After": "1" } };
    await using server = await ScriptedServer.with(busy, made(), taken(11));
    await using desk = new Desk();
    const begun = performance.now();
    await run(desk, server);
    expect(performance.now() - begun).toBeGreaterThan(990);
    await using impatient = await ScriptedServer.with(busy);
    await expect(run(desk, impatient, { maxRetryAfter: 999 })).rejects.toMatchObject({ status: 503 });
  });

  test("tries without a byte are counted, and bytes begin the count anew", async () => {
    const fail = { status: 500 };
    await using server = await ScriptedServer.with(
      ...[made(), fail, at(0), fail, at(3), fail, at(3), fail, at(6), fail, at(6), taken(11)],
    );
    await using desk = new Desk();
    await run(desk, server, { attempts: 3 });
    expect(desk.told().filter((what) => what === "retry")).toHaveLength(5);
    await using worse = await ScriptedServer.with(made(), fail, at(3), fail, at(3), fail, at(3), fail);
    await expect(run(desk, worse, { attempts: 3 })).rejects.toMatchObject({ status: 500 });
  });

  test("a server that takes nothing, politely, is given up after so many tries", async () => {
    await using server = await ScriptedServer.with(made(), taken(0), taken(0), taken(0));
    await using desk = new Desk();
    await expect(run(desk, server, { attempts: 3 })).rejects.toMatchObject({ code: "upload/no-progress" });
  });

  test("a server that forgets every upload is given up", async () => {
    const gone = { status: 410 };
    await using server = await ScriptedServer.with(made(), gone, made(), gone, made(), gone, made(), gone);
    await using desk = new Desk();
    await expect(run(desk, server)).rejects.toMatchObject({ code: "upload/lost" });
    expect(desk.told().filter((what) => what === "restarted: gone")).toHaveLength(3);
  });

  test("a stream whose beginning is gone, here and there, cannot be begun anew: it fails and says so", async () => {
    await using server = await ScriptedServer.with(made(), taken(6), { status: 410 });
    await using desk = new Desk();
    const stream = (async function* () {
      yield Buffer.from("hello ");
      yield Buffer.from("world!");
    })();
    const given = upload(desk.session, server.url, stream, desk.options({ chunkSize: 6 }));
    await expect(given).rejects.toMatchObject({ code: "upload/lost" });
  });

  test("a stream of which the server lost what it had confirmed fails and says so", async () => {
    await using server = await ScriptedServer.with(made(), taken(6), { status: 409 }, at(2));
    await using desk = new Desk();
    const stream = (async function* () {
      yield Buffer.from("hello ");
      yield Buffer.from("world!");
    })();
    const given = upload(desk.session, server.url, stream, desk.options({ chunkSize: 6 }));
    await expect(given).rejects.toMatchObject({ code: "upload/not-repeatable" });
  });
});

describe("plain PUT and POST", () => {
  test("PUT: the file with its length and type, and 100 (Continue) asked for when it is large", async () => {
    await using server = await ScriptedServer.with({ status: 204 }, { status: 201 });
    await using desk = new Desk();
    const result = await upload(
      desk.session,
      server.url,
      desk.file("a", HELLO),
      desk.options({ protocol: "put", type: "text/plain" }),
    );
    expect(result).toMatchObject({ url: server.url, size: 11, status: 204 });
    await upload(desk.session, server.url, desk.file("b", 2_000_000), desk.options({ protocol: "put" }));
    const [small, large] = server.received;
    expect(small).toMatchObject({ method: "PUT", body: Buffer.from(HELLO) });
    expect(small?.headers).toMatchObject({ "content-length": "11", "content-type": "text/plain" });
    expect(small?.headers).not.toHaveProperty("expect");
    expect(large?.headers).toMatchObject({ "content-length": "2000000", expect: "100-continue" });
    expect(desk.progress.at(-1)).toMatchObject({ state: "done", transferred: 2_000_000 });
  });

  test("PUT that breaks begins anew, POST does not: it might be done already", async () => {
    await using server = await ScriptedServer.with({ cutAfter: 1 }, { status: 204 });
    await using desk = new Desk();
    await upload(desk.session, server.url, desk.file("a", HELLO), desk.options({ protocol: "put" }));
    expect(server.received.at(-1)?.body.toString()).toBe(HELLO);
    await using other = await ScriptedServer.with({ cutAfter: 1 }, { status: 204 });
    const posted = upload(desk.session, other.url, desk.file("a", HELLO), desk.options({ protocol: "post" }));
    await expect(posted).rejects.toMatchObject({ name: "ConnectionLostError" });
    expect(other.received).toHaveLength(1);
  });

  test("POST that the server has not begun to work on begins anew", async () => {
    await using server = await ScriptedServer.with({ status: 503 }, { status: 200 });
    await using desk = new Desk();
    await upload(desk.session, server.url, desk.file("a", HELLO), desk.options({ protocol: "post" }));
    expect(server.asked()).toEqual(["POST", "POST"]);
  });

  test("a stream goes once, in chunks", async () => {
    await using server = await ScriptedServer.with({ status: 204 });
    await using desk = new Desk();
    const stream = new Blob([HELLO]).stream();
    const result = await upload(desk.session, server.url, stream, desk.options({ protocol: "put" }));
    expect(server.received[0]?.headers).toMatchObject({ "transfer-encoding": "chunked" });
    expect([server.received[0]?.body.toString(), result.size]).toEqual([HELLO, 11]);
  });

  test("an error status fails", async () => {
    await using server = await ScriptedServer.with({ status: 403 });
    await using desk = new Desk();
    const given = upload(desk.session, server.url, desk.file("a", HELLO), desk.options({ protocol: "put" }));
    await expect(given).rejects.toMatchObject({ status: 403 });
  });
});

describe("options", () => {
  test.each([
    [{ protocol: "ftp" }, "protocol"],
    [{ chunkSize: 0 }, "chunkSize"],
    [{ checksum: "crc32" }, "checksum"],
    [{ metadata: { "a b": "c" } }, "metadata"],
    [{ attempts: 0 }, "attempts"],
    [{ stallTimeout: 0 }, "stallTimeout"],
    [{ rateLimit: 0 }, "bytesPerSecond"],
    [{ onEvent: 1 }, "onEvent"],
    [{ resume: true }, "resume"],
    [{ protocol: "put", fresh: true }, "fresh"],
    [{ protocol: "post", checksum: "sha1" }, "checksum"],
  ])("%j is refused, by name", async (options, word) => {
    await using desk = new Desk();
    await expect(upload(desk.session, "http://127.0.0.1:1/", "x", options as never)).rejects.toThrow(word);
  });
});
