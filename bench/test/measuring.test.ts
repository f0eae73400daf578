import { describe, expect, test } from "vitest";
import { parseArguments } from "../src/arguments.js";
import { coresOf } from "../src/harness/cores.js";
import { type Contestant, measureRow } from "../src/harness/row.js";
import { spreadOf } from "../src/harness/statistics.js";
import { rowText } from "../src/report.js";
import { ORDER_TEXT } from "../src/workloads.js";

const STYLE = { part: "client", title: "a row", unit: "requests/s", cpuUnit: "requests/CPU s" };

function inRounds(rounds: number, slices = 1): { rounds: number; slices: number } {
  return { rounds, slices };
}

/** Gives the runs one after the other. */
function contestant(name: string, runs: { wall: number; cpu: number | undefined }[], order: string[] = []): Contestant {
  const left = [...runs];
  return {
    name,
    async run() {
      order.push(name);
      const next = left.shift();
      if (next === undefined) throw new Error("No runs are left");
      return next;
    },
  };
}

describe("a row of the bench", () => {
  test("has its contestants take turns", async () => {
    const order: string[] = [];
    const run = { wall: 1, cpu: 1 };
    await measureRow(STYLE, [contestant("a", [run, run], order), contestant("b", [run, run], order)], inRounds(2));
    expect(order).toEqual(["a", "b", "a", "b"]);
  });

  test("cuts a run into slices in which they take turns, and takes the mean", async () => {
    const order: string[] = [];
    const slow = { wall: 1, cpu: 10 };
    const quick = { wall: 3, cpu: 30 };
    const contestants = [contestant("a", [quick, slow], order), contestant("b", [slow, slow], order)];
    const row = await measureRow(STYLE, contestants, inRounds(1, 2));
    expect(order).toEqual(["a", "b", "a", "b"]);
    expect(row.contestants[0]?.runs).toEqual([{ wall: 2, cpu: 20 }]);
    expect(row.contestants[1]?.ratio?.median).toBe(2);
  });

  test("leaves a row whole that asks for it", async () => {
    const order: string[] = [];
    await measureRow({ ...STYLE, whole: true }, [contestant("a", [{ wall: 1, cpu: 1 }], order)], inRounds(1, 12));
    expect(order).toEqual(["a"]);
  });

  test("takes ratios between the runs of one turn, by CPU time", async () => {
    const ours = [
      { wall: 1, cpu: 300 },
      { wall: 1, cpu: 100 },
      { wall: 1, cpu: 400 },
    ];
    const theirs = [
      { wall: 1, cpu: 100 },
      { wall: 1, cpu: 50 },
      { wall: 1, cpu: 100 },
    ];
    const { contestants } = await measureRow(STYLE, [contestant("a", ours), contestant("b", theirs)], inRounds(3));
    expect(contestants[1]?.ratio).toEqual({ median: 3, lowest: 2, highest: 4 });
  });

  test("goes by the wall where one side's CPU time is unknown", async () => {
    const ours = contestant("a", [{ wall: 10, cpu: 1 }]);
    const theirs = contestant("b", [{ wall: 5, cpu: undefined }]);
    const { contestants } = await measureRow(STYLE, [ours, theirs], inRounds(1));
    expect(contestants[1]).toMatchObject({ cpu: undefined, ratio: { median: 2 } });
  });

  test("turns the ratio round where lower is better", async () => {
    const style = { ...STYLE, lowerIsBetter: true };
    const row = [contestant("a", [{ wall: 10, cpu: 10 }]), contestant("b", [{ wall: 30, cpu: 30 }])];
    const { contestants } = await measureRow(style, row, inRounds(1));
    expect(contestants[1]?.ratio?.median).toBe(3);
  });

  test("says whose run failed", async () => {
    const failing = measureRow(STYLE, [contestant("a", [])], inRounds(1));
    await expect(failing).rejects.toThrow("a: No runs are left");
  });

  test("counts a target as met only when the lowest run is near it too", async () => {
    const style = { ...STYLE, targets: { b: 2, c: 2 } };
    const run = (cpu: number) => ({ wall: cpu, cpu });
    const row = await measureRow(
      style,
      [
        contestant("a", [run(200), run(200), run(200)]),
        contestant("b", [run(100), run(90), run(104)]),
        contestant("c", [run(100), run(90), run(120)]),
      ],
      inRounds(3),
    );
    const text = rowText(row, true);
    expect(text).toMatch(/ b .*target 2: met/);
    expect(text).toMatch(/ c .*target 2: MISSED/);
    expect(rowText(row, false)).not.toContain("target");
  });
});

describe("a spread", () => {
  test("has the value in the middle, or between the two in the middle", () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, lowest: 1, highest: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, lowest: 1, highest: 4 });
  });
});

describe("the cores a process may use", () => {
  test("are read from ranges and single numbers", () => {
    expect(coresOf(" 0-2,5\n")).toEqual([0, 1, 2, 5]);
  });
});

describe("the command line of the bench", () => {
  test("takes parts, and all of them if none is named", () => {
    expect(parseArguments(["server", "client"]).parts).toEqual(["server", "client"]);
    expect(parseArguments([]).parts).toContain("growth");
  });

  test("names the file of figures itself if nobody does", () => {
    expect(parseArguments(["--json", "client"]).json).toBe("bench/results/client.json");
    expect(parseArguments(["--json", "figures.json"])).toMatchObject({ json: "figures.json", brief: false });
    expect(parseArguments(["--brief"])).toMatchObject({ json: undefined, brief: true });
  });

  test("refuses what it does not know", () => {
    expect(() => parseArguments(["--fast"])).toThrow("Cannot understand --fast");
  });
});

describe("the order of the POST rows", () => {
  test("is 1 KiB of JSON", () => {
    expect(Buffer.byteLength(ORDER_TEXT)).toBe(1_024);
  });
});
