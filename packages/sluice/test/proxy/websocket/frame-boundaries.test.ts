import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameBoundaries } from "../../../src/proxy/websocket/frame-boundaries.js";

/** A frame as either side writes it. */
function frame(opcode: number, length: number, masked: boolean): Buffer {
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? [0x80 | opcode, mask | length]
      : length < 65_536
        ? [0x80 | opcode, mask | 126, length >> 8, length & 0xff]
        : [0x80 | opcode, mask | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (length >>> shift) & 0xff)];
  return Buffer.concat([Buffer.from(head), Buffer.alloc((masked ? 4 : 0) + length, 0x88)]);
}

const frames = fc.array(
  fc.record({
    opcode: fc.constantFrom(0, 1, 2, 9, 10),
    length: fc.oneof(fc.nat(200), fc.constantFrom(0, 125, 126, 127, 65_535, 65_536, 70_000)),
    masked: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
);

describe("frame boundaries (RFC 6455 §5.2)", () => {
  test("are found wherever frames end, however the bytes are cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(9_000), { maxLength: 6 }), (list, cuts) => {
        const wires = list.map(({ opcode, length, masked }) => frame(opcode, length, masked));
        const ends = new Set<number>([0]);
        let end = 0;
        for (const wire of wires) {
          end += wire.length;
          ends.add(end);
        }
        const whole = Buffer.concat(wires);
        const boundaries = new FrameBoundaries();
        let at = 0;
        for (const cut of [...cuts, whole.length]) {
          boundaries.pass(whole.subarray(at, Math.min(at + cut, whole.length)));
          at = Math.min(at + cut, whole.length);
          expect(boundaries.between).toBe(ends.has(at));
        }
        expect(boundaries.closing).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test("the rest of a frame that is going by can be told from what follows", () => {
    for (const length of [0, 5, 126, 300, 65_536]) {
      const wire = frame(2, length, true);
      for (const split of [1, 2, 3, 5, wire.length - 1]) {
        const boundaries = new FrameBoundaries();
        boundaries.pass(wire.subarray(0, split));
        const rest = Buffer.concat([wire.subarray(split), frame(1, 3, false)]);
        expect(boundaries.passFrame(rest)).toBe(wire.length - split);
        expect(boundaries.between).toBe(true);
        expect(boundaries.passFrame(rest)).toBe(0);
      }
    }
  });

  test("a Close frame is noticed by its head", () => {
    const boundaries = new FrameBoundaries();
    boundaries.pass(frame(2, 8, true));
    expect(boundaries.closing).toBe(false);
    boundaries.pass(frame(8, 2, false).subarray(0, 2));
    expect(boundaries.closing).toBe(true);
    expect(boundaries.between).toBe(false);
  });
});
