/** The real command in its own process: pipes, signals, terminals, and what it loads. */
import { spawn, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { emptyFolder } from "./support/folder.js";
import { serve } from "./support/server.js";
import { BIN, jsonLines, run, start } from "./support/sluice-process.js";

const LOG_MODULES = fileURLToPath(new URL("support/log-modules.mjs", import.meta.url));
const hasScript = spawnSync("script", ["--version"]).error === undefined;

describe("pipes", () => {
  test("results go to standard output, the summary to standard error, and neither has escape codes", async () => {
    const { url } = await serve((request, response) => {
      response.statusCode = request.url === "/bad" ? 500 : 200;
      response.end("x");
    });
    const { code, stdout, stderr } = await run(["fetch", "-i", "-"], {
      input: `${url}/a\n${url}/bad\n`,
      env: { FORCE_COLOR: "3" },
    });
    expect(code).toBe(1);
    expect(jsonLines(stdout)).toHaveLength(2);
    expect(stderr).toContain("2 done in ");
    expect((stdout + stderr).match(/(?!\n)\p{Cc}/gu)).toBeNull();
  });

  test("a reader that goes away ends a run quietly, and what it did not get is left", async () => {
    const { url } = await serve((_request, response) => response.end("x"));
    const folder = await emptyFolder();
    const file = join(folder, "urls.txt");
    const urls = Array.from({ length: 5_000 }, (_, at) => `${url}/${at}`);
    await writeFile(file, `${urls.join("\n")}\n`);
    const { child, ended, said } = start(["fetch", "-i", file, "--remaining", join(folder, "left.txt")]);
    await said("\n");
    child.stdout.destroy();
    const { code, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const left = (await readFile(join(folder, "left.txt"), "utf8")).trim().split("\n");
    expect(left.length).toBeGreaterThan(100);
    expect(left.at(-1)).toBe(urls.at(-1));
  });

  test("a reader that goes away ends a single answer quietly", async () => {
    const { url } = await serve((_request, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536, "x")));
        response.once("drain", more);
      };
      more();
    });
    const { child, ended, said } = start(["get", url]);
    await said("xxx");
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 0, signal: null, stderr: "" });
  });

  test("a full disk is a failure that is told", async () => {
    const { url } = await serve((_request, response) => response.end("x"));
    for (const args of [`get ${url}`, `fetch ${url}`]) {
      const { status, stderr } = spawnShell(`"${process.execPath}" "${BIN}" ${args} > /dev/full`);
      expect({ status: await status, stderr: await stderr }).toEqual({
        status: 1,
        stderr: "sluice: Cannot write the output: the disk is full\n",
      });
    }
  });
});

describe("signals", () => {
  test("SIGINT stops a run cleanly: 130, and the rest is kept to go on with", async () => {
    const { url, seen } = await serve((request, response) => {
      setTimeout(() => response.end(request.url), 50);
    });
    const folder = await emptyFolder();
    const [file, left] = [join(folder, "urls.txt"), join(folder, "left.txt")];
    const urls = Array.from({ length: 200 }, (_, at) => `${url}/${at}`);
    await writeFile(file, urls.join("\n"));
    const first = start(["fetch", "-i", file, "-c", "5", "--remaining", left]);
    await first.said('"index":9,');
    first.child.kill("SIGINT");
    const stopped = await first.ended;
    expect(stopped).toMatchObject({ code: 130, signal: null });
    expect(stopped.stderr).toContain(`go on with -i ${left}`);
    const second = await run(["fetch", "-i", left, "--remaining", left]);
    expect(second.code).toBe(0);
    const done = [...jsonLines(stopped.stdout), ...jsonLines(second.stdout)].map((record) => String(record["url"]));
    expect(done.sort()).toEqual([...urls].sort());
    expect(seen).toHaveLength(200);
    expect(await readFile(left, "utf8")).toBe("");
  });

  test("a second SIGINT ends it at once", async () => {
    const { url, seen } = await serve(() => undefined);
    const { child, ended, said } = start(["fetch", url]);
    while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGINT");
    await said("Stopping", "stderr");
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, signal: null, stdout: "" });
  });

  test("SIGINT ends a single request with 130 and nothing to say", async () => {
    const { url, seen } = await serve(() => undefined);
    const { child, ended } = start(["get", url]);
    while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, signal: null, stdout: "", stderr: "" });
  });
});

describe("loading", () => {
  test.each([
    ["--version", []],
    ["--help", ["commander"]],
    ["fetch --help", ["commander"]],
  ])("%s loads nothing it does not need", async (args, needed) => {
    const { code, stderr } = await run(args.split(" "), { nodeArgs: ["--import", LOG_MODULES] });
    expect(code).toBe(0);
    const packages = stderr.split("\n").flatMap((line) => {
      const path = /^loaded file:\/\/(.*)$/.exec(line)?.[1] ?? "";
      const [, installed] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
      const [, own] = /\/packages\/(?!cli\/)([^/]+)\//.exec(path) ?? [];
      return [installed ?? own ?? []].flat();
    });
    expect([...new Set(packages)]).toEqual(needed);
  });
});

describe.skipIf(!hasScript && process.env["CI"] !== "true")("a terminal", () => {
  /** Runs a command line on a pseudo terminal of 70 columns, and gives all that was written to it. */
  async function onTerminal(args: string): Promise<string> {
    const command = `stty cols 70; "${process.execPath}" "${BIN}" ${args}`;
    const child = spawn("script", ["-qec", command, "/dev/null"], {
      env: { ...process.env, TERM: "xterm", NO_COLOR: "" },
    });
    child.stdin.end();
    let written = "";
    for await (const piece of child.stdout) written += String(piece);
    return written;
  }

  test("gets a table, a line of progress that is wiped away, and colours", async () => {
    const { url } = await serve((_request, response) => void setTimeout(() => response.end("x"), 100));
    const written = await onTerminal(`fetch -c 1 ${url}/a ${url}/b ${url}/c`);
    expect(written).toContain("STATUS");
    expect(written).toMatch(/\r\d\/3 done {2}1 in flight/);
    expect(written).toContain("\u001b[32m200   \u001b[39m");
    for (const line of written.split(/[\r\n]/)) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(70);
  });

  test("gets the head and JSON laid out", async () => {
    const { url } = await serve((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end('{"a":[1]}');
    });
    const written = stripVTControlCharacters(await onTerminal(`get ${url}`));
    expect(written).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(written.endsWith('\r\n\r\n{\r\n  "a": [\r\n    1\r\n  ]\r\n}\r\n')).toBe(true);
  });
});

/** Runs a line of shell: for redirections. */
function spawnShell(line: string): { readonly status: Promise<number | null>; readonly stderr: Promise<string> } {
  const child = spawn("/bin/sh", ["-c", line], { stdio: ["ignore", "ignore", "pipe"] });
  const stderr = (async () => {
    let text = "";
    for await (const piece of child.stderr) text += String(piece);
    return text;
  })();
  return { status: new Promise((resolve) => child.on("close", resolve)), stderr };
}
