/** Parts as they are read: in order, while they arrive, passed over, given up, and broken off. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Body } from "../../src/body/body.js";
import { collectFormData } from "../../src/body/multipart/form-data.js";
import { type MultipartLimits, resolveMultipartLimits } from "../../src/body/multipart/multipart-limits.js";
import type { MultipartPart } from "../../src/body/multipart/multipart-part.js";
import { MultipartReader } from "../../src/body/multipart/multipart-reader.js";
import { PayloadError, UsageError } from "../../src/errors.js";
import { collect, cut, lend, noise, OwnerSpy, SourceSpy, textOf, turn, utf8 } from "./support.js";

const FORM = [
  '--B\r\nContent-Disposition: form-data; name="title"\r\n\r\nHéllo\r\n',
  '--B\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\nContent-Type: application/json\r\n\r\n{"n":1}\r\n',
  '--B\r\nContent-Disposition: form-data; name="last"\r\nContent-Type: text/plain; charset=latin1\r\n\r\n\u00e9\r\n--B--\r\n',
].join("");

interface Reading {
  readonly body: Body;
  readonly source: SourceSpy;
  readonly owner: OwnerSpy;
  readonly parts: MultipartReader;
}

function reading(limits: Partial<MultipartLimits> = {}, maxBytes = 2_000_000): Reading {
  const source = new SourceSpy();
  const body = new Body(source);
  const owner = new OwnerSpy();
  body.ownedBy(owner);
  const settings = {
    boundary: "B",
    limits: resolveMultipartLimits(limits),
    maxBytes,
    save: async (_path: string | URL, saved: Body) => (await saved.bytes()).byteLength,
  };
  return { body, source, owner, parts: body.readWith((flow) => new MultipartReader(flow, settings)) };
}

/** Everything is there already. */
function arrived(pieces: readonly Uint8Array[], limits?: Partial<MultipartLimits>, maxBytes?: number): Reading {
  const made = reading(limits, maxBytes);
  for (const piece of pieces) lend(made.body, piece);
  made.body.finish([]);
  return made;
}

async function named(parts: AsyncIterable<MultipartPart>): Promise<[string | undefined, string][]> {
  const seen: [string | undefined, string][] = [];
  for await (const part of parts) seen.push([part.name, await part.text()]);
  return seen;
}

const field = (name: string, content: string) =>
  `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;

describe("parts", () => {
  const bytes = utf8(FORM.slice(0, FORM.lastIndexOf("\u00e9")));
  const whole = new Uint8Array([...bytes, 0xe9, ...utf8("\r\n--B--\r\n")]);

  test("have names, filenames, types, headers and contents, however they arrive", async () => {
    for (const sizes of [[whole.byteLength], [1], [7, 50]]) {
      const { parts } = arrived(cut(whole, sizes));
      const seen: unknown[] = [];
      for await (const part of parts) {
        const { name, filename, type } = part;
        seen.push([name, filename, type, part.headers.has("Content-Disposition"), await part.text()]);
      }
      expect(seen).toEqual([
        ["title", undefined, undefined, true, "Héllo"],
        ["file", "a.json", "application/json", true, '{"n":1}'],
        ["last", undefined, "text/plain; charset=latin1", true, "é"],
      ]);
    }
  });

  test("are read in every way that a body is", async () => {
    const ways: [(part: MultipartPart) => Promise<unknown>, unknown][] = [
      [(part) => part.json(), { n: 1 }],
      [(part) => part.json(z.object({ n: z.number() })), { n: 1 }],
      [async (part) => textOf(await part.bytes()), '{"n":1}'],
      [async (part) => Buffer.concat(await collect(part)).toString(), '{"n":1}'],
      [(part) => collect(part.body.lines()), ['{"n":1}']],
      [async (part) => Buffer.concat(await collect(part.body.toWeb())).toString(), '{"n":1}'],
      [async (part) => Buffer.concat(await collect(part.body.toNode())).toString(), '{"n":1}'],
      [async (part) => (await part.body.blob()).type, "application/json"],
      [(part) => part.save("anywhere"), 7],
    ];
    for (const [read, expected] of ways) {
      for (const sizes of [[whole.byteLength], [1]]) {
        const { parts } = arrived(cut(whole, sizes));
        await parts.next();
        const { value } = await parts.next();
        if (value === undefined) throw new Error("no second part");
        expect(await read(value)).toEqual(expected);
        expect((await parts.next()).value?.name).toBe("last");
        expect(await parts.next()).toEqual({ value: undefined, done: true });
      }
    }
  });

  test("are there as soon as their header is, and their bytes as they come", async () => {
    const { body, parts } = reading();
    const next = parts.next();
    lend(body, utf8('--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nfir'));
    const { value: part } = await next;
    const pieces = part?.[Symbol.asyncIterator]();
    expect(textOf((await pieces?.next())?.value ?? utf8(""))).toBe("fir");
    const more = pieces?.next();
    lend(body, utf8("st\r\n--B"));
    expect(textOf((await more)?.value ?? utf8(""))).toBe("st");
    const end = pieces?.next();
    lend(body, utf8("--"));
    expect(await end).toEqual({ value: undefined, done: true });
    expect(await parts.next()).toEqual({ value: undefined, done: true });
  });

  test("that nobody reads are passed over", async () => {
    const { parts, owner } = arrived(cut(utf8(`${field("a", "x".repeat(200_000))}${field("b", "y")}--B--`), [999]));
    const names: (string | undefined)[] = [];
    for await (const { name } of parts) names.push(name);
    expect(names).toEqual(["a", "b"]);
    expect(owner.events).toContain("finished");
  });

  test("may be collected while the next one is asked for", async () => {
    const { parts } = arrived(cut(utf8(`${field("a", "one")}${field("b", "two")}--B--`), [5]));
    const texts: Promise<string>[] = [];
    for await (const part of parts) texts.push(part.text());
    expect(await Promise.all(texts)).toEqual(["one", "two"]);
  });

  test("left half read when the next one is asked for, are over", async () => {
    const { parts } = arrived(cut(utf8(`${field("a", "x".repeat(5_000))}${field("b", "two")}--B--`), [500]));
    const { value: first } = await parts.next();
    const pieces = first?.[Symbol.asyncIterator]();
    await pieces?.next();
    const { value: second } = await parts.next();
    expect(await second?.text()).toBe("two");
    await expect(pieces?.next()).rejects.toMatchObject({ code: "multipart/part-passed" });
  });

  test("are read once: a second time is refused", async () => {
    const { parts } = arrived([utf8(`${field("a", "x")}--B--`)]);
    const { value: part } = await parts.next();
    await part?.text();
    await expect(part?.text()).rejects.toMatchObject({ code: "body/already-used" });
  });

  test("of multipart/byteranges come with their ranges", async () => {
    const ranges = utf8(
      "\r\n--B\r\nContent-Type: application/pdf\r\nContent-Range: bytes 0-4/9\r\n\r\n01234\r\n" +
        "--B\r\nContent-Range: bytes 7-8/9\r\n\r\n78\r\n--B--\r\n",
    );
    const seen: unknown[] = [];
    for await (const part of arrived(cut(ranges, [3])).parts) {
      seen.push([part.name, part.headers.get("content-range"), await part.text()]);
    }
    expect(seen).toEqual([
      [undefined, "bytes 0-4/9", "01234"],
      [undefined, "bytes 7-8/9", "78"],
    ]);
  });
});

describe("flow", () => {
  test("nothing is taken before a part is asked for, and no more than is wanted", async () => {
    const { body, source, parts } = reading();
    lend(body, utf8(field("a", "")));
    expect(lend(body, noise(70_000))).toBe(false);
    await turn();
    const { value: part } = await parts.next();
    expect(part?.name).toBe("a");
    await turn();
    // The large piece was not asked for: the source still waits.
    expect(source.calls).toEqual([]);
    expect(lend(body, utf8("more"))).toBe(false);
  });

  test("leaving the loop gives the body up, and a part that is being read with it", async () => {
    const { body, source, parts } = reading();
    lend(body, utf8(`--B\r\n\r\nbegin`));
    const { value: part } = await parts.next();
    const text = part?.text();
    await parts.return();
    expect(source.calls).toContain("cancel");
    await expect(text).rejects.toMatchObject({ code: "body/cancelled" });
    expect(await parts.next()).toEqual({ value: undefined, done: true });
  });

  test("a body that has had its last boundary is over at once; the rest passes, up to a limit", async () => {
    const { body, owner, source, parts } = reading();
    lend(body, utf8(`${field("a", "x")}--B--\r\n`));
    expect(await named(parts)).toEqual([["a", "x"]]);
    lend(body, noise(60_000));
    expect(owner.events).not.toContain("cancelled");
    lend(body, noise(10_000));
    expect(owner.events).toContain("cancelled");
    expect(source.calls).toContain("cancel");
  });

  test("several may wait for parts at once, and are served in order", async () => {
    const { body, parts } = reading();
    const waiting = [parts.next(), parts.next(), parts.next()];
    lend(body, utf8(`${field("a", "")}${field("b", "")}--B--`));
    const results = await Promise.all(waiting);
    expect(results.map(({ value, done }) => value?.name ?? done)).toEqual(["a", "b", true]);
  });
});

describe("what goes wrong", () => {
  test("a body cut short: what was complete is given, then the error, to part and iteration", async () => {
    const { parts } = arrived([utf8(`${field("a", "x")}--B\r\n\r\ncut off`)]);
    expect(await (await parts.next()).value?.text()).toBe("x");
    const { value: second } = await parts.next();
    await expect(second?.text()).rejects.toMatchObject({ code: "multipart/truncated" });
    await expect(parts.next()).rejects.toMatchObject({ code: "multipart/truncated" });
    expect(await parts.next()).toEqual({ value: undefined, done: true });
  });

  test("a connection that breaks tells both", async () => {
    const { body, parts } = reading();
    lend(body, utf8("--B\r\n\r\nhalf"));
    const { value: part } = await parts.next();
    const text = part?.text();
    body.fail(new PayloadError("body/incomplete", "Cut"));
    await expect(text).rejects.toMatchObject({ code: "body/incomplete" });
    await expect(parts.next()).rejects.toMatchObject({ code: "body/incomplete" });
  });

  test("what is malformed ends the body and its source", async () => {
    const { body, source, owner, parts } = reading();
    lend(body, utf8("--B\r\nno colon\r\n\r\n"));
    await expect(parts.next()).rejects.toMatchObject({ code: "multipart/bad-header" });
    expect(source.calls).toContain("cancel");
    expect(owner.described).toBe(1);
  });

  test("fields have a limit, files have not", async () => {
    const file = '--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n0123456789\r\n';
    const text = (content: string) => [utf8(`${field("a", content)}${file}--B--`)];
    expect(await named(arrived(text("12345"), { maxFieldBytes: 5 }).parts)).toHaveLength(2);
    const beyond = named(arrived(text("123456"), { maxFieldBytes: 5 }).parts);
    await expect(beyond).rejects.toMatchObject({
      code: "multipart/field-too-large",
      message: 'Cannot read the multipart body: field "a" has more than 5 bytes (maxFieldBytes)',
    });
    const mebibyte = "x".repeat(1024 * 1024);
    expect(await named(arrived(text(mebibyte)).parts)).toHaveLength(2);
    const tooMuch = text(`${mebibyte}x`);
    await expect(named(arrived(tooMuch).parts)).rejects.toMatchObject({
      code: "multipart/field-too-large",
    });
    const off = arrived(tooMuch, { maxFieldBytes: Number.POSITIVE_INFINITY }, 2_000_000);
    expect(await named(off.parts)).toHaveLength(2);
  });

  test("a part that is taken in whole is no larger than any whole body", async () => {
    const { parts } = arrived([utf8(`${field("a", "123456")}${field("b", "y")}--B--`)], {}, 5);
    const { value: part } = await parts.next();
    await expect(part?.text()).rejects.toMatchObject({ code: "body/too-large" });
    expect(await (await parts.next()).value?.text()).toBe("y");
  });

  test("an unread failing body causes no unhandled rejection", async () => {
    const { body, parts } = reading();
    lend(body, utf8("--B\r\n\r\nhalf"));
    await parts.next();
    body.fail(new Error("gone"));
    await turn();
  });

  test("a part passed over on purpose is the caller's doing: a UsageError", async () => {
    const { parts } = arrived(cut(utf8(`${field("a", "x".repeat(500))}--B--`), [100]));
    const { value: part } = await parts.next();
    const stream = part?.body.toNode();
    await parts.next();
    if (stream === undefined) throw new Error("no part");
    await expect(collect(stream)).rejects.toBeInstanceOf(UsageError);
  });
});

describe("collectFormData", () => {
  test("makes files of parts with a filename, and text of the others", async () => {
    const bytes = new Uint8Array([
      ...utf8(field("a", "\uFEFFé")),
      ...utf8('--B\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\n\r\n'),
      0xff,
      ...utf8(
        '\r\n--B\r\nContent-Disposition: form-data; name="f"; filename=""\r\nContent-Type: image/png\r\n\r\n\r\n--B--',
      ),
    ]);
    const form = await collectFormData(arrived([bytes]).parts);
    expect([...form.keys()]).toEqual(["a", "f", "f"]);
    expect(form.get("a")).toBe("é");
    const [first, second] = form.getAll("f") as File[];
    expect([first?.name, first?.type, first?.size]).toEqual(["x.bin", "text/plain", 1]);
    expect([second?.name, second?.type, second?.size]).toEqual(["", "image/png", 0]);
  });

  test("a part without a name is refused", async () => {
    const { parts, source } = arrived([utf8("--B\r\n\r\nx\r\n--B--")]);
    await expect(collectFormData(parts)).rejects.toMatchObject({ code: "multipart/no-name" });
    expect(source.calls).toEqual([]);
  });
});
