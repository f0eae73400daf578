import { Readable } from "node:stream";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import type { BodyInput } from "../../src/body/payload.js";
import type { RequestOptions } from "../../src/client/options.js";
import { answer, FakeNet, ok, redirect, rejection, type Seen, turns, untilSettled } from "./fake-net.js";

const URL_A = "http://a.test/x";
const TEXT = "the same again, ".repeat(200);
const LARGE = "the same again, ".repeat(100_000);
const UNDONE: Readonly<Record<string, (coded: Uint8Array) => Uint8Array>> = {
  gzip: (coded) => gunzipSync(coded),
  deflate: (coded) => inflateSync(coded),
  br: (coded) => brotliDecompressSync(coded),
};

function plainOf({ body, fields }: Seen): string {
  const undo = UNDONE[fields.get("content-encoding") ?? ""];
  const bytes = Buffer.from(body, "latin1");
  return Buffer.from(undo === undefined ? bytes : undo(bytes)).toString();
}

async function sent(options: RequestOptions): Promise<Seen> {
  const net = new FakeNet();
  await net.session().post(URL_A, options);
  const [seen] = net.seen;
  if (seen === undefined) throw new Error("Nothing was sent");
  return seen;
}

async function* pieces(text: string, count = 10): AsyncGenerator<string> {
  const size = Math.ceil(text.length / count);
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

test("true is gzip; what is small and in memory keeps a length, its own", async () => {
  const seen = await sent({ json: TEXT, compress: true });
  expect(plainOf(seen)).toBe(JSON.stringify(TEXT));
  expect(seen.fields.get("content-encoding")).toBe("gzip");
  expect(seen.fields.get("content-type")).toBe("application/json");
  expect(seen.fields.get("content-length")).toBe(String(seen.body.length));
  expect(seen.body.length).toBeLessThan(200);
});

test.each(["gzip", "deflate", "br"] as const)("%s: in memory, large and streamed, it can be undone", async (coding) => {
  for (const [body, plain, chunked] of [
    [TEXT, TEXT, false],
    [LARGE, LARGE, true],
    [Buffer.from(LARGE), LARGE, true],
    [pieces(LARGE), LARGE, true],
    [Readable.from(pieces(TEXT)), TEXT, true],
    [new Blob([TEXT]), TEXT, true],
    [() => pieces(TEXT), TEXT, true],
  ] as const) {
    const seen = await sent({ body: body as BodyInput, compress: coding });
    expect(seen.fields.get("content-encoding")).toBe(coding);
    expect(seen.fields.has("content-length")).toBe(!chunked);
    expect(plainOf(seen)).toBe(plain);
  }
});

test("zstd is done where Node.js has it, and refused where not", async () => {
  const { zstdDecompressSync: undo } = process.getBuiltinModule("node:zlib") as unknown as {
    zstdDecompressSync?: (coded: Uint8Array) => Buffer;
  };
  for (const body of [TEXT, pieces(TEXT)]) {
    const sending = sent({ body, compress: "zstd" });
    if (undo === undefined) expect((await rejection(sending)).code).toBe("options/unknown-value");
    else expect(undo(Buffer.from((await sending).body, "latin1")).toString()).toBe(TEXT);
  }
});

test("the threshold: at it, one below, and off; nothing at all is never compressed", async () => {
  const coded = async (size: number, threshold?: number): Promise<boolean> => {
    const compress = threshold === undefined ? true : ({ threshold } as const);
    return (await sent({ body: "x".repeat(size), compress })).fields.has("content-encoding");
  };
  expect([await coded(1_024), await coded(1_023)]).toEqual([true, false]);
  expect([await coded(10, 10), await coded(9, 10), await coded(1, 0), await coded(0, 0)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(await coded(100_000, Number.POSITIVE_INFINITY)).toBe(false);
  expect((await sent({ body: pieces("x", 1), compress: true })).fields.has("content-encoding")).toBe(true);
});

test("the session's holds for requests with a body; a request replaces it or switches it off", async () => {
  const net = new FakeNet();
  const session = net.session({ compress: { coding: "br", threshold: 0 } });
  await session.post(URL_A, { json: 1 });
  await session.post(URL_A, { json: 1, compress: { threshold: 0 } });
  await session.post(URL_A, { json: 1, compress: false });
  await session.get(URL_A);
  await session.post(URL_A);
  expect(net.seen.map(({ fields }) => fields.get("content-encoding"))).toEqual([
    "br",
    "gzip",
    undefined,
    undefined,
    undefined,
  ]);
});

test("a Content-Encoding of the caller's is not coded over", async () => {
  const session = new FakeNet().session({ headers: { "Content-Encoding": "identity" } });
  const own = { headers: { "content-encoding": "gzip" } };
  for (const options of [
    { body: TEXT, compress: true, ...own },
    { body: TEXT, compress: "br" as const },
  ]) {
    expect((await rejection(session.post(URL_A, options))).code).toBe("options/conflict");
  }
  await session.post(URL_A, { body: TEXT, compress: false });
});

test("what is no coding is refused, on a session when it is made", async () => {
  const bad: [unknown, string][] = [
    ["lzma", "options/unknown-value"],
    [5, "options/unknown-value"],
    [null, "options/unknown-value"],
    [{ coding: "gz" }, "options/unknown-value"],
    [{ threshold: -1 }, "options/out-of-range"],
    [{ level: 9 }, "options/unknown"],
  ];
  for (const [compress, code] of bad) {
    const options = { compress: compress as never };
    expect((await rejection(new FakeNet().session().post(URL_A, { body: TEXT, ...options }))).code).toBe(code);
    expect(() => new FakeNet().session(options)).toThrow(expect.objectContaining({ code }));
  }
});

test("a compressed body is retried, follows 307, and loses its coding's name with 303", async () => {
  let asked = 0;
  const net = new FakeNet(({ method }) => {
    asked += 1;
    return [answer(503), redirect(307, "/y"), redirect(303, "/z"), ok(method)][asked - 1];
  });
  const session = net.session({ retry: { attempts: 2, baseDelay: 0 } });
  const sending = session.put(URL_A, { body: () => pieces(TEXT), compress: true }).text();
  expect(await untilSettled(net.clock, sending)).toBe("GET");
  expect(net.seen.slice(0, 3).map(plainOf)).toEqual([TEXT, TEXT, TEXT]);
  expect(net.seen[3]?.fields.has("content-encoding")).toBe(false);
});

test("a form is compressed like any other body", async () => {
  const seen = await sent({ multipart: { text: TEXT, more: pieces("abc", 3) }, compress: true });
  const plain = plainOf(seen);
  const form = await new Response(plain, {
    headers: { "content-type": seen.fields.get("content-type") ?? "" },
  }).formData();
  expect([form.get("text"), form.get("more")]).toEqual([TEXT, "abc"]);
});

test("a source that fails rejects with its own error, one that is given up is released", async () => {
  const broken = new Error("disk");
  async function* failing(): AsyncGenerator<string> {
    yield LARGE;
    throw broken;
  }
  expect(await rejection(new FakeNet().session().post(URL_A, { body: failing(), compress: true }))).toBe(broken);

  const source = new Readable({ read() {} });
  source.push(LARGE);
  const controller = new AbortController();
  const net = new FakeNet();
  const sending = rejection(net.session().post(URL_A, { body: source, compress: "br", signal: controller.signal }));
  await turns();
  controller.abort(new Error("stop"));
  expect((await sending).message).toBe("stop");
  await turns();
  expect([source.destroyed, net.open]).toEqual([true, 0]);
});

test("a slow peer holds the source back: compressing does not collect", async () => {
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    const { randomBytes } = await import("node:crypto");
    for (;;) {
      given += 64 * 1024;
      yield randomBytes(64 * 1024);
    }
  }
  const net = new FakeNet();
  net.connected = (connection) => connection.transport.pause();
  const controller = new AbortController();
  const sending = rejection(net.session().post(URL_A, { body: endless(), compress: true, signal: controller.signal }));
  let before = -1;
  while (given > before) {
    before = given;
    await turns(200);
  }
  expect(given).toBeLessThan(2 * 1024 * 1024);
  controller.abort();
  await sending;
});
