import { describe, expect, test } from "vitest";
import { Bars } from "../src/terminal/bars.js";
import { Output } from "../src/terminal/output.js";
import { FakeStream } from "./support/fake-io.js";

const UP = (lines: number): string => `\u001b[${lines}A\r`;
const LINE = (text: string): string => `${text}\u001b[K\n`;
const REST = "\u001b[J";

function painted(lines: () => readonly string[], rows = 24) {
  const stream = new FakeStream({ isTTY: true, columns: 20, rows });
  const room: [width: number, height: number][] = [];
  const bars = new Bars(new Output(stream, {}), (width, height) => {
    room.push([width, height]);
    return lines();
  });
  const written = (): string => {
    const { text } = stream;
    stream.chunks.length = 0;
    return text;
  };
  return { stream, room, bars, written };
}

describe("the block of bars", () => {
  test("is painted over itself, and taken away whole", () => {
    let lines = ["one", "two"];
    const { bars, written } = painted(() => lines);
    bars.paint();
    expect(written()).toBe(LINE("one") + LINE("two"));
    lines = ["three"];
    bars.paint();
    expect(written()).toBe(UP(2) + LINE("three") + REST);
    bars.clear();
    bars.clear();
    expect(written()).toBe(UP(1) + REST);
  });

  test("has the last column and the last line of the terminal left free", () => {
    const { bars, room } = painted(() => [], 10);
    bars.paint();
    expect(room).toEqual([[19, 9]]);
  });

  test("is found again when the terminal has become narrower, which breaks its lines", () => {
    const { bars, stream, written } = painted(() => ["x".repeat(stream.columns - 1), "", "文".repeat(6)]);
    bars.paint();
    written();
    stream.columns = 10;
    bars.paint();
    expect(written().startsWith(UP(2 + 1 + 2) + LINE("x".repeat(9)))).toBe(true);
  });
});
