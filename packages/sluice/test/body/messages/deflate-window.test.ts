/**
 * How far back our messages refer, measured by a reader of deflate (RFC 1951) of its own: whatever zlib does with small windows, a peer
 * that keeps only what was agreed has to be able to inflate them (RFC 7692 §7.1.2).
 */
import { describe, expect, test } from "vitest";
import { RawDeflater } from "../../../src/body/messages/raw-deflater.js";

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const LENGTHS_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** The bits of `bytes`, first the lowest of each octet. */
class Bits {
  #at = 0;
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get ended(): boolean {
    return this.#at + 7 >= this.#bytes.length * 8;
  }
  take(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit += 1, this.#at += 1) {
      value += (((this.#bytes[this.#at >> 3] ?? 0) >> (this.#at & 7)) & 1) << bit;
    }
    return value;
  }
  /** Skips to the next octet, and `count` octets more. */
  skip(count: number): void {
    this.#at = (Math.ceil(this.#at / 8) + count) * 8;
  }
}

/** Symbols by their code, written as "length:code" (RFC 1951 §3.2.2). */
function codesOf(lengths: readonly number[]): Map<string, number> {
  const codes = new Map<string, number>();
  let code = 0;
  for (let length = 1; length <= 15; length += 1) {
    for (const [symbol, own] of lengths.entries()) {
      if (own !== length) continue;
      codes.set(`${length}:${code}`, symbol);
      code += 1;
    }
    code *= 2;
  }
  return codes;
}

function symbolOf(bits: Bits, codes: ReadonlyMap<string, number>): number {
  let code = 0;
  for (let length = 1; length <= 15; length += 1) {
    code = code * 2 + bits.take(1);
    const symbol = codes.get(`${length}:${code}`);
    if (symbol !== undefined) return symbol;
  }
  throw new Error("No such code");
}

function dynamicCodes(bits: Bits): [Map<string, number>, Map<string, number>] {
  const literals = bits.take(5) + 257;
  const distances = bits.take(5) + 1;
  const count = bits.take(4) + 4;
  const lengths: number[] = Array.from({ length: 19 }, () => 0);
  for (const symbol of LENGTHS_ORDER.slice(0, count)) lengths[symbol] = bits.take(3);
  const codes = codesOf(lengths);
  const all: number[] = [];
  while (all.length < literals + distances) {
    const symbol = symbolOf(bits, codes);
    if (symbol < 16) all.push(symbol);
    else if (symbol === 16) all.push(...Array.from({ length: 3 + bits.take(2) }, () => all.at(-1) ?? 0));
    else all.push(...Array.from({ length: symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7) }, () => 0));
  }
  return [codesOf(all.slice(0, literals)), codesOf(all.slice(literals))];
}

const FIXED = Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8));

/** The distances of all references in one message, without its tail. */
function distancesIn(coded: Uint8Array): number[] {
  const bits = new Bits(Buffer.concat([coded, Buffer.from([0, 0, 0xff, 0xff])]));
  const found: number[] = [];
  while (!bits.ended) {
    bits.take(1);
    const kind = bits.take(2);
    if (kind === 0) {
      bits.skip(0);
      const length = bits.take(16);
      bits.skip(2 + length);
      continue;
    }
    const [literals, distances] =
      kind === 1 ? [codesOf(FIXED), codesOf(Array.from({ length: 30 }, () => 5))] : dynamicCodes(bits);
    for (let symbol = symbolOf(bits, literals); symbol !== 256; symbol = symbolOf(bits, literals)) {
      if (symbol < 256) continue;
      expect(LENGTH_BASE[symbol - 257]).toBeDefined();
      bits.take(LENGTH_EXTRA[symbol - 257] ?? 0);
      const distance = symbolOf(bits, distances);
      found.push((DISTANCE_BASE[distance] ?? 0) + bits.take(Math.max(0, (distance >> 1) - 1)));
    }
  }
  return found;
}

/** Text that repeats itself at any distance up to 700, and at larger ones. */
function repeating(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 11;
  for (let at = 0; at < size; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const back = 1 + ((state >>> 8) % (state % 3 === 0 ? 40_000 : 700));
    if (back > at || state % 5 === 0) {
      bytes[at] = 97 + ((state >>> 16) % 26);
      at += 1;
      continue;
    }
    for (let left = 4 + ((state >>> 20) % 20); left > 0 && at < size; left -= 1, at += 1)
      bytes[at] = bytes[at - back] ?? 0;
  }
  return bytes;
}

describe.each([8, 9, 10, 12, 15])("messages that may look back 2^%i bytes", (maxWindowBits) => {
  test.each([true, false])("do not look further; with context takeover: %s", async (contextTakeover) => {
    for (const level of [1, 6]) {
      const deflater = new RawDeflater({ level, maxWindowBits, contextTakeover });
      let farthest = 0;
      for (const size of [200, 300, 3_000, 40, 7_000]) {
        const distances = distancesIn(await deflater.deflate(repeating(size)));
        for (const distance of distances) farthest = Math.max(farthest, distance);
      }
      expect(farthest).toBeLessThanOrEqual(2 ** maxWindowBits);
      // It does look back: the measure measures.
      expect(farthest).toBeGreaterThan(200);
    }
  });
});

test("messages that stand alone refer to nothing before them", async () => {
  const alone = new RawDeflater({ level: 6, maxWindowBits: 15, contextTakeover: false });
  const sharing = new RawDeflater({ level: 6, maxWindowBits: 15, contextTakeover: true });
  const text = Buffer.from("abcdefghijklmnopqrstuvwxyz");
  expect(distancesIn(await alone.deflate(text))).toEqual([]);
  expect(distancesIn(await alone.deflate(text))).toEqual([]);
  expect(distancesIn(await sharing.deflate(text))).toEqual([]);
  expect(distancesIn(await sharing.deflate(text))).toEqual([26]);
});
