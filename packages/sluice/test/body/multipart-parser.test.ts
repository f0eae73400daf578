/** RFC 2046 §5.1 and RFC 7578, byte by byte: what is fed, what the sink is told. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundaryOf } from "../../src/body/multipart/boundary.js";
import { parseDisposition } from "../../src/body/multipart/disposition.js";
import {
  MULTIPART_DEFAULTS,
  type MultipartLimits,
  resolveMultipartLimits,
} from "../../src/body/multipart/multipart-limits.js";
import { MultipartParser } from "../../src/body/multipart/multipart-parser.js";
import { ContentTypeError, PayloadError, UsageError } from "../../src/errors.js";
import { cut, noise, textOf } from "./support.js";

const B = "--b0undary";

interface Part {
  readonly fields: readonly string[];
  content: string;
  ended: boolean;
}

/** The parts found, contents as one character a byte; or the code of the error. */
function parse(
  pieces: readonly Uint8Array[],
  limits: Partial<MultipartLimits> = {},
  boundary = "b0undary",
): Part[] | string {
  const parts: Part[] = [];
  const parser = new MultipartParser(boundary, resolveMultipartLimits(limits), {
    onPart: (fields) => parts.push({ fields: [...fields], content: "", ended: false }),
    onContent: (piece) => {
      const part = parts.at(-1);
      if (part === undefined || part.ended) throw new Error("content outside of a part");
      if (piece.byteLength === 0) throw new Error("an empty piece");
      part.content += Buffer.from(piece).toString("latin1");
    },
    onPartEnd: () => {
      const part = parts.at(-1);
      if (part === undefined || part.ended) throw new Error("an end outside of a part");
      part.ended = true;
    },
  });
  try {
    for (const piece of pieces) {
      const lent = new Uint8Array(piece);
      parser.feed(lent, true);
      lent.fill(0x21);
    }
    parser.end();
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return error.code;
  }
  return parts;
}

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

/** What every cut of `text` gives: in two at every place, byte by byte, and whole. They have to agree. */
function parsed(text: string, limits?: Partial<MultipartLimits>): Part[] | string {
  const bytes = latin1(text);
  const whole = parse([bytes], limits);
  expect(parse(cut(bytes, [1]), limits), "byte by byte").toEqual(whole);
  for (let at = 1; at < bytes.byteLength; at += 1) {
    expect(parse([bytes.slice(0, at), bytes.slice(at)], limits), `cut at ${at}`).toEqual(whole);
  }
  return whole;
}

function contents(text: string, limits?: Partial<MultipartLimits>): string[] | string {
  const parts = parsed(text, limits);
  return typeof parts === "string" ? parts : parts.map(({ content }) => content);
}

const part = (content: string, header = "") => `${B}\r\n${header}\r\n${content}\r\n`;

describe("parts (RFC 2046 §5.1.1)", () => {
  test("have header lines and content, both exactly as sent", () => {
    expect(parsed(`${B}\r\nA: 1\r\nb-C:  two \r\n\r\nline\r\n\r\nline\r\n${B}--\r\n`)).toEqual([
      { fields: ["A", "1", "b-C", "two"], content: "line\r\n\r\nline", ended: true },
    ]);
  });

  test.each([
    ["one", [""]],
    ["two, empty", ["", ""]],
    ["with line ends at both ends", ["\r\n", "\r\na\r\n"]],
    ["with what looks like the beginning of a boundary", ["\r\n--b0undar", "\r", "\r\n--", "\r\n-", "--b0undarx"]],
    ["with a boundary that no line begins with", [` ${B}`, `a${B}--`, `\n${B}`, `\r${B}`]],
    ["with repeated beginnings", ["\r\r\n\r\n--\r\n--b0\r\n--b0undar\r\n"]],
  ])("%s", (_what, all) => {
    expect(contents(`${all.map((one) => part(one)).join("")}${B}--`)).toEqual(all);
  });

  test("may be none at all", () => {
    expect(contents(`${B}--`)).toEqual([]);
    expect(contents(`${B}--\r\n`)).toEqual([]);
  });

  test("a preamble and an epilogue are not content, whatever is in them", () => {
    const preamble = "This is a message\r\n--b0undar\r\nA: b\r\n\r\n";
    const epilogue = `\r\nthe end\r\n${B}\r\n\r\nnot a part\r\n${B}--`;
    expect(contents(`${preamble}\r\n${part("x")}${B}--${epilogue}`)).toEqual(["x"]);
  });

  test("a boundary line may be padded", () => {
    expect(contents(`${B} \t\r\n\r\nx\r\n${B}\t--`)).toBe("multipart/bad-delimiter");
    expect(contents(`${B} \t \r\n\r\nx\r\n${B}  \r\n\r\ny\r\n${B}--  \r\nrest`)).toEqual(["x", "y"]);
  });

  test("a part with a header and nothing else ends at once", () => {
    expect(parsed(`${B}\r\nA: b\r\n\r\n${B}\r\n\r\n${B}--`)).toEqual([
      { fields: ["A", "b"], content: "", ended: true },
      { fields: [], content: "", ended: true },
    ]);
  });

  test("a multipart within a part is its content", () => {
    const inner = `--inner\r\n\r\nx\r\n--inner--\r\n`;
    expect(contents(`${part(inner, "Content-Type: multipart/mixed; boundary=inner\r\n")}${B}--`)).toEqual([inner]);
  });

  test("any bytes are content, NUL and non-ASCII included", () => {
    const bytes = textOf(new Uint8Array(0)) + Buffer.from(noise(300)).toString("latin1");
    expect(contents(`${part(`\0${bytes}`)}${B}--`)).toEqual([`\0${bytes}`]);
  });

  test("a folded header line is one line", () => {
    expect(parsed(`${B}\r\nA: one;\r\n\t two\r\n  three\r\n\r\n\r\n${B}--`)).toEqual([
      { fields: ["A", "one; two three"], content: "", ended: true },
    ]);
  });

  test("header values are UTF-8", () => {
    const header = Buffer.from('Content-Disposition: form-data; name="é€"\r\n').toString("latin1");
    const [first] = parsed(`${part("", header)}${B}--`) as Part[];
    expect(first?.fields[1]).toBe('form-data; name="é€"');
  });
});

describe("what is refused", () => {
  test.each([
    ["nothing at all", ""],
    ["no boundary", "a\r\nb\r\n"],
    ["another boundary", "--other\r\n\r\nx\r\n--other--"],
    ["no last boundary", part("x")],
    ["no line end before the last boundary", `${B}\r\n\r\nx${B}--`],
    ["one dash of two", `${part("x")}${B}-`],
    ["an end within a header", `${B}\r\nA: b\r\n`],
    ["an end within a boundary line", `${part("x")}${B}\r`],
  ])("%s is a body cut short", (_what, text) => {
    expect(contents(text)).toBe("multipart/truncated");
  });

  test.each([
    ["more letters", `${B}x\r\n\r\n\r\n${B}--`],
    ["LF alone", `${B}\n\nx\n${B}--`],
    ["CR without LF", `${B}\rx`],
    ["text after padding", `${B} x\r\n\r\n`],
    ["a dash and something else", `${B}-x`],
    ["a dash after padding", `${B} --`],
  ])("a boundary followed by %s", (_what, text) => {
    expect(contents(text)).toBe("multipart/bad-delimiter");
  });

  test.each([
    ["without a colon", "A b\r\n"],
    ["without a name", ": b\r\n"],
    ["with a space before the colon", "A : b\r\n"],
    ["ended by LF alone", "A: b\n"],
    ["with NUL", "A: b\0\r\n"],
    ["with CR in it", "A: b\rc\r\n"],
    ["continued before it began", " b\r\n"],
    ["with a name that is no token", "A\u00e9: b\r\n"],
  ])("a header line %s", (_what, header) => {
    expect(contents(`${part("x", header)}${B}--`)).toBe("multipart/bad-header");
  });
});

describe("limits", () => {
  const three = `${part("a")}${part("b")}${part("c")}${B}--`;

  test("parts: as many as allowed pass, one more does not", () => {
    expect(contents(three, { maxParts: 3 })).toEqual(["a", "b", "c"]);
    expect(contents(three, { maxParts: 2 })).toBe("multipart/too-many-parts");
    expect(contents(`${B}--`, { maxParts: 0 })).toEqual([]);
    expect(contents(part("a"), { maxParts: 0 })).toBe("multipart/too-many-parts");
    const many = latin1(`${part("").repeat(1_001)}${B}--`);
    expect(parse([many])).toBe("multipart/too-many-parts");
    expect(parse([many], { maxParts: Number.POSITIVE_INFINITY })).toHaveLength(1_001);
    expect(parse([many.subarray(part("").length)])).toHaveLength(1_000);
  });

  test("the header's bytes: all of its lines and the empty one", () => {
    const header = "A: 123\r\nB: 4\r\n";
    expect(contents(`${part("x", header)}${B}--`, { maxPartHeaderBytes: header.length + 2 })).toEqual(["x"]);
    expect(contents(`${part("x", header)}${B}--`, { maxPartHeaderBytes: header.length + 1 })).toBe(
      "multipart/header-too-large",
    );
    // Counted for each part anew, and before a line has ended.
    const twice = `${part("x", header)}${part("y", header)}${B}--`;
    expect(contents(twice, { maxPartHeaderBytes: header.length + 2 })).toEqual(["x", "y"]);
    expect(contents(`${B}\r\nA: ${"x".repeat(50)}`, { maxPartHeaderBytes: 52 })).toBe("multipart/header-too-large");
    const large = [latin1(`${part("x", `A: ${"x".repeat(16 * 1024 - 6)}\r\n`)}${B}--`)];
    expect(parse(large)).toBe("multipart/header-too-large");
    expect(parse(large, { maxPartHeaderBytes: Number.POSITIVE_INFINITY })).toHaveLength(1);
    expect(parse([latin1(`${part("x", `A: ${"x".repeat(16 * 1024 - 7)}\r\n`)}${B}--`)])).toHaveLength(1);
  });

  test("the header's lines", () => {
    const lines = (count: number) => latin1(`${part("x", "A: b\r\n".repeat(count))}${B}--`);
    expect(parse([lines(64)])).toHaveLength(1);
    expect(parse([lines(65)])).toBe("multipart/too-many-headers");
    expect(parse([lines(2)], { maxPartHeaders: 2 })).toHaveLength(1);
    expect(parse([lines(3)], { maxPartHeaders: 2 })).toBe("multipart/too-many-headers");
    expect(parse([lines(1)], { maxPartHeaders: 0 })).toBe("multipart/too-many-headers");
    expect(parse([lines(500)], { maxPartHeaders: Number.POSITIVE_INFINITY })).toHaveLength(1);
  });

  test("all of it, what is no content included", () => {
    const text = `preamble\r\n${three}\r\nepilogue`;
    expect(contents(text, { maxTotalBytes: text.length })).toEqual(["a", "b", "c"]);
    expect(contents(text, { maxTotalBytes: text.length - 1 })).toBe("multipart/too-large");
    expect(MULTIPART_DEFAULTS.maxTotalBytes).toBe(Number.POSITIVE_INFINITY);
  });

  test("are met in the order of the bytes, however these are cut", () => {
    const longHeader = latin1(`${part("x", `A: ${"b".repeat(300)}\r\n`)}${B}--`);
    const both = { maxPartHeaderBytes: 200, maxTotalBytes: 300 };
    expect(parse([longHeader], both)).toBe("multipart/header-too-large");
    expect(parse([longHeader.subarray(0, 250), longHeader.subarray(250)], both)).toBe("multipart/header-too-large");
    expect(parse([longHeader], { maxPartHeaderBytes: 400, maxTotalBytes: 300 })).toBe("multipart/too-large");
  });

  test("that there are not, or cannot be, are refused", () => {
    expect(() => resolveMultipartLimits({ maxPart: 1 } as object)).toThrow('multipart option "maxPart"');
    for (const name of Object.keys(MULTIPART_DEFAULTS)) {
      expect(() => resolveMultipartLimits({ [name]: -1 })).toThrow(UsageError);
      expect(() => resolveMultipartLimits({ [name]: Number.NaN })).toThrow(name);
      expect(() => resolveMultipartLimits({ [name]: "1" })).toThrow(name);
    }
    expect(() => resolveMultipartLimits({ maxPartHeaderBytes: 1 })).toThrow("from 2");
    expect(resolveMultipartLimits({ maxFieldBytes: 0 })).toEqual({ ...MULTIPART_DEFAULTS, maxFieldBytes: 0 });
  });
});

describe("for any content", () => {
  const token = fc.constantFrom(
    "\r",
    "\n",
    "\r\n",
    "-",
    "--",
    "b0undary",
    "b0undar",
    "--b0undary",
    "x",
    "é",
    "\0",
    "\r\n--",
  );
  const content = fc
    .array(token, { maxLength: 12 })
    .map((tokens) => tokens.join(""))
    .filter((text) => !`\r\n${text}\r\n`.includes(`\r\n${B}`));

  test("what is written is read, however it is cut", () => {
    const sizes = fc.array(fc.nat(9), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(content, { maxLength: 5 }), sizes, (all, cuts) => {
        const bytes = latin1(`${all.map((one) => part(one, "A: b\r\n")).join("")}${B}--\r\n`);
        const parts = parse(cut(bytes, cuts));
        expect(typeof parts === "string" ? parts : parts.map((one) => one.content)).toEqual(all);
      }),
      { numRuns: 300 },
    );
  });

  test("any tokens at all have the same outcome however they are cut", () => {
    const soup = fc.array(fc.oneof(token, fc.constantFrom(`\r\n${B}\r\n`, `${B}--`, "A: b\r\n", " ")), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(soup, fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }), (tokens, sizes) => {
        const bytes = latin1(tokens.join(""));
        expect(parse(cut(bytes, sizes))).toEqual(parse([bytes]));
      }),
      { numRuns: 500 },
    );
  });

  test("hostile contents take time in proportion to their length, whole or cut to bytes", () => {
    const boundary = `${"-".repeat(69)}x`;
    const hostile = ["\r\n--", "\r", "\r\n".repeat(3), `\r\n--${"-".repeat(69)}`, `\r\n--${"-".repeat(68)}`, "-"];
    for (const unit of hostile) {
      const content = unit.repeat(Math.ceil(200_000 / unit.length));
      const bytes = latin1(`--${boundary}\r\n\r\n${content}\r\n--${boundary}--`);
      for (const sizes of [[bytes.byteLength], [64 * 1024], [71], [1]]) {
        const started = performance.now();
        expect(parse(cut(bytes, sizes), {}, boundary)).toHaveLength(1);
        // Quadratic would be minutes.
        expect(performance.now() - started, `${JSON.stringify(unit)} in pieces of ${sizes[0]}`).toBeLessThan(5_000);
      }
    }
  });
});

describe("boundaryOf", () => {
  test.each([
    ["multipart/form-data; boundary=abc", "abc"],
    ['Multipart/Mixed; charset=x; Boundary="a b\\"c"', 'a b"c'],
    ["multipart/byteranges; boundary=THIS_STRING_SEPARATES", "THIS_STRING_SEPARATES"],
    [`multipart/x; boundary=${"a".repeat(70)}`, "a".repeat(70)],
  ])("of %s", (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });

  test.each([
    ["multipart/form-data"],
    ['multipart/form-data; boundary=""'],
    [`multipart/form-data; boundary=${"a".repeat(71)}`],
    ['multipart/form-data; boundary="a "'],
    ['multipart/form-data; boundary="a\tb"'],
  ])("of %s there is none", (type) => {
    expect(() => boundaryOf(type)).toThrow(expect.objectContaining({ code: "multipart/no-boundary" }));
  });

  test("of another type there is none to ask for", () => {
    for (const type of [undefined, "text/plain; boundary=a", "multipart"]) {
      expect(() => boundaryOf(type)).toThrow(ContentTypeError);
    }
  });
});

describe("parseDisposition", () => {
  test.each([
    // As browsers write it.
    ['form-data; name="a"', "a", undefined],
    ['form-data; name="a"; filename=""', "a", ""],
    ['form-data; name="a"; filename="C:\\dir\\f.txt"', "a", "C:\\dir\\f.txt"],
    ['form-data; name="a%22b%0D%0Ac%20%41"; filename="x%0ay"', 'a"b\r\nc%20%41', "x\ny"],
    ['form-data; name="a\\"; filename="b\\"', "a\\", "b\\"],
    ['form-data; name="a;b"; filename="c; d=e"', "a;b", "c; d=e"],
    // As older programs do.
    ['form-data; name="a\\"b"; filename="\\"x\\" y"', 'a"b', '"x" y'],
    ["form-data; name=a; filename=b.txt", "a", "b.txt"],
    ['FORM-DATA ;NAME = "a" ;FileName= "b"', "a", "b"],
    ['form-data; name="a"; name="b"', "a", undefined],
    // RFC 8187.
    ["form-data; name=a; filename*=UTF-8''%e2%82%ac%20rates", "a", "€ rates"],
    ["form-data; name=a; filename=x; filename*=utf-8'en'%C3%A9", "a", "é"],
    ["form-data; name=a; filename*=iso-8859-1''%E9; filename=x", "a", "é"],
    ["form-data; name=a; filename=x; filename*=UTF-8''%ff", "a", "x"],
    ["form-data; name=a; filename=x; filename*=utf-7''y", "a", "x"],
    // Malformed.
    ["form-data", undefined, undefined],
    ['form-data; name="a', "a", undefined],
    ["form-data;;; name; =x; filename=y", undefined, "y"],
    ["", undefined, undefined],
  ])("%s", (value, name, filename) => {
    const found = parseDisposition(value);
    expect([found.name, found.filename]).toEqual([name, filename]);
    expect(found.kind).toBe(value === "" ? "" : "form-data");
  });

  test("of no field is nothing; many quotes take linear time", () => {
    expect(parseDisposition(null)).toEqual({ kind: "", name: undefined, filename: undefined });
    const started = performance.now();
    parseDisposition(`form-data; name="${'\\" '.repeat(100_000)}`);
    parseDisposition(`form-data; name="${'\\"'.padEnd(100_000)}`);
    parseDisposition(`form-data${'; a="b"'.repeat(50_000)}`);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
