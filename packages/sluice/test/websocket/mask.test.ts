import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mask, maskPayload } from "../../src/websocket/mask.js";

/** RFC 6455 §5.3: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4). */
function naive(bytes: Uint8Array, key: number, offset: number): number[] {
  const octets = [(key >>> 24) & 255, (key >>> 16) & 255, (key >>> 8) & 255, key & 255];
  return Array.from(bytes, (octet, at) => octet ^ (octets[(at + offset) % 4] ?? 0));
}

describe("masking", () => {
  test("the example of RFC 6455 §5.7", () => {
    const bytes = Buffer.from("7f9f4d5158", "hex");
    mask(bytes, 0x37fa213d);
    expect(bytes.toString()).toBe("Hello");
  });

  test("is right for every length up to 300, wherever the bytes lie and wherever in the payload they stand", () => {
    const memory = new Uint8Array(320);
    for (let length = 0; length <= 300; length += 1) {
      for (let start = 0; start < 4; start += 1) {
        for (let offset = 0; offset < 4; offset += 1) {
          const bytes = memory.subarray(start, start + length);
          for (let at = 0; at < length; at += 1) bytes[at] = at * 7;
          const expected = naive(bytes, 0xdeadbeef, offset);
          memory[start + length] = 0xaa;
          mask(bytes, 0xdeadbeef, offset);
          if (Buffer.compare(bytes, Buffer.from(expected)) !== 0) throw new Error(`${length} at ${start}, ${offset}`);
          if (memory[start + length] !== 0xaa) throw new Error(`${length} at ${start}: wrote beyond the end`);
        }
      }
    }
  });

  test("a payload within a packet is masked where it lies, for every length up to 300, and nothing round it", () => {
    for (let length = 0; length <= 300; length += 1) {
      for (let start = 0; start < 8; start += 1) {
        const packet = Uint8Array.from({ length: start + length + 5 }, (_, at) => at * 7);
        const inside = packet.slice(start, start + length);
        const expected = Uint8Array.from(packet);
        expected.set(naive(inside, 0xdeadbeef, 0), start);
        maskPayload(packet, start, start + length, 0xdeadbeef | 0);
        if (Buffer.compare(packet, expected) !== 0) throw new Error(`${length} at ${start}`);
      }
    }
  });

  test("twice is not at all, with any key and in any pieces", () => {
    const property = fc.property(
      fc.uint8Array({ maxLength: 2_000 }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
      fc.nat(2_000),
      (bytes, key, cut) => {
        const given = Buffer.from(bytes);
        mask(given, key);
        expect([...given]).toEqual(naive(bytes, key, 0));
        const at = Math.min(cut, given.length);
        mask(given.subarray(0, at), key);
        mask(given.subarray(at), key, at);
        expect(Buffer.compare(given, bytes)).toBe(0);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});
