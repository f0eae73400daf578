import { expect, test } from "vitest";
import { type Progress, ProgressMeter } from "../../src/body/progress.js";

interface Metered {
  readonly reports: Progress[];
  readonly meter: ProgressMeter;
  /** So many milliseconds later, so many more bytes. */
  step(ms: number, bytes: number): void;
}

function metered(total?: number): Metered {
  let now = 1_000;
  const reports: Progress[] = [];
  const meter = new ProgressMeter(
    (progress) => reports.push(progress),
    () => now,
    total,
  );
  return {
    reports,
    meter,
    step(ms, bytes) {
      now += ms;
      meter.add(bytes);
    },
  };
}

test("reports come at most every 100 ms, and the last one always", () => {
  const { reports, meter, step } = metered(100);
  step(0, 10);
  step(99, 10);
  expect(reports).toEqual([]);
  step(1, 10);
  expect(reports.map(({ transferred }) => transferred)).toEqual([30]);
  step(99, 10);
  expect(reports.length).toBe(1);
  step(0, 60);
  meter.finish();
  expect(reports.map(({ transferred, done, elapsed }) => [transferred, done, elapsed])).toEqual([
    [30, false, 100],
    [100, true, 199],
  ]);
});

test("the last report comes once, also for a transfer of nothing in no time", () => {
  const { reports, meter } = metered(0);
  meter.finish();
  meter.finish();
  expect(reports).toEqual([{ transferred: 0, total: 0, rate: 0, remaining: 0, elapsed: 0, done: true }]);
});

test("rate and remaining time follow from what came: constant flow gives just that", () => {
  const { reports, step } = metered(10_000);
  for (let at = 0; at < 5; at += 1) step(100, 1_000);
  expect(reports.map(({ rate }) => Math.round(rate))).toEqual([10_000, 10_000, 10_000, 10_000, 10_000]);
  expect(reports.map(({ remaining }) => Math.round(remaining ?? -1))).toEqual([900, 800, 700, 600, 500]);
});

test("the rate forgets slowly: one fast moment does not turn it over, a few seconds do", () => {
  const { reports, step } = metered();
  for (let at = 0; at < 20; at += 1) step(100, 1_000);
  step(100, 100_000);
  const jumped = reports.at(-1)?.rate ?? 0;
  expect(jumped).toBeGreaterThan(10_000);
  expect(jumped).toBeLessThan(100_000);
  for (let at = 0; at < 100; at += 1) step(100, 2_000);
  expect(reports.at(-1)?.rate).toBeGreaterThan(19_000);
  expect(reports.at(-1)?.rate).toBeLessThan(21_000);
});

test("the smoothing weighs by time, not by the number of reports", () => {
  const often = metered();
  const rarely = metered();
  often.step(100, 100);
  rarely.step(100, 100);
  for (let at = 0; at < 10; at += 1) often.step(100, 1_000);
  rarely.step(1_000, 10_000);
  expect(often.reports.at(-1)?.rate).toBeCloseTo(rarely.reports.at(-1)?.rate ?? 0, 6);
});

test("without a total nothing is promised, until the end tells it", () => {
  const { reports, meter, step } = metered();
  step(100, 500);
  step(50, 500);
  meter.finish();
  expect(reports.map(({ total, remaining, done }) => [total, remaining, done])).toEqual([
    [undefined, undefined, false],
    [1_000, 0, true],
  ]);
});

test("nothing transferred is no rate and no end in sight; more than the total is not less than nothing left", () => {
  const { reports, step } = metered(10);
  step(100, 0);
  step(100, 20);
  expect(reports.map(({ rate, remaining }) => [rate > 0, remaining])).toEqual([
    [false, undefined],
    [true, 0],
  ]);
});

test("what the listener throws reaches whoever counts", () => {
  const meter = new ProgressMeter(
    () => {
      throw new Error("enough");
    },
    () => 0,
    1,
  );
  meter.add(1);
  expect(() => meter.finish()).toThrow("enough");
});
