import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { safeFilename } from "../../src/body/multipart/safe-filename.js";

describe("safeFilename", () => {
  test.each([
    ["report.pdf", "report.pdf"],
    ["Übergrößenträger 日本.txt", "Übergrößenträger 日本.txt"],
    ["../../etc/passwd", "passwd"],
    ["C:\\Users\\ada\\photo.jpg", "photo.jpg"],
    ["a:b.txt", "a_b.txt"],
    [".htaccess", "htaccess"],
    ["...", "file"],
    ["..", "file"],
    ["", "file"],
    ["/", "file"],
    ["name.", "name"],
    [" spaced .txt ", "spaced .txt"],
    ["NUL", "_NUL"],
    ["com1.txt", "_com1.txt"],
    ["console.txt", "console.txt"],
    ["a\u0000b\r\n.txt", "ab.txt"],
    ["photo\u202egpj.exe", "photogpj.exe"],
    ['<script>|"?*', "_script_____"],
    ["\ud800x", "x"],
  ])("%j becomes %j", (given, expected) => {
    expect(safeFilename(given)).toBe(expected);
  });

  test("has at most 200 bytes, cut between characters, with its ending", () => {
    expect(safeFilename(`${"a".repeat(196)}.txt`)).toBe(`${"a".repeat(196)}.txt`);
    expect(safeFilename(`${"a".repeat(197)}.txt`)).toBe(`${"a".repeat(196)}.txt`);
    expect(safeFilename(`${"é".repeat(150)}.jpeg`)).toBe(`${"é".repeat(97)}.jpeg`);
    expect(safeFilename("x".repeat(300))).toBe("x".repeat(200));
    expect(safeFilename(`a.${"x".repeat(300)}`)).toBe(`a.${"x".repeat(198)}`);
  });

  test("whatever was sent, is one name in a folder, and safe already", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (given) => {
        const name = safeFilename(given);
        expect(name).toMatch(/^[^./\\:\p{Cc}][^/\\:\p{Cc}]*$/u);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(201);
        expect(safeFilename(name)).toBe(name);
      }),
    );
  });
});
