import { describe, expect, test } from "vitest";
import { Lifecycle } from "../../src/server/lifecycle.js";

/** A lifecycle that writes down what happens; names with "!" fail. */
function journal(starters: readonly string[], disposers: readonly string[] = starters) {
  const seen: string[] = [];
  const lifecycle = new Lifecycle();
  const step = async (text: string) => {
    await Promise.resolve();
    seen.push(text);
    if (text.endsWith("!")) throw new Error(text);
  };
  starters.forEach((name, index) => {
    lifecycle.add(async () => {
      await step(`+${name}`);
      return () => step(`-${disposers[index]}`);
    });
  });
  return { lifecycle, seen };
}

describe("starting and stopping", () => {
  test("starters run one after the other, disposers in reverse", async () => {
    const { lifecycle, seen } = journal(["a", "b", "c"]);
    await lifecycle.start();
    expect(seen).toEqual(["+a", "+b", "+c"]);
    await lifecycle.stop();
    expect(seen.slice(3)).toEqual(["-c", "-b", "-a"]);
  });

  test("a starter need not be asynchronous, nor return a disposer", async () => {
    const lifecycle = new Lifecycle();
    const seen: string[] = [];
    lifecycle.add(() => {
      seen.push("a");
    });
    lifecycle.add(() => () => seen.push("-b"));
    await lifecycle.start();
    await lifecycle.stop();
    expect(seen).toEqual(["a", "-b"]);
  });

  test("every disposer runs; what they throw comes together at the end", async () => {
    const { lifecycle, seen } = journal(["a", "b", "c"], ["a!", "b", "c!"]);
    await lifecycle.start();
    const error = await lifecycle.stop().catch((thrown: unknown) => thrown);
    expect(seen.slice(3)).toEqual(["-c!", "-b", "-a!"]);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors.map(String)).toEqual(["Error: -c!", "Error: -a!"]);
    expect(String(error)).toContain("-c!; -a!");
  });

  test("a failing starter has the earlier ones disposed of, and the later ones not started", async () => {
    const { lifecycle, seen } = journal(["a", "b!", "c"]);
    await expect(lifecycle.start()).rejects.toThrow(/^\+b!$/);
    expect(seen).toEqual(["+a", "+b!", "-a"]);
  });

  test("a failing starter's error comes with those of disposers that fail as well", async () => {
    const { lifecycle } = journal(["a", "b!"], ["a!", "b"]);
    const error = await lifecycle.start().catch((thrown: unknown) => thrown);
    expect((error as AggregateError).errors.map(String)).toEqual(["Error: +b!", "Error: -a!"]);
  });

  test("several users share one start; the last one out disposes; a later one starts again", async () => {
    const { lifecycle, seen } = journal(["a"]);
    await Promise.all([lifecycle.start(), lifecycle.start()]);
    await lifecycle.stop();
    expect(seen).toEqual(["+a"]);
    const again = [lifecycle.stop(), lifecycle.start()];
    await Promise.all(again);
    expect(seen).toEqual(["+a", "-a", "+a"]);
  });

  test("giving up for a reason keeps the reason, with what disposers throw", async () => {
    const fine = journal(["a"]);
    await fine.lifecycle.start();
    await fine.lifecycle.abandon(new Error("reason"));
    expect(fine.seen).toEqual(["+a", "-a"]);
    const failing = journal(["a"], ["a!"]);
    await failing.lifecycle.start();
    await expect(failing.lifecycle.abandon(new Error("reason"))).rejects.toThrow("reason; Cannot close");
  });
});
