import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { toPayload } from "../../src/body/payload.js";
import { type Progress, ProgressMeter } from "../../src/body/progress.js";
import { withProgress } from "../../src/body/sending/measured-payload.js";
import { collect, noise, turn } from "./support.js";

function meter(everyBytes?: number): { meter: ProgressMeter; reports: Progress[]; time: { now: number } } {
  const reports: Progress[] = [];
  const time = { now: 1_000 };
  const options = { onProgress: (progress: Progress) => reports.push(progress), now: () => time.now, total: 100 };
  return { meter: new ProgressMeter(everyBytes === undefined ? options : { ...options, everyBytes }), reports, time };
}

describe("a progress meter", () => {
  test("reports once for every so many bytes, and what is left at the end", () => {
    const { meter: counted, reports, time } = meter(10);
    for (let count = 0; count < 8; count += 1) {
      time.now += 5;
      counted.add(3);
    }
    counted.finish();
    counted.finish();
    expect(reports).toEqual([
      { bytes: 12, total: 100, elapsed: 20 },
      { bytes: 24, total: 100, elapsed: 40 },
    ]);
    counted.add(1);
    counted.finish();
    expect(reports.at(-1)?.bytes).toBe(25);
    expect(counted.bytes).toBe(25);
  });

  test.each([
    ["at", 10, 1],
    ["one before", 9, 0],
  ])("%s the step", (_name, bytes, count) => {
    const { meter: counted, reports } = meter(10);
    counted.add(bytes);
    expect(reports).toHaveLength(count);
  });

  test("reports every piece with step 0, and an empty transfer once", () => {
    const { meter: counted, reports } = meter(0);
    counted.add(1);
    counted.add(1);
    expect(reports.map(({ bytes }) => bytes)).toEqual([1, 2]);
    const empty = meter();
    empty.meter.finish();
    expect(empty.reports).toEqual([{ bytes: 0, total: 100, elapsed: 0 }]);
  });
});

describe("a payload with progress", () => {
  const options = (reports: Progress[]) => ({
    onProgress: (progress: Progress) => reports.push(progress),
    now: () => 0,
  });

  test("keeps length, type and replay, and starts anew with each sending", async () => {
    const reports: Progress[] = [];
    const payload = withProgress(toPayload("x".repeat(150_000)), options(reports));
    expect([payload.length, payload.contentType, payload.replayable]).toEqual([
      150_000,
      "text/plain;charset=UTF-8",
      true,
    ]);
    for (let count = 0; count < 2; count += 1) {
      expect(Buffer.concat(await collect(payload.open())).byteLength).toBe(150_000);
      expect(reports.splice(0).map(({ bytes, total }) => [bytes, total])).toEqual([
        [65_536, 150_000],
        [131_072, 150_000],
        [150_000, 150_000],
      ]);
    }
  });

  test("counts a piece when the next one is asked for", async () => {
    const reports: Progress[] = [];
    const payload = withProgress(toPayload([noise(10), noise(5)]), { ...options(reports), everyBytes: 0 });
    const pieces = payload.open()[Symbol.asyncIterator]();
    await pieces.next();
    expect(reports).toEqual([]);
    await pieces.next();
    expect(reports.map(({ bytes }) => bytes)).toEqual([10]);
    expect((await pieces.next()).done).toBe(true);
    expect(reports.map(({ bytes }) => bytes)).toEqual([10, 15]);
  });

  test("what the listener throws fails the sending", async () => {
    const error = new Error("bar");
    const payload = withProgress(toPayload("abc"), {
      onProgress() {
        throw error;
      },
      now: () => 0,
    });
    await expect(collect(payload.open())).rejects.toBe(error);
  });

  test("leaving early and discarding release the source", async () => {
    const opened = new PassThrough();
    const pieces = withProgress(toPayload(opened), options([])).open()[Symbol.asyncIterator]();
    pieces.next().catch(() => undefined);
    pieces.return?.().catch(() => undefined);
    await turn();
    expect(opened.destroyed).toBe(true);
    const unopened = new PassThrough();
    withProgress(toPayload(unopened), options([])).discard();
    expect(unopened.destroyed).toBe(true);
  });
});
