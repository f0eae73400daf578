import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ConnectionLostError } from "../../src/errors.js";
import type { ReadMultipartOptions } from "../../src/server/request/read-options.js";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import { arriving, type EncodedForm, encode, field, file, parts, receive } from "./form-setup.js";

const FORM = parts(field("a", "one"), file("f", "x.txt", "content of x"), field("b", "two"));

const readAll =
  (options?: ReadMultipartOptions) =>
  async (request: ServerRequest): Promise<unknown> => {
    const seen: unknown[] = [];
    for await (const part of request.multipart(options))
      seen.push([part.name, part.filename ?? null, await part.text()]);
    return seen;
  };
const ALL = [
  ["a", null, "one"],
  ["f", "x.txt", "content of x"],
  ["b", null, "two"],
];

const many = (count: number, part: (index: number) => string): EncodedForm =>
  parts(...Array.from({ length: count }, (_, index) => part(index)));

describe("multipart()", () => {
  test("gives the parts one after the other, however the body is cut", async () => {
    expect((await receive(readAll(), FORM)).read).toEqual(ALL);
    for (let size = 1; size < 40; size += 1) {
      expect((await receive(readAll(), FORM, { body: arriving(FORM.bytes, size) })).read).toEqual(ALL);
    }
  });

  test("takes what the platform's own client writes", async () => {
    const form = new FormData();
    form.append("a", "é\r\n");
    form.append("f", new File(["\u0000\u0001"], 'q"uote.bin', { type: "application/x-y" }));
    expect((await receive(readAll(), await encode(form))).read).toEqual([
      ["a", null, "é\r\n"],
      ["f", 'q"uote.bin', "\u0000\u0001"],
    ]);
  });

  test("passes over parts that nobody reads", async () => {
    const names = async (request: ServerRequest) => {
      const seen: unknown[] = [];
      for await (const part of request.multipart()) seen.push(part.name);
      return seen;
    };
    expect((await receive(names, FORM, { body: arriving(FORM.bytes, 5) })).read).toEqual(["a", "f", "b"]);
  });

  test("streams a part, and saves one to a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
    const path = join(folder, "saved");
    const save = async (request: ServerRequest) => {
      const seen: string[] = [];
      for await (const part of request.multipart()) {
        if (part.filename === undefined) for await (const piece of part) seen.push(Buffer.from(piece).toString());
        else seen.push(String(await part.save(path)));
      }
      return seen.join("|");
    };
    try {
      expect((await receive(save, FORM)).read).toBe("one|12|two");
      expect(readFileSync(path, "utf8")).toBe("content of x");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("reads what a middleware has read whole before", async () => {
    const twice = async (request: ServerRequest) => [(await request.bytes()).length, await readAll()(request)];
    expect((await receive(twice, FORM)).read).toEqual([FORM.bytes.length, ALL]);
  });

  test.each([
    ["text/plain", 415],
    ["", 415],
    ["multipart/form-data", 400],
    [`multipart/form-data; boundary=${"b".repeat(71)}`, 400],
  ])("of the type %j is %i", async (type, status) => {
    expect((await receive(readAll(), { ...FORM, type })).status).toBe(status);
  });

  test.each([
    ["without its last boundary", Buffer.from("--b\r\n\r\nx")],
    ["with a header that is none", Buffer.from("--b\r\nno header\r\n\r\nx\r\n--b--")],
    ["without any boundary", Buffer.from("nothing here")],
  ])("a body %s is 400, and says what is wrong", async (_what, bytes) => {
    for (const body of [bytes, arriving(bytes, 3)]) {
      const answer = await receive(readAll(), { type: FORM.type, bytes }, { body });
      expect([answer.status, answer.detail]).toEqual([400, expect.stringMatching(/^Cannot read the multipart body: /)]);
      expect(answer.errors).toEqual([]);
    }
  });

  test("whose client goes away is 400 towards nobody, for the reader of a part, too", async () => {
    const lost = new ConnectionLostError("server/client-gone", "gone");
    const { status, errors } = await receive(readAll(), FORM, { body: arriving(FORM.bytes.subarray(0, 90), 10, lost) });
    expect([status, errors]).toEqual([400, []]);
  });

  const limits: [string, ReadMultipartOptions, EncodedForm, EncodedForm][] = [
    ["maxParts", { maxParts: 3 }, many(3, () => file("f", "x", "")), many(4, () => file("f", "x", ""))],
    ["maxFields", { maxFields: 2 }, many(2, () => field("a", "1")), many(3, () => field("a", "1"))],
    ["maxFieldBytes", { maxFieldBytes: 4 }, parts(field("a", "1234")), parts(field("a", "12345"))],
    ["maxFileBytes", { maxFileBytes: 4 }, parts(file("f", "x", "1234")), parts(file("f", "x", "12345"))],
    ["maxPartHeaders", { maxPartHeaders: 2 }, parts("A: 1\r\nB: 2\r\n\r\nx"), parts("A: 1\r\nB: 2\r\nC: 3\r\n\r\nx")],
    ["maxPartHeaderBytes", { maxPartHeaderBytes: 8 }, parts("A: 1\r\n\r\nx"), parts("A: 12\r\n\r\nx")],
  ];
  test.each(limits)("%s: at the limit 200, one past 413, off 200", async (name, options, at, past) => {
    expect((await receive(readAll(options), at)).status).toBe(200);
    const refused = await receive(readAll(options), past);
    expect([refused.status, refused.detail]).toEqual([413, expect.stringContaining("Cannot read the multipart body")]);
    expect((await receive(readAll({ [name]: Number.POSITIVE_INFINITY }), past)).status).toBe(200);
  });

  test("files are no fields, and fields no files, for their limits", async () => {
    const options = { maxFields: 1, maxFieldBytes: 3, maxFileBytes: 12 };
    expect((await receive(readAll(options), parts(field("a", "one"), file("f", "x", "content of x")))).status).toBe(
      200,
    );
  });

  test("the whole is limited by maxBodySize, which maxSize lifts", async () => {
    const size = FORM.bytes.length;
    expect((await receive(readAll(), FORM, { maxBodySize: size })).status).toBe(200);
    for (const body of [FORM.bytes, arriving(FORM.bytes, 30)]) {
      expect((await receive(readAll(), FORM, { maxBodySize: size - 1, body })).status).toBe(413);
    }
    expect((await receive(readAll({ maxSize: size }), FORM, { maxBodySize: 100 })).status).toBe(200);
  });

  test("one part in memory is limited by maxBodySize even where the whole is not", async () => {
    const big = parts(file("f", "x", "x".repeat(1_000)));
    const lifted = { maxSize: Number.POSITIVE_INFINITY };
    expect((await receive(readAll(lifted), big, { maxBodySize: 1_000 })).status).toBe(200);
    expect((await receive(readAll(lifted), big, { maxBodySize: 999 })).status).toBe(413);
    const sizes = async (request: ServerRequest) => {
      let size = 0;
      for await (const part of request.multipart(lifted)) for await (const piece of part) size += piece.length;
      return size;
    };
    expect((await receive(sizes, big, { maxBodySize: 10 })).read).toBe(1_000);
  });

  test.each([
    [{ maxTotalBytes: 1 }, "options/unknown"],
    [{ maxPart: 1 }, "options/unknown"],
    [{ maxParts: -1 }, "options/out-of-range"],
    [{ maxSize: Number.NaN }, "options/out-of-range"],
  ])("%j is refused", async (options, code) => {
    const { status, errors } = await receive(readAll(options as ReadMultipartOptions), FORM);
    expect([status, errors]).toEqual([500, [expect.objectContaining({ code })]]);
  });

  test("a part is checked by a schema like a body", async () => {
    const read = async (request: ServerRequest) => {
      for await (const part of request.multipart()) return part.json(z.object({ n: z.number() }));
      return undefined;
    };
    expect((await receive(read, parts(field("a", '{"n":1}')))).read).toEqual({ n: 1 });
    const refused = await receive(read, parts(field("a", '{"n":"x"}')));
    expect([refused.status, JSON.parse(refused.text).errors]).toEqual([
      422,
      [{ in: "body", pointer: "#/n", detail: "Does not match the schema" }],
    ]);
    expect((await receive(read, parts(field("a", "{")))).status).toBe(400);
  });

  test("100,000 parts end after a thousand, in little time", async () => {
    const hundredThousand = many(100_000, (index) => field(`n${index}`, "v"));
    const started = performance.now();
    const refused = await receive(readAll(), hundredThousand, { maxBodySize: Number.POSITIVE_INFINITY });
    expect([refused.status, refused.detail]).toEqual([413, expect.stringContaining("more than 1000 parts (maxParts)")]);
    const collected = await receive((request) => request.formData(), hundredThousand, { maxBodySize: 1 << 30 });
    expect(collected.status).toBe(413);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
