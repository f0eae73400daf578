/** What browsers load: one module, small, that needs nothing else. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import ts from "typescript";
import { expect, test } from "vitest";
import * as client from "../../../src/push/client.js";

const MOST_BYTES = 4_096;

const source = readFileSync(fileURLToPath(new URL("../../../src/push/client.ts", import.meta.url)), "utf8");
const { module, target } = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
const { outputText } = ts.transpileModule(source, {
  compilerOptions: { module, target, verbatimModuleSyntax: true, useDefineForClassFields: false },
});

test("the module exports one class and imports nothing", () => {
  expect(Object.keys(client)).toEqual(["PushClient"]);
  expect(ts.preProcessFile(outputText).importedFiles).toEqual([]);
});

test("minified and compressed the module is as small as the guide says", async () => {
  const { minify } = await import("vite");
  const { code } = await minify("client.js", outputText, { module: true });
  const size = gzipSync(code, { level: 9 }).byteLength;
  expect(size).toBeLessThanOrEqual(MOST_BYTES);
  const guide = readFileSync(fileURLToPath(new URL("../../../../../docs/push-client.md", import.meta.url)), "utf8");
  expect(guide).toContain(`${MOST_BYTES / 1_024} KiB`);
});
