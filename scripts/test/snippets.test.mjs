import { describe, expect, test } from "vitest";
import { programsIn } from "../lib/snippets.mjs";

const document = (...lines) => lines.join("\n");
const textOf = (program) => program.lines.map(({ text }) => text).join("\n");

describe("examples in documents", () => {
  test("are the ts blocks, each a program, with the line where it stands", () => {
    const { programs, problems } = programsIn(
      "a.md",
      document("# A", "```ts", "one();", "```", "", "```ts run", "two();", "```"),
    );

    expect(problems).toEqual([]);
    expect(programs.map(({ line, runs }) => [line, runs])).toEqual([
      [2, false],
      [6, true],
    ]);
    expect(programs.map(textOf)).toEqual(["one();", "two();"]);
  });

  test("leave other languages alone", () => {
    expect(
      programsIn("a.md", document("```js", "x", "```", "```", "ts", "```", "```tsx", "y", "```")).programs,
    ).toEqual([]);
  });

  test("continue the block before when they say so, and are run if any part is", () => {
    const text = document("```ts", "const a = 1;", "```", "and then", "```ts run continue", "use(a);", "```");
    const [program, ...rest] = programsIn("a.md", text).programs;

    expect(rest).toEqual([]);
    expect(program).toMatchObject({ line: 1, runs: true });
    expect(program.lines).toEqual([
      { text: "const a = 1;", line: 2 },
      { text: "use(a);", line: 6 },
    ]);
  });

  test("have the lines of the snippet comment before them put in front", () => {
    const text = document("<!-- snippet", 'import { get } from "sluice";', "-->", "", "```ts", "await get();", "```");
    const [program] = programsIn("a.md", text).programs;

    expect(program.lines).toEqual([
      { text: 'import { get } from "sluice";', line: 2 },
      { text: "await get();", line: 6 },
    ]);
  });

  test("in a list lose the list's indent", () => {
    expect(
      textOf(programsIn("a.md", document("- x", "  ```ts", "  if (a) {", "    b();", "  }", "  ```")).programs[0]),
    ).toBe("if (a) {\n  b();\n}");
  });

  test("within a longer fence are that block's text", () => {
    expect(programsIn("a.md", document("````md", "```ts", "x", "```", "````")).programs).toEqual([]);
  });

  test.each([
    ["a word that nobody knows", document("```ts norun", "x", "```"), /a\.md:1: unknown word "norun"/],
    ["a continuation of nothing", document("```ts continue", "x", "```"), /a\.md:1: nothing to continue/],
    [
      "a snippet comment that no block follows",
      document("<!-- snippet", "x", "-->", "text", "```ts", "y", "```"),
      /a\.md:2: a snippet comment/,
    ],
    [
      "a snippet comment before another language",
      document("<!-- snippet", "x", "-->", "```sh", "y", "```"),
      /a\.md:2: a snippet comment/,
    ],
  ])("report %s", (_, text, expected) => {
    expect(programsIn("a.md", text).problems.join("\n")).toMatch(expected);
  });
});

describe("examples in tables", () => {
  test("are the code in the last cell of each row, each row by itself, with the lines of the comment in front", () => {
    const text = document(
      "<!-- table",
      "import a;",
      "-->",
      "",
      "| Old | New |",
      "|---|---|",
      "| `x` | `one();` or `two();` |",
      "| `a \\| b` | `c \\|\\| d;` |",
      "| y | nothing |",
      "",
    );
    const { programs, problems } = programsIn("a.md", text);

    expect(problems).toEqual([]);
    expect(programs).toEqual([
      {
        path: "a.md",
        line: 4,
        runs: false,
        lines: [
          { text: "import a;", line: 2 },
          { text: "async () => { one(); two(); };", line: 7 },
          { text: "async () => { c || d; };", line: 8 },
        ],
      },
    ]);
  });

  test("are missed where the comment has no table with code after it", () => {
    const { problems } = programsIn("a.md", document("<!-- table", "-->", "Words.", "", "| a |"));
    expect(problems).toEqual(["a.md:1: a table comment without a table with code after it"]);
  });
});
