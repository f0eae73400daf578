/** One at a time: a lock of the dead blocks nobody, one of the living everybody. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { type DurableFiles, systemFiles } from "../../../src/platform/durable-files.js";
import { ownIdentity, type ProcessIdentity, stateOf } from "../../../src/platform/process-identity.js";
import { acquireLock, type LockOptions } from "../../../src/transfer/download/store/target-lock.js";
import { downloadTests, emptyFolder } from "./support.js";

downloadTests();

const OPTIONS: LockOptions = {
  files: systemFiles,
  clock: new ManualClock(),
  force: false,
  signal: new AbortController().signal,
};
const ELSEWHERE = { pid: 7, startedAt: "1", place: "another|boot|pid:[1]" };

const timers: NodeJS.Timeout[] = [];
afterEach(() => {
  for (const timer of timers.splice(0)) clearInterval(timer);
});

/** An id that no process has: of one that has just ended. */
function deadProcess(): ProcessIdentity {
  const { pid = 0 } = spawnSync("true");
  return { pid, startedAt: "12345", place: ownIdentity().place };
}

function leftBehind(identity: ProcessIdentity, ageMs = 0): string {
  const path = `${emptyFolder()}/file.part.lock`;
  writeFileSync(path, JSON.stringify({ token: "abcdef", ...identity }));
  age(path, ageMs);
  return path;
}

function age(path: string, ageMs: number): void {
  const then = new Date(Date.now() - ageMs);
  utimesSync(path, then, then);
}

/** A clock that sleepers need not wait for. */
function options(given: Partial<LockOptions> = {}): LockOptions {
  const clock = new ManualClock();
  timers.push(setInterval(() => clock.advance(25), 1));
  return { ...OPTIONS, clock, ...given };
}

const holderOf = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

describe("who a process is", () => {
  test("this one is here, one that has ended is gone, one elsewhere is unknown", () => {
    expect(stateOf(ownIdentity())).toBe("here");
    expect(stateOf(deadProcess())).toBe("gone");
    expect(stateOf(ELSEWHERE)).toBe("unknown");
  });

  test("an id that is used again is another process", () => {
    expect(stateOf({ ...ownIdentity(), startedAt: "1" })).toBe("gone");
  });
});

describe("a lock", () => {
  test("names this process while it is held, and is gone when it is released", async () => {
    const path = `${emptyFolder()}/file.part.lock`;
    const lock = await acquireLock(path, options());
    expect(holderOf(path)).toMatchObject({ ...ownIdentity() });
    await lock.verify();
    await lock.release();
    await lock.release();
    expect(existsSync(path)).toBe(false);
  });

  test("of a living process blocks, however long it has been silent, and says who it is", async () => {
    const path = leftBehind(ownIdentity(), 24 * 3_600_000);
    await expect(acquireLock(path, options())).rejects.toMatchObject({
      code: "download/locked",
      message: expect.stringContaining(`this process (${process.pid}) is at it already`) as string,
    });
    expect(readdirSync(path.slice(0, path.lastIndexOf("/")))).toEqual(["file.part.lock"]);
  });

  test("of a process that has ended blocks nobody, not even for a moment", async () => {
    const path = leftBehind(deadProcess());
    const lock = await acquireLock(path, options());
    expect(holderOf(path)).toMatchObject({ pid: process.pid });
    await lock.release();
    expect(readdirSync(path.slice(0, path.lastIndexOf("/")))).toEqual([]);
  });

  test("of a process whose id another one has now blocks nobody", async () => {
    const path = leftBehind({ ...ownIdentity(), startedAt: "1" });
    await (await acquireLock(path, options())).release();
  });

  test.each([
    [55_000, true],
    [65_000, false],
  ])("from elsewhere, silent for %i ms, blocks: %s", async (ageMs, blocks) => {
    const path = leftBehind(ELSEWHERE, ageMs);
    const asked = acquireLock(path, options());
    if (blocks) await expect(asked).rejects.toMatchObject({ code: "download/locked" });
    else await (await asked).release();
  });

  test.each(["", "{", "{}", '{"token":"../x","pid":1,"place":""}'])(
    "that names nobody (%j) blocks only while it may be just being made",
    async (text) => {
      const path = `${emptyFolder()}/file.part.lock`;
      writeFileSync(path, text);
      await expect(acquireLock(path, options())).rejects.toMatchObject({ code: "download/locked" });
      age(path, 5_000);
      await (await acquireLock(path, options())).release();
    },
  );

  test("is taken away with force; who had it notices, and leaves the new one alone", async () => {
    const path = `${emptyFolder()}/file.part.lock`;
    const first = await acquireLock(path, options());
    const second = await acquireLock(path, options({ force: true }));
    await expect(first.verify()).rejects.toMatchObject({ code: "download/lock-lost" });
    await first.release();
    await second.verify();
    await second.release();
  });

  test("of the dead goes to exactly one of many that want it at once", async () => {
    const path = leftBehind(deadProcess());
    const asked = await Promise.allSettled(Array.from({ length: 12 }, () => acquireLock(path, options())));
    const got = asked.filter(({ status }) => status === "fulfilled");
    expect(got).toHaveLength(1);
    for (const one of asked)
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "download/locked" });
  });

  test("of one that died while it took another's away blocks nobody either", async () => {
    const path = leftBehind(deadProcess());
    writeFileSync(`${path}.abcdef`, JSON.stringify({ token: "fedcba", ...deadProcess() }));
    await (await acquireLock(path, options())).release();
    expect(readdirSync(path.slice(0, path.lastIndexOf("/")))).toEqual([]);
  });

  test("is touched every ten seconds while it is held, and not after", async () => {
    const path = `${emptyFolder()}/file.part.lock`;
    const clock = new ManualClock();
    let touched = 0;
    const files: DurableFiles = {
      ...systemFiles,
      touch: async (one) => {
        touched += 1;
        await systemFiles.touch(one);
      },
    };
    const lock = await acquireLock(path, { ...OPTIONS, clock, files });
    age(path, 60_000);
    await clock.advanceAsync(10_000);
    expect(touched).toBe(1);
    await expect.poll(() => Date.now() - statSync(path).mtimeMs).toBeLessThan(30_000);
    await expect.poll(() => clock.armedCount).toBe(1);
    await clock.advanceAsync(10_000);
    expect(touched).toBe(2);
    await lock.release();
    await clock.advanceAsync(60_000);
    expect(touched).toBe(2);
  });

  test("works where files have no second names", async () => {
    const link = (): Promise<void> => Promise.reject(Object.assign(new Error("no links here"), { code: "EPERM" }));
    const files = { ...systemFiles, link };
    const path = `${emptyFolder()}/file.part.lock`;
    const lock = await acquireLock(path, options({ files }));
    await expect(acquireLock(path, options({ files }))).rejects.toMatchObject({ code: "download/locked" });
    await lock.release();
    expect(existsSync(path)).toBe(false);
  });
});
