import { describe, expect, test } from "vitest";
import { type BarFigures, barText, totalText } from "../../src/download/bar-text.js";
import { widthOf } from "../../src/terminal/text-width.js";

const FIGURES: BarFigures = {
  state: "downloading",
  transferred: 50_000_000,
  total: 100_000_000,
  rate: 5_000_000,
  remaining: 10_000,
  segments: [
    { position: 40_000_000, end: 50_000_000, rate: 1 },
    { position: 60_000_000, end: 100_000_000, rate: 1 },
  ],
  received: [
    { start: 0, end: 40_000_000 },
    { start: 50_000_000, end: 60_000_000 },
  ],
};

describe("a bar", () => {
  test("shows which parts are there, and where segments are at", () => {
    expect(barText("image.iso", FIGURES, 120)).toBe(
      "image.iso                     [##############>...###>.............]   50%  50 MB of 100 MB  5 MB/s  ETA 0:10  2 segments",
    );
  });

  test.each([120, 100, 80, 60, 40, 30, 20, 10, 1])("fits into %i columns", (width) => {
    expect(
      barText("a very long name indeed, that no terminal has room for.tar.gz", FIGURES, width).length,
    ).toBeLessThanOrEqual(width);
  });

  test.each([120, 60, 31, 12, 3])(
    "of a name in wide characters fits into %i columns, its figures where others' are",
    (width) => {
      const text = barText("文件文件文件文件文件文件文件文件文件.zip", FIGURES, width);
      expect(widthOf(text)).toBeLessThanOrEqual(width);
      if (width === 120) expect(text).toMatch(/^文件文件文件文…文件文件\.zip {3}\[#+/u);
    },
  );

  test("of a length that nobody knows has no strip", () => {
    const unknown = { ...FIGURES, total: undefined, remaining: undefined, segments: [] };
    expect(barText("stream", unknown, 80)).toBe("stream                        50 MB  5 MB/s");
  });

  test("that is whole is whole, and says nothing of speed", () => {
    const done = {
      ...FIGURES,
      state: "done" as const,
      transferred: 100_000_000,
      segments: [],
      received: [{ start: 0, end: 100_000_000 }],
    };
    expect(barText("a", { ...done, remaining: 0, rate: 0 }, 100)).toMatch(/ \[#+\] {2}100% {2}100 MB of 100 MB$/);
  });

  test.each(["connecting", "waiting", "verifying"] as const)("says that it is %s", (state) => {
    expect(barText("a", { ...FIGURES, state }, 120)).toContain(state);
  });
});

test("the line for all says what is done, has failed and runs", () => {
  const figures = { done: 1, failed: 2, running: 3, total: undefined, bytes: 1_500_000, rate: 10_000 };
  expect(totalText(figures, 80)).toBe("1 done  2 failed  3 running  1.5 MB  10 kB/s");
  expect(totalText({ ...figures, total: 9, failed: 0 }, 20)).toBe("1/9 done  3 running");
});
