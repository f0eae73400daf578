import { mkdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ABSENT, stampOf } from "../../src/dev/child/stamp.js";
import { WatchedFiles } from "../../src/dev/watched-files.js";
import { emptyFolder } from "../support/folder.js";

/** Files in a folder, watched; `next` resolves to the paths told of, relative to the folder, one for each `begin`. */
async function watched({ pollMs }: { readonly pollMs?: number } = {}) {
  const folder = await emptyFolder();
  const told: string[] = [];
  let wake: (() => void) | undefined;
  const files = new WatchedFiles({
    pollMs,
    onChange: (path) => {
      told.push(path.slice(folder.length + 1));
      wake?.();
    },
    onUnwatchable: (_folder, error) => {
      throw error;
    },
  });
  onTestFinished(() => files.close());
  const at = (name: string): string => join(folder, name);
  const write = async (name: string, text: string): Promise<string> => {
    await mkdir(dirname(at(name)), { recursive: true });
    await writeFile(at(name), text);
    return at(name);
  };
  const next = async (): Promise<string | undefined> => {
    while (told.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return told.shift();
  };
  /** Shows that nothing has been told of until now: what is told of first is a change of `fence`, which is in the set. */
  const nothingBut = async (fence: string): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await write(fence, `${Math.random()}`);
    expect(await next()).toBe(fence);
  };
  return { files, folder, at, write, next, nothingBut };
}

const WAYS = [
  ["told of by the system", {}],
  ["polled", { pollMs: 20 }],
] as const;

describe.each(WAYS)("files that are %s", (_way, options) => {
  test("are noticed when written, when replaced by another, and when removed", async () => {
    const { files, write, at, next } = await watched(options);
    files.begin();
    files.add(await write("a.js", "1"));
    await write("a.js", "12");
    expect(await next()).toBe("a.js");
    files.begin();
    files.add(at("a.js"));
    await write("new", "12");
    await rename(at("new"), at("a.js"));
    expect(await next()).toBe("a.js");
    files.begin();
    files.add(at("a.js"));
    await rm(at("a.js"));
    expect(await next()).toBe("a.js");
  });

  test("may be missing, with the folders that they would be in, and are noticed when they come", async () => {
    const { files, write, at, next } = await watched(options);
    files.begin();
    files.add(at("lib/deep/a.js"), ABSENT);
    await mkdir(at("lib"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await write("lib/deep/a.js", "1");
    expect(await next()).toBe("lib/deep/a.js");
  });

  test("are told of when they changed between their loading and now", async () => {
    const { files, write, at, next } = await watched(options);
    const stamp = stampOf(await write("a.js", "1"));
    await write("a.js", "22");
    files.begin();
    files.add(at("a.js"), stamp);
    expect(await next()).toBe("a.js");
  });

  test("are all that counts: not their neighbours, not an event without a change", async () => {
    const { files, write, at, nothingBut } = await watched(options);
    await write("log.json", "");
    const path = await write("a.js", "1");
    await utimes(path, 1_000, 1_000);
    files.begin();
    files.add(path);
    files.add(await write("fence.js", "1"));
    await write("log.json", "line");
    await write("other.js", "1");
    await utimes(at("a.js"), 2_000, 1_000);
    await nothingBut("fence.js");
  });

  test("are in folders of which everything counts, but no editor's own files and no node_modules", async () => {
    const { files, write, at, next, nothingBut } = await watched(options);
    for (const name of ["views/a.html", "views/.git/HEAD", "views/node_modules/x/index.js"]) await write(name, "1");
    const fence = await write("fence", "1");
    const begin = (): void => {
      files.begin();
      files.addTree(at("views"));
      files.add(fence);
    };
    begin();
    for (const name of ["views/.a.html.swp", "views/a.html~", "views/.git/HEAD", "views/node_modules/x/index.js"]) {
      await write(name, "22");
    }
    await nothingBut("fence");
    begin();
    await write("views/sub/b.html", "1");
    expect(await next()).toBe("views");
    begin();
    await write("views/sub/b.html", "22");
    expect(await next()).toBe("views/sub/b.html");
  });

  test("of the run before count as well until the next one is complete", async () => {
    const { files, write, at, next, nothingBut } = await watched(options);
    const [old, young] = [await write("lib/old.js", "1"), await write("new.js", "1")];
    files.begin();
    files.add(old);
    files.complete();
    files.begin();
    files.add(young);
    await write("lib/old.js", "22");
    expect(await next()).toBe("lib/old.js");
    files.begin();
    files.add(young);
    files.complete();
    await write("lib/old.js", "333");
    await rm(at("lib"), { recursive: true });
    await nothingBut("new.js");
  });

  test("new source files count where a program lacks something, and nothing else does", async () => {
    const { files, write, next, nothingBut } = await watched(options);
    files.begin();
    files.add(await write("a.js", "1"));
    await write("b.js", "1");
    await nothingBut("a.js");
    // Written before it begins anew: somebody may look between the two.
    const path = await write("a.js", "1");
    files.begin();
    files.add(path);
    files.countStrangers();
    await write(".c.js.swp", "1");
    await write("c.ts", "1");
    // Polling sees that there is a new name, and not which.
    expect(await next()).toBe("pollMs" in options ? "" : "c.ts");
  });
});

test("a folder that is removed and made anew is watched anew", async () => {
  const { files, write, at, next } = await watched();
  files.begin();
  files.add(await write("lib/a.js", "1"));
  files.add(await write("lib/b.js", "1"));
  await rm(at("lib"), { recursive: true });
  expect(await next()).toBe("lib/a.js");
  files.begin();
  files.add(await write("lib/a.js", "1"));
  files.complete();
  await write("lib/a.js", "22");
  expect(await next()).toBe("lib/a.js");
});

test("a link is watched where it leads", async () => {
  const { files, write, at, next } = await watched();
  await write("real/a.js", "1");
  await symlink(at("real/a.js"), at("a.js"));
  files.begin();
  files.add(at("real/a.js"));
  await write("a.js", "22");
  expect(await next()).toBe("real/a.js");
});
