import { createReadStream } from "node:fs";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Payload } from "../../src/body/payload.js";
import type { MultipartInput } from "../../src/body/sending/multipart-parts.js";
import { multipartPayload } from "../../src/body/sending/multipart-payload.js";
import { UsageError } from "../../src/errors.js";
import { fileSize } from "../../src/platform/file-size.js";
import { collect, noise, turn } from "./support.js";

const LARGE = 200_000;

function made(input: MultipartInput): Payload {
  return multipartPayload(input, "b", { fileSize });
}

async function wireOf(payload: Payload): Promise<string> {
  return Buffer.concat(await collect(payload.open())).toString();
}

async function sent(input: MultipartInput): Promise<string> {
  const payload = made(input);
  const wire = await wireOf(payload);
  if (payload.length !== undefined) expect(payload.length).toBe(Buffer.byteLength(wire));
  return wire;
}

/** What the platform's own reader makes of it. */
async function readBack(payload: Payload): Promise<[string, string | File][]> {
  const bytes = Buffer.concat(await collect(payload.open()));
  const response = new Response(bytes, { headers: { "content-type": payload.contentType ?? "" } });
  return [...(await response.formData())] as [string, string | File][];
}

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-multipart-"));
  await writeFile(join(folder, "ten.txt"), "0123456789");
});
afterAll(() => rm(folder, { recursive: true }));

describe("on the wire", () => {
  test("parts stand between delimiters, each with its disposition, the last delimiter closed (RFC 2046 §5.1.1)", async () => {
    expect(await sent({ a: "1", b: "zwei" })).toBe(
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1' +
        '\r\n--b\r\nContent-Disposition: form-data; name="b"\r\n\r\nzwei' +
        "\r\n--b--\r\n",
    );
    expect(made({ a: "1" }).contentType).toBe("multipart/form-data; boundary=b");
  });

  test("a form without parts is the closing delimiter alone", async () => {
    expect(await sent({})).toBe("--b--\r\n");
    expect(await sent(new FormData())).toBe("--b--\r\n");
    expect(await sent([])).toBe("--b--\r\n");
  });

  test("files have a name and a type, JSON its type, text neither", async () => {
    const file = new File(["x"], "a.css", { type: "text/css" });
    const wire = await sent({
      file,
      data: { json: { a: 1 } },
      text: "t",
      bytes: new Uint8Array([65]),
      blob: new Blob(["y"]),
    });
    expect(wire).toContain('name="file"; filename="a.css"\r\nContent-Type: text/css\r\n\r\nx\r\n');
    expect(wire).toContain('name="data"\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n');
    expect(wire).toContain('name="text"\r\n\r\nt\r\n');
    expect(wire).toContain('name="bytes"\r\nContent-Type: application/octet-stream\r\n\r\nA\r\n');
    expect(wire).toContain('name="blob"; filename="blob"\r\nContent-Type: application/octet-stream\r\n\r\ny\r\n');
  });

  test("a part says its own file name, type and further fields", async () => {
    const headers = { "X-Note": "n", "Content-Language": "de" };
    const wire = await sent({ a: { body: "text", filename: "ä.txt", type: "text/csv", headers } });
    expect(wire).toContain(
      'name="a"; filename="ä.txt"\r\nX-Note: n\r\nContent-Language: de\r\nContent-Type: text/csv\r\n\r\ntext\r\n',
    );
    expect(await sent({ a: { body: "t", headers: { "content-type": "text/x" } } })).toContain(
      'name="a"\r\ncontent-type: text/x\r\n\r\nt\r\n',
    );
    expect(await sent({ a: { body: "t", filename: "f" } })).toContain("Content-Type: text/plain;charset=UTF-8\r\n");
  });

  test("in a record, arrays repeat the name, undefined is left out, numbers and booleans are text", async () => {
    const back = await readBack(made({ a: ["1", "2"], none: undefined, n: 5, yes: true, big: 7n }));
    expect(back).toEqual([
      ["a", "1"],
      ["a", "2"],
      ["n", "5"],
      ["yes", "true"],
      ["big", "7"],
    ]);
  });

  test("a list of parts or pairs keeps its order, and so does a Map", async () => {
    const list: MultipartInput = [{ name: "z", body: "1" }, ["a", "2"], ["z", { body: "3", type: "text/x" }]];
    expect((await readBack(made(list))).map(([name]) => name)).toEqual(["z", "a", "z"]);
    expect(await readBack(made(new Map([["k", "v"]])))).toEqual([["k", "v"]]);
  });
});

describe("names", () => {
  const EVIL = 'a"; filename="x\r\nX-Evil: 1\r\n\r\nbody\r\n--b--\r\n';

  test("a name or file name adds no line, no parameter and no part (RFC 7578 §4.2, HTML)", async () => {
    const wire = await sent([{ name: EVIL, body: "1", filename: EVIL }]);
    const escaped = "a%22; filename=%22x%0D%0AX-Evil: 1%0D%0A%0D%0Abody%0D%0A--b--%0D%0A";
    expect(wire).toBe(
      `--b\r\nContent-Disposition: form-data; name="${escaped}"; filename="${escaped}"\r\n` +
        "Content-Type: text/plain;charset=UTF-8\r\n\r\n1\r\n--b--\r\n",
    );
  });

  test("type and fields of a part are refused where they could add a line", () => {
    for (const part of [
      { body: "x", type: "a\r\nb: c" },
      { body: "x", headers: { "x-a": "1\r\nb: c" } },
      { body: "x", headers: { "x\r\na": "1" } },
      { body: "x", headers: { "content-disposition": "attachment" } },
    ]) {
      expect(() => made({ a: part }), JSON.stringify(part)).toThrow(UsageError);
    }
  });

  test("FormData goes out byte for byte as the platform's own fetch sends it", async () => {
    const form = new FormData();
    form.append("plain", "text");
    form.append('q"u\no\rt\r\ne', "line\nline\rline\r\nline");
    form.append("ünï", "wörld \u{1f600}");
    form.append("file", new File(["a\nb"], 'n"a\nm\r\ne ö.txt', { type: "text/plain" }));
    form.append("blob", new Blob(["raw"]));
    const theirs = new Request("http://a.test/", { method: "POST", body: form });
    const boundary = theirs.headers.get("content-type")?.split("boundary=")[1] ?? "";
    const ours = multipartPayload(form, boundary, {});
    expect(await wireOf(ours)).toBe(await theirs.text());
  });

  test("any name and text comes back from the platform's own reader", async () => {
    const text = fc.string({ unit: "binary", maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text), { maxLength: 4 }), async (pairs) => {
        const back = await readBack(multipartPayload(pairs, "unguessable-boundary", {}));
        // Lone surrogates are no text, the reader undoes nothing else than what browsers do, and a leading BOM is no part of a text.
        const names = pairs.map(([name]) => Buffer.from(name).toString());
        const undone = (name: string) => name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
        expect(back.length).toBe(pairs.length);
        expect(back.map(([name]) => undone(name))).toEqual(names.map(undone));
        expect(back.map(([, value]) => value)).toEqual(
          pairs.map(([, value]) => new TextDecoder().decode(Buffer.from(value))),
        );
      }),
      { numRuns: 40 },
    );
  });
});

describe("lengths and sources", () => {
  async function* pieces(...all: string[]): AsyncGenerator<string> {
    yield* all;
  }

  test("a small form in memory is whole, a large one is read in pieces of known length", async () => {
    expect(made({ a: "1", b: new Uint8Array(10) }).whole).toBeDefined();
    const large = made({ a: "1", b: noise(LARGE) });
    expect(large.whole).toBeUndefined();
    expect(large.length).toBe(Buffer.concat(await collect(large.open())).byteLength);
    expect(large.replayable).toBe(true);
  });

  test("files, file handles and blobs have a length; streams have one if it is said", async () => {
    const path = join(folder, "ten.txt");
    const handle = await open(path);
    const stream = made({ file: createReadStream(path) });
    expect(await wireOf(stream)).toContain(
      'filename="ten.txt"\r\nContent-Type: application/octet-stream\r\n\r\n0123456789\r\n',
    );
    expect([stream.length, stream.replayable]).toEqual([
      Buffer.byteLength(await sent({ file: createReadStream(path) })),
      false,
    ]);
    expect(await sent({ file: createReadStream(path, { start: 2, end: 4 }) })).toContain("\r\n234\r\n");
    const handled = made({ file: handle, blob: new Blob(["x"]) });
    expect([handled.replayable, (await wireOf(handled)).length]).toEqual([true, handled.length]);
    await handle.close();
    expect(made({ a: pieces("x") }).length).toBeUndefined();
    expect(await sent({ a: { body: pieces("abc", "de"), length: 5 } })).toContain("\r\n\r\nabcde\r\n");
  });

  test("it can be sent again if every part can: functions make streams anew", async () => {
    const payload = made({ a: "1", b: { body: () => pieces("x", "y"), filename: "f" }, c: noise(LARGE) });
    expect(payload.replayable).toBe(true);
    const first = await wireOf(payload);
    expect(first).toContain("\r\n\r\nxy\r\n");
    expect(await wireOf(payload)).toBe(first);
    const once = made({ a: pieces("x") });
    expect([once.replayable, once.untouched]).toEqual([false, true]);
    await wireOf(once);
    expect(once.untouched).toBe(false);
    expect(() => once.open()).toThrow(expect.objectContaining({ code: "body/already-used" }));
  });

  test("a part that gives more or less than it declared is an error that names it", async () => {
    for (const [length, relation] of [
      [4, "more"],
      [6, "less"],
    ] as const) {
      const payload = made([
        ["first", "1"],
        ["second", { body: pieces("abc", "de"), length }],
      ]);
      const error = await wireOf(payload).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "body/length-mismatch" });
      expect(String(error)).toContain(
        `part "second": its source gave ${relation} than the declared ${length} bytes (5)`,
      );
    }
  });

  test("pieces are pulled one at a time, and no part is begun before its turn", async () => {
    const log: string[] = [];
    async function* noted(name: string): AsyncGenerator<string> {
      for (const piece of ["1", "2"]) {
        log.push(name + piece);
        yield name + piece;
      }
    }
    const payload = made({ a: noted("a"), b: noted("b") });
    const reader = payload.open()[Symbol.asyncIterator]();
    await reader.next();
    expect(log).toEqual([]);
    await reader.next();
    expect(log).toEqual(["a1"]);
    await reader.next();
    await reader.next();
    expect(log).toEqual(["a1", "a2"]);
    await reader.return?.();
    expect(await reader.next()).toEqual({ value: undefined, done: true });
    expect(log).toEqual(["a1", "a2"]);
  });

  test("giving up, failing and never sending release every source", async () => {
    const streams = (): [Readable, Readable] => [new Readable({ read() {} }), new Readable({ read() {} })];
    const [never, neverEither] = streams();
    made({ a: never, b: neverEither }).discard();
    expect([never.destroyed, neverEither.destroyed]).toEqual([true, true]);

    const [begun, waiting] = streams();
    const reader = made({ a: begun, b: waiting }).open()[Symbol.asyncIterator]();
    await reader.next();
    const pending = reader.next().catch(() => undefined);
    await reader.return?.();
    expect([begun.destroyed, waiting.destroyed]).toEqual([true, true]);
    await pending;

    const broken = new Error("disk");
    const [failing, behind] = streams();
    const failed = made({ a: failing, b: behind }).open()[Symbol.asyncIterator]();
    await failed.next();
    const outcome = failed.next().catch((reason: unknown) => reason);
    failing.destroy(broken);
    expect(await outcome).toBe(broken);
    await turn();
    expect(behind.destroyed).toBe(true);
  });

  test("a web stream that is waited for is cancelled, not waited for", async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => undefined),
      cancel() {
        cancelled = true;
      },
    });
    const reader = made({ a: endless }).open()[Symbol.asyncIterator]();
    await reader.next();
    const pending = reader.next();
    await reader.return?.();
    expect(cancelled).toBe(true);
    expect((await pending).done).toBe(true);
  });
});

test("what is no form or no part is refused by name", () => {
  const bad: [unknown, string][] = [
    ["a=b", "no object"],
    [null, "no object"],
    [[{ body: "x" }], "no name"],
    [[["a"]], "needs one of body and json"],
    [[5], "no name"],
    [{ a: { body: "x", json: 1 } }, 'part "a" needs one of body and json'],
    [{ a: { body: "x", lenght: 1 } }, "lenght"],
    [{ a: { body: "x", length: -1 } }, "the length of part"],
    [{ a: { body: "x", length: 2 } }, 'part "a" has 1 bytes, not 2'],
    [{ a: { b: 1 } }, "Object"],
    [{ a: null }, "null"],
  ];
  for (const [input, named] of bad) {
    expect(() => made(input as MultipartInput), JSON.stringify(input)).toThrow(UsageError);
    expect(() => made(input as MultipartInput), JSON.stringify(input)).toThrow(named);
  }
});
