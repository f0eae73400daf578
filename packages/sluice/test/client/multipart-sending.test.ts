import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { MultipartInput } from "../../src/body/sending/multipart-parts.js";
import { answer, FakeNet, ok, redirect, rejection, type Seen, turns, untilSettled } from "./fake-net.js";

const URL_A = "http://a.test/x";

async function fieldsOf({ body, fields }: Seen): Promise<[string, unknown][]> {
  const headers = { "content-type": fields.get("content-type") ?? "" };
  const form = await new Response(Buffer.from(body, "latin1"), { headers }).formData();
  return [...form] as [string, unknown][];
}

async function* pieces(...all: string[]): AsyncGenerator<string> {
  yield* all;
}

test("multipart and FormData are sent with a boundary of their own and a length", async () => {
  const net = new FakeNet();
  const session = net.session();
  const form = new FormData();
  form.append("a", "1");
  form.append("b", new Blob(["2"]), "ü.bin");
  await session.post(URL_A, { body: form });
  await session.post(URL_A, { multipart: { a: "1" } });
  await session.post(URL_A, { multipart: form });
  await session.post(URL_A, { body: () => form });
  const types = net.seen.map(({ fields }) => fields.get("content-type") ?? "");
  expect(types.every((type) => /^multipart\/form-data; boundary=sluice-[0-9a-f]{32}$/.test(type))).toBe(true);
  expect(new Set(types).size).toBe(4);
  for (const seen of net.seen) expect(seen.fields.get("content-length")).toBe(String(seen.body.length));
  const [first] = net.seen;
  if (first === undefined) throw new Error("Nothing was sent");
  expect(await fieldsOf(first)).toEqual([
    ["a", "1"],
    ["b", expect.objectContaining({ name: "ü.bin", size: 1 })],
  ]);
});

test("a part of unknown length is sent in chunks, one whose length is said is not", async () => {
  const net = new FakeNet();
  const session = net.session();
  await session.post(URL_A, { multipart: { a: pieces("one", "two") } });
  await session.post(URL_A, { multipart: { a: { body: pieces("one", "two"), length: 6 } } });
  expect(net.seen.map(({ fields }) => fields.get("transfer-encoding"))).toEqual(["chunked", undefined]);
  for (const seen of net.seen) {
    const [[, value] = []] = await fieldsOf(seen);
    expect(value).toBe("onetwo");
  }
});

test("a large form arrives whole, piece by piece", async () => {
  const net = new FakeNet();
  const big = new Uint8Array(700_000).map((_, at) => at * 31);
  const blob = new Blob([big]);
  await net.session().post(URL_A, { multipart: { a: "1", big, blob, c: pieces("x") } });
  const [seen] = net.seen;
  if (seen === undefined) throw new Error("Nothing was sent");
  const fields = await fieldsOf(seen);
  expect(fields.map(([name]) => name)).toEqual(["a", "big", "blob", "c"]);
  const arrived = new Map(fields).get("blob") as Blob;
  expect(Buffer.from(await arrived.arrayBuffer()).equals(Buffer.from(big))).toBe(true);
});

test("a form that can be sent again is retried and follows 307 with the same bytes; one with a stream is not", async () => {
  let asked = 0;
  const net = new FakeNet(() => {
    asked += 1;
    return asked === 1 ? answer(503) : asked === 2 ? redirect(307, "/y") : ok("ok");
  });
  const session = net.session({ retry: { attempts: 2, baseDelay: 0 } });
  const input: MultipartInput = { a: { body: () => pieces("x"), filename: "f" }, b: new Blob(["y"]) };
  const sending = session.put(URL_A, { multipart: input }).text();
  await untilSettled(net.clock, sending);
  expect(net.seen.length).toBe(3);
  expect(new Set(net.seen.map(({ body }) => body)).size).toBe(1);
  expect(new Set(net.seen.map(({ fields }) => fields.get("content-type"))).size).toBe(1);
  asked = 1;
  const once = session.put(URL_A, { multipart: { a: pieces("x") } });
  expect((await rejection(once)).code).toBe("redirect/body-not-replayable");
});

test("a part that breaks its promise fails the request by name and costs the connection", async () => {
  const net = new FakeNet();
  const input: MultipartInput = { photo: { body: pieces("abc"), length: 5 } };
  const error = await rejection(net.session().post(URL_A, { multipart: input }));
  expect([error.code, error.message]).toEqual(["body/length-mismatch", expect.stringContaining('part "photo"')]);
  await turns();
  expect(net.open).toBe(0);
});

test("a file that shrinks or grows while it waits is noticed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-form-"));
  try {
    for (const [later, relation] of [
      ["12", "less"],
      ["123456", "more"],
    ]) {
      const path = join(folder, "file");
      writeFileSync(path, "1234");
      const net = new FakeNet();
      const sending = net
        .session()
        .post(URL_A, { multipart: { file: { body: () => createReadStream(path), filename: "f" } } });
      net.connected = () => writeFileSync(path, later ?? "");
      expect((await rejection(sending)).message).toContain(relation);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("an early answer or an abort releases the streams of all parts", async () => {
  const early = new FakeNet();
  early.connected = (connection) => {
    connection.ignoring = true;
    setImmediate(() => connection.send(answer(413)));
  };
  const first = new Readable({ read() {} });
  const second = new Readable({ read() {} });
  const response = await early.session().post(URL_A, { multipart: { a: first, b: second } });
  expect(response.status).toBe(413);
  await turns();
  expect([first.destroyed, second.destroyed]).toEqual([true, true]);

  const controller = new AbortController();
  const third = new Readable({ read() {} });
  const aborted = rejection(
    new FakeNet().session().post(URL_A, { multipart: { a: third }, signal: controller.signal }),
  );
  await turns();
  controller.abort();
  await aborted;
  await turns();
  expect(third.destroyed).toBe(true);
});

test("a function that returns FormData has one boundary for all sends", async () => {
  let asked = 0;
  const net = new FakeNet(() => {
    asked += 1;
    return asked === 1 ? redirect(307, "/y") : ok("ok");
  });
  const make = (): FormData => {
    const form = new FormData();
    form.append("a", "1");
    return form;
  };
  await net.session().put(URL_A, { body: make });
  expect(net.seen.length).toBe(2);
  for (const seen of net.seen) expect(await fieldsOf(seen)).toEqual([["a", "1"]]);
});

test("a form's Content-Type is its own: one of the session's gives way, one of the caller's is refused", async () => {
  const net = new FakeNet();
  const session = net.session({ headers: { "Content-Type": "application/json" } });
  for (const options of [{}, { compress: { threshold: 0 } }, { trailers: () => ({}) }]) {
    await session.post(URL_A, { multipart: { a: "1", b: new Uint8Array(100_000) }, ...options });
    await session.post(URL_A, { multipart: { a: "1" }, ...options });
    const own = { "content-type": "multipart/form-data" };
    const refused = session.post(URL_A, { multipart: { a: "1" }, headers: own, ...options });
    expect((await rejection(refused)).code).toBe("options/conflict");
  }
  const types = net.seen.map(({ fields }) => fields.get("content-type"));
  expect(types.length).toBe(6);
  for (const type of types) expect(type).toMatch(/^multipart\/form-data; boundary=/);
});
