import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { NODE_KNOWS_TYPES, nodeArguments } from "../../src/dev/node-arguments.js";
import { UsageProblem } from "../../src/usage-problem.js";
import { emptyFolder } from "../support/folder.js";

const PLAIN = { tsx: false, inspect: undefined, envFiles: [] };

test("Node runs JavaScript by itself, with what the options add", () => {
  expect(nodeArguments("/app.js", PLAIN)).toEqual([]);
  expect(nodeArguments("/app.mjs", { tsx: false, inspect: true, envFiles: ["/a", "/b"] })).toEqual([
    "--env-file=/a",
    "--env-file=/b",
    "--inspect",
  ]);
  expect(nodeArguments("/app.cjs", { ...PLAIN, inspect: "0" })).toEqual(["--inspect=0"]);
});

test("types are Node's business where it knows them, and tsx's otherwise; JSX always is", () => {
  const tsx = expect.stringMatching(/^file:.*\/tsx\//) as string;
  expect(nodeArguments("/app.ts", PLAIN)).toEqual(NODE_KNOWS_TYPES ? [] : ["--import", tsx]);
  expect(nodeArguments("/app.tsx", PLAIN)).toEqual(["--import", tsx]);
  expect(nodeArguments("/app.js", { ...PLAIN, tsx: true })).toEqual(["--import", tsx]);
});

test("where tsx is needed and not there, it is said how it is installed", async () => {
  const program = join(await emptyFolder(), "app.tsx");
  const find = (): string[] => nodeArguments(program, PLAIN, [pathToFileURL(program).href]);
  expect(find).toThrow(UsageProblem);
  expect(find).toThrow(/npm install --save-dev tsx/);
});
