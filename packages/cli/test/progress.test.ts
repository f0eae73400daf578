import { describe, expect, test } from "vitest";
import { Progress } from "../src/fetch/progress.js";
import { progressText } from "../src/fetch/progress-text.js";
import { Speed } from "../src/fetch/speed.js";
import { Tally } from "../src/fetch/tally.js";
import { Output } from "../src/terminal/output.js";
import { FakeStream } from "./support/fake-io.js";

const FIGURES = {
  done: 1_234,
  failed: 5,
  inFlight: 50,
  total: 10_000,
  requestsPerSecond: 812.4,
  bytesPerSecond: 1_234_567,
};

describe("the line of progress", () => {
  test("says how many are done, failed and in flight, how fast it goes and when it will end", () => {
    expect(progressText(FIGURES, 200)).toBe("1,234/10,000 done  5 failed  50 in flight  812 req/s  ETA 0:11  1.2 MB/s");
  });

  test("says nothing of the end as long as nobody knows how many there are", () => {
    const text = progressText({ ...FIGURES, total: undefined, failed: 0 }, 200);
    expect(text).toBe("1,234 done  50 in flight  812 req/s  1.2 MB/s");
  });

  test("says nothing of the end before anything is done", () => {
    expect(progressText({ ...FIGURES, done: 0, requestsPerSecond: 0 }, 200)).not.toContain("ETA");
  });

  test("leaves out what matters less where the terminal is narrow, and never cuts a figure", () => {
    const whole = progressText(FIGURES, 200);
    for (let width = 0; width < whole.length; width += 1) {
      const text = progressText(FIGURES, width);
      expect(text.length).toBeLessThanOrEqual(width);
      expect(whole.startsWith(text)).toBe(true);
      expect(whole.slice(text.length)).toMatch(/^( {2}|$|1,234)/);
    }
  });
});

describe("speed", () => {
  test("is the average at first", () => {
    const speed = new Speed(1_000);
    speed.update(50, 1_500);
    expect(speed.perSecond).toBe(100);
  });

  test("follows a change within seconds, without jumping", () => {
    const speed = new Speed(0);
    for (let now = 100; now <= 10_000; now += 100) speed.update(now / 10, now);
    expect(speed.perSecond).toBeCloseTo(100, 5);
    speed.update(1_000, 10_100);
    expect(speed.perSecond).toBeGreaterThan(90);
    for (let now = 10_200; now <= 25_000; now += 100) speed.update(1_000, now);
    expect(speed.perSecond).toBeLessThan(1);
  });

  test("does not change when no time has passed", () => {
    const speed = new Speed(0);
    speed.update(10, 0);
    expect(speed.perSecond).toBe(0);
  });
});

describe("progress on a terminal", () => {
  function painted(columns = 80, env: Record<string, string> = {}) {
    const stream = new FakeStream({ isTTY: true, columns });
    const tally = new Tally();
    let now = 0;
    const progress = new Progress(new Output(stream, env), tally, () => now);
    return { stream, tally, progress, pass: (ms: number) => (now += ms) };
  }

  test("paints over itself with spaces, without escape codes, and leaves nothing behind", async () => {
    const { stream, tally, progress, pass } = painted();
    tally.inFlight = 1_000;
    pass(100);
    progress.paint();
    tally.inFlight = 0;
    pass(100);
    progress.paint();
    await progress.end();
    expect(stream.text).not.toContain("\u001b");
    const screen = playOn(stream.text);
    expect(screen.trim()).toBe("");
    const [, first, second] = stream.text.split("\r");
    expect(first).toBe("0 done  1,000 in flight  0 req/s  0 B/s");
    expect(second).toBe("0 done  0 in flight  0 req/s  0 B/s    ");
  });

  test("never fills the last column, which would begin a new line", () => {
    for (const columns of [1, 2, 10, 20, 40, 41, 42, 80]) {
      const { stream, progress, pass } = painted(columns);
      progress.note("Stopping (Ctrl-C: at once)");
      pass(100);
      progress.paint();
      progress.clear();
      for (const part of stream.text.split("\r")) expect(part.length).toBeLessThan(Math.max(columns, 1));
    }
  });

  test("takes its line away once", () => {
    const { stream, progress, pass } = painted();
    pass(10);
    progress.paint();
    progress.clear();
    const length = stream.text.length;
    progress.clear();
    expect(stream.text).toHaveLength(length);
  });

  test("is silent in a pipe and on a dumb terminal", async () => {
    const pipe = new FakeStream();
    const dumb = new FakeStream({ isTTY: true });
    for (const [stream, env] of [
      [pipe, {}],
      [dumb, { TERM: "dumb" }],
    ] as const) {
      const progress = new Progress(new Output(stream, env), new Tally(), () => 0);
      progress.start();
      await progress.end();
      expect(stream.text).toBe("");
    }
  });
});

/** What a line of a terminal shows after all this was written to it. */
function playOn(text: string): string {
  const cells: string[] = [];
  let column = 0;
  for (const character of text) {
    if (character === "\r") column = 0;
    else {
      cells[column] = character;
      column += 1;
    }
  }
  return cells.join("");
}
