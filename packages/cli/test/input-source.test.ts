import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { countInputs, InputSource } from "../src/fetch/input-source.js";
import { readLines } from "../src/fetch/read-lines.js";

async function linesOf(pieces: readonly Uint8Array[], maxBytes = 100): Promise<string[]> {
  const lines: string[] = [];
  for await (const { text, tooLong } of readLines(Readable.from(pieces), maxBytes))
    lines.push(tooLong ? `${text}…` : text);
  return lines;
}

describe("lines", () => {
  test("are the same however the bytes are cut", async () => {
    const bytes = Buffer.from("\uFEFFone\r\ntwo ü€\n\nlast\r\r\nno end");
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].filter((piece) => piece.length > 0);
      expect(await linesOf(pieces), `cut at ${cut}`).toEqual(["one", "two ü€", "", "last\r", "no end"]);
    }
    expect(await linesOf([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual([
      "one",
      "two ü€",
      "",
      "last\r",
      "no end",
    ]);
  });

  test("of exactly the most bytes are whole, of one more are cut off and passed over", async () => {
    const bytes = Buffer.from("12345\n123456\nafter\n1234567890");
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(await linesOf(pieces, 5), `cut at ${cut}`).toEqual(["12345", "12345…", "after", "12345…"]);
    }
  });

  test("end with the bytes: nothing comes of nothing, and a last line end begins no line", async () => {
    expect(await linesOf([])).toEqual([]);
    expect(await linesOf([Buffer.from("a\n")])).toEqual(["a"]);
    expect(await linesOf([Buffer.from("\n")])).toEqual([""]);
  });

  test("of malformed UTF-8 have replacement characters", async () => {
    expect(await linesOf([Uint8Array.of(0x61, 0xff, 0x0a)])).toEqual(["a\uFFFD"]);
  });

  test("hold the stream back until they are taken", async () => {
    let given = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += 1;
        yield Buffer.from("x\n");
      }
    }
    const lines = readLines(source(), 10);
    await lines.next();
    await lines.next();
    expect(given).toBe(2);
    await lines.return();
  });
});

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-input-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function fileOf(text: string): Promise<string> {
  const path = join(folder, "urls.txt");
  await writeFile(path, text);
  return path;
}

const noStdin = (): Readable => {
  throw new Error("Standard input was not asked for");
};

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

describe("inputs", () => {
  test("are the arguments, then the lines of the file, without comments, blank lines and spaces around", async () => {
    const file = await fileOf("# comment\n\n  http://a/1  \n\t# another\nhttp://a/2#part\n");
    const place = { urls: ["http://b/"], file };
    const source = await InputSource.open(place, noStdin);
    expect(await collect(source)).toEqual([
      { index: 0, url: "http://b/", tooLong: false },
      { index: 1, url: "http://a/1", tooLong: false },
      { index: 2, url: "http://a/2#part", tooLong: false },
    ]);
    expect(await countInputs(place)).toBe(3);
  });

  test("get the scheme that they leave out, arguments and lines alike", async () => {
    const file = await fileOf("example.com/a\nnonsense\n");
    const inputs = await collect(await InputSource.open({ urls: ["localhost:8080"], file }, noStdin));
    expect(inputs.map(({ url }) => url)).toEqual(["http://localhost:8080", "https://example.com/a", "nonsense"]);
  });

  test("may come twice", async () => {
    const source = await InputSource.open({ urls: ["http://a/", "http://a/"], file: undefined }, noStdin);
    expect(await collect(source)).toHaveLength(2);
  });

  test("come from standard input for -, whose number nobody knows before", async () => {
    const place = { urls: [], file: "-" };
    const source = await InputSource.open(place, () => Readable.from([Buffer.from("http://a/1\nhttp://a/2")]));
    expect((await collect(source)).map(({ url }) => url)).toEqual(["http://a/1", "http://a/2"]);
    expect(await countInputs(place)).toBeUndefined();
  });

  test("that are longer than any URL are given cut off", async () => {
    const file = await fileOf(`http://a/${"x".repeat(70_000)}\nhttp://a/2\n`);
    const inputs = await collect(await InputSource.open({ urls: [], file }, noStdin));
    expect(inputs.map(({ tooLong }) => tooLong)).toEqual([true, false]);
    expect(inputs[0]?.url).toHaveLength(65_536);
  });

  test.each(["missing.txt", "."])("from %s are refused in one line", async (name) => {
    const opening = InputSource.open({ urls: [], file: join(folder, name) }, noStdin);
    await expect(opening).rejects.toThrow(/^Cannot read .*: (there is no such file|it is a directory)$/);
  });
});

describe("a stop", () => {
  test("ends the iteration while it waits for a line, and what comes then is the rest", async () => {
    const stdin = new PassThrough();
    const source = await InputSource.open({ urls: ["http://a/1"], file: "-" }, () => stdin);
    const iterator = source[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ url: "http://a/1" });
    const waiting = iterator.next();
    await new Promise((resolve) => setImmediate(resolve));
    source.stop();
    expect(await waiting).toEqual({ done: true, value: undefined });
    stdin.end("http://a/2\n# no\nhttp://a/3\n");
    expect(await collect(source.rest())).toEqual(["http://a/2", "http://a/3"]);
  });

  test("between two inputs leaves the second one to the rest, each input once", async () => {
    const file = await fileOf("1\n2\n3\n4\n");
    const source = await InputSource.open({ urls: [], file }, noStdin);
    const seen: string[] = [];
    for await (const { url } of source) {
      seen.push(url);
      if (url === "2") source.stop();
    }
    expect(seen).toEqual(["1", "2"]);
    expect(await collect(source.rest())).toEqual(["3", "4"]);
  });

  test("after the last input leaves no rest", async () => {
    const source = await InputSource.open({ urls: ["1"], file: undefined }, noStdin);
    await collect(source);
    source.stop();
    expect(await collect(source.rest())).toEqual([]);
  });

  test("does not leave lines that were too long to the rest", async () => {
    const file = await fileOf(`1\n${"x".repeat(70_000)}\n2\n`);
    const source = await InputSource.open({ urls: [], file }, noStdin);
    source.stop();
    expect(await collect(source)).toEqual([]);
    expect(await collect(source.rest())).toEqual(["1", "2"]);
  });
});
