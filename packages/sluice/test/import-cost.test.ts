/**
 * What `import "sluice"` costs: none of the dependencies, no zlib, no worker threads. Looks at the compiled package, in a
 * process of its own, copied to a folder from which no dependency can be found: a static import would fail there.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const { exports: EXPORTS } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as {
  exports: Record<string, { default?: string }>;
};
/** Every module that can be imported: its name beside its file. */
const ENTRIES = Object.entries(EXPORTS).flatMap(([name, target]) =>
  target.default === undefined ? [] : [[name, target.default] as const],
);
const LAZY_BUILTINS = ["zlib", "worker_threads", "http", "https", "http2"];

describe("importing the package", () => {
  let stranded: string;

  beforeAll(() => {
    stranded = mkdtempSync(join(tmpdir(), "sluice-import-"));
    cpSync(join(PACKAGE, "dist"), join(stranded, "dist"), { recursive: true });
    cpSync(join(PACKAGE, "package.json"), join(stranded, "package.json"));
  });
  afterAll(() => {
    rmSync(stranded, { recursive: true, force: true });
  });

  test.each(ENTRIES)("%s: loads no dependency and none of the costly modules of Node", (_name, file) => {
    const program = `
      const before = new Set(process.moduleLoadList);
      await import("${file}");
      console.log(JSON.stringify(process.moduleLoadList.filter((name) => !before.has(name))));
    `;
    const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: stranded,
      encoding: "utf8",
    });
    const loaded = JSON.parse(printed) as string[];

    for (const builtin of LAZY_BUILTINS) {
      expect(loaded, `node:${builtin}`).not.toContain(`NativeModule ${builtin}`);
    }
  });

  test.each(ENTRIES)("%s: can be loaded by require, too, and is the same module", (_name, file) => {
    const program = `
      const required = require("${file}");
      import("${file}").then((imported) => {
        const names = Object.keys(imported);
        console.log(names.length > 0 && names.every((name) => imported[name] === required[name]));
      });
    `;
    const flags = ["--no-warnings", "--input-type=commonjs", "--eval", program];
    expect(execFileSync(process.execPath, flags, { cwd: stranded, encoding: "utf8" }).trim()).toBe("true");
  });
});
