import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecentBytes } from "../../../src/body/messages/recent-bytes.js";

describe("the bytes remembered", () => {
  test("are the last ones of all that were added", () => {
    const sizes = fc.array(fc.oneof(fc.nat(40), fc.nat(3_000)), { maxLength: 40 });
    const property = fc.property(sizes, fc.constantFrom(1, 7, 256, 600, 2_048), (added, most) => {
      const recent = new RecentBytes(most);
      let all = Buffer.alloc(0);
      let next = 0;
      for (const size of added) {
        const octets = Array.from({ length: size }, (_, at) => (next + at) & 255);
        next += size;
        const bytes = Buffer.from(octets);
        recent.add(bytes);
        bytes.fill(0);
        all = Buffer.concat([all, Buffer.from(octets)]);
        const expected = all.subarray(Math.max(0, all.length - most));
        expect(Buffer.compare(recent.bytes ?? Buffer.alloc(0), expected)).toBe(0);
      }
    });
    fc.assert(property, { numRuns: 60 });
  });

  test("cost little more than they are, and nothing when there are none or they were forgotten", () => {
    const recent = new RecentBytes(8_192);
    expect(recent.bytes).toBeUndefined();
    recent.add(Buffer.alloc(100, 1));
    expect(recent.bytes?.buffer.byteLength).toBeLessThan(1_024);
    for (let count = 0; count < 1_000; count += 1) recent.add(Buffer.alloc(100, count));
    expect(recent.bytes?.byteLength).toBe(8_192);
    expect(recent.bytes?.buffer.byteLength).toBeLessThanOrEqual(10_240);
    recent.clear();
    expect(recent.bytes).toBeUndefined();
  });
});
