/** Every command line in the documents is one that the command takes: known command, known options, values that parse. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runProgram } from "../src/program.js";
import { FakeIo } from "./support/fake-io.js";

/** Lines of ```sh blocks that run it, without what the shell does with them. */
function commandLines(document: string): string[] {
  const text = readFileSync(fileURLToPath(new URL(`../../../${document}`, import.meta.url)), "utf8");
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? "");
  return blocks.flatMap((block) => [...block.matchAll(/^npx sluice (.*)$/gm)].map(([, line]) => line ?? ""));
}

/** As a shell would split it, which knows quotes and ends at a redirection. */
function words(line: string): string[] {
  const [command = ""] = line.split(/ \d?[<>|] /, 1);
  return [...command.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ""));
}

const lines = ["docs/cli.md", "packages/cli/README.md", "README.md"].flatMap(commandLines);

test("there are some", () => {
  expect(lines.length).toBeGreaterThan(20);
});

test.each(lines)("sluice %s", async (line) => {
  const [command = "", ...rest] = words(line);
  const io = new FakeIo();
  // With an option that nobody knows at the end, whatever stands before it has been parsed, and nothing is sent.
  const code = await runProgram([command, ...rest, "--end-of-line"], io);
  expect({ code, err: io.err.text }).toEqual({ code: 2, err: "sluice: Unknown option '--end-of-line'\n" });
});
