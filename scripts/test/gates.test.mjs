import { describe, expect, test } from "vitest";
import { measure } from "../ok/gates.mjs";

const problemsOf = (text) => measure("a.ts", text).problems;

describe("the gates", () => {
  test("find nothing in plain documented code", () => {
    const text = `/** Adds. RFC 9110. */
export function add(a: number, b: number): number {
  // The text "any! | 0 parseInt( TODO" in a comment's string would be a different matter: see below.
  return a + b;
}
`.replace("TODO", "to do");

    expect(problemsOf(text)).toEqual([]);
  });

  test.each([
    ["any", "let a: any;", /: any$/],
    ["any within a type", "let a: Map<string, any[]>;", /: any$/],
    ["a non-null assertion", "use(a!.b);", /non-null/],
    ["a @ts- comment", "// @ts-expect-error because\nuse(a);", /@ts-/],
    ["a suppression without a reason", "// biome-ignore lint/style/x\nuse(a);", /without a reason/],
    ["TODO", "/* TODO: later */", /TODO/],
    ["an empty catch", "try { a(); } catch {}", /swallows/],
    ["a catch with a comment only", "try { a(); } catch { /* fine */ }", /swallows/],
    ["parseInt", "use(parseInt(a, 10));", /parseInt/],
    ["| 0", "use(a | 0);", /2\^31/],
    ["a symbol for a key", "const a = Symbol('a');", /symbol/],
    ["an exported function without a comment", "export function a(): void {}", /a is exported without/],
    ["an exported constant without a comment", "export const a = 1;", /a is exported without/],
    ["an exported type without a comment", "// about b\nexport type A = 1;", /A is exported without/],
    ["a default export", "/** A. */\nexport default class A {}", /default export/],
    ["a file that is too long", "a();\n".repeat(401), /401 lines/],
  ])("find %s", (_, text, expected) => {
    expect(problemsOf(text).join("\n")).toMatch(expected);
  });

  test.each([
    ["a suppression with its reason", "// biome-ignore lint/style/x: the peer does it too\nuse(a);"],
    ["bits that are combined with a flag", "use(a | 0x0f); use(a || 0);"],
    ["texts that look like faults", 'use("any! | 0 parseInt( TODO Symbol(", /parseInt\\(/);'],
    ["the file of the greatest length", "a();\n".repeat(400)],
    ["Symbol.for and the well-known symbols", 'use(Symbol.for("x"), Symbol.asyncIterator);'],
    ["a re-export", 'export { a } from "./a.js";'],
    [
      "an overload documented at its signatures",
      "/** A. */\nexport function a(b: 1): void;\nexport function a(b: number): void { use(b); }",
    ],
  ])("let %s be", (_, text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  test("measure functions: lines, parameters, nesting; else-if does not nest", () => {
    const text = `function f(a, b) {
  for (;;) {
    if (a) { while (b) {} }
    else if (b) { a(); }
    else if (a) { b(() => { if (a) { b(); } }); }
  }
}`;
    const [f, callback] = measure("a.ts", text).functions;

    expect(f).toMatchObject({ name: "f", line: 1, lineCount: 7, parameterCount: 2, depth: 3 });
    expect(callback).toMatchObject({ name: "(callback)", depth: 1 });
  });

  test("count comment lines and citations once each", () => {
    const report = measure(
      "a.ts",
      "/**\n * RFC 9112 §5, RFC 9110.\n */\nlet a = 1; // RFC 9110\nconst url = 'http://x';\n",
    );

    expect(report.commentLines).toBe(4);
    expect(report.citations).toBe(3);
  });
});
