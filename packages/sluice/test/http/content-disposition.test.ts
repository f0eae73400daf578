import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDisposition } from "../../src/body/multipart/disposition.js";
import { formatContentDisposition } from "../../src/http/content-disposition.js";

/** Halves of surrogate pairs included. */
const ANY_TEXT = fc.array(fc.nat({ max: 0xffff }), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes));

describe("Content-Disposition", () => {
  test.each([
    [undefined, "attachment"],
    ["report.pdf", 'attachment; filename="report.pdf"'],
    ["a b (1).txt", 'attachment; filename="a b (1).txt"'],
    ["é.txt", `attachment; filename="_.txt"; filename*=UTF-8''%C3%A9.txt`],
    ['a"b', `attachment; filename="a_b"; filename*=UTF-8''a%22b`],
    ["100%.txt", `attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt`],
    ["../../etc/passwd", 'attachment; filename=".._.._etc_passwd"'],
    ["a\\b", 'attachment; filename="a_b"'],
    ["a\r\nb\0", 'attachment; filename="a__b_"'],
    ["\ud800", `attachment; filename="_"; filename*=UTF-8''%EF%BF%BD`],
    ["it's*", `attachment; filename="it's_"; filename*=UTF-8''it%27s%2A`],
  ])("of %j is %s", (name, written) => {
    expect(formatContentDisposition("attachment", name)).toBe(written);
  });

  test("can ask to be shown", () => {
    expect(formatContentDisposition("inline", "a.png")).toBe('inline; filename="a.png"');
  });

  test("of any name is visible ASCII, and read back as that name but for separators and controls", () => {
    fc.assert(
      fc.property(ANY_TEXT, (name) => {
        const written = formatContentDisposition("attachment", name);
        expect(written).toMatch(/^[ -~]*$/);
        const expected = name.replace(/\p{Surrogate}/gu, "\ufffd").replace(/[\p{Cc}/\\]/gu, "_");
        expect(parseDisposition(written)).toMatchObject({ kind: "attachment", filename: expected });
      }),
    );
  });
});
