import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equalsLower, parseDigits, skipOws, trimOws, trimOwsEnd } from "../../src/bytes/ascii.js";
import { ByteQueue } from "../../src/bytes/byte-queue.js";
import {
  areAllIn,
  COOKIE_VALUE_CHARS,
  FIELD_VALUE_CHARS,
  HEX_VALUES,
  isDigit,
  isToken,
  QUOTED_TEXT_CHARS,
  REG_NAME_CHARS,
  TARGET_CHARS,
  TOKEN_CHARS,
} from "../../src/bytes/char-tables.js";

describe("the character tables", () => {
  test.each([
    ["TOKEN_CHARS", TOKEN_CHARS, /[!#$%&'*+\-.^_`|~0-9A-Za-z]/],
    ["FIELD_VALUE_CHARS", FIELD_VALUE_CHARS, /[\t\x20-\x7e\x80-\xff]/],
    ["TARGET_CHARS", TARGET_CHARS, /[\x21\x22\x24-\x7e]/],
    ["REG_NAME_CHARS", REG_NAME_CHARS, /[A-Za-z0-9\-._~!$&'()*+,;=]/],
    ["QUOTED_TEXT_CHARS", QUOTED_TEXT_CHARS, /[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]/],
    ["COOKIE_VALUE_CHARS", COOKIE_VALUE_CHARS, /[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]/],
  ])("%s is what its grammar says", (_, table, grammar) => {
    for (let octet = 0; octet < 256; octet += 1) {
      expect(table[octet] === 1, `octet ${octet}`).toBe(grammar.test(String.fromCharCode(octet)));
    }
  });

  test("HEX_VALUES is what hexadecimal digits are worth", () => {
    for (let octet = 0; octet < 256; octet += 1) {
      const digit = String.fromCharCode(octet);
      expect(HEX_VALUES[octet]).toBe(/[0-9a-fA-F]/.test(digit) ? Number(`0x${digit}`) : 255);
    }
  });

  test("have no characters beyond U+00FF", () => {
    expect(areAllIn(FIELD_VALUE_CHARS, "\u0100")).toBe(false);
    expect(areAllIn(TOKEN_CHARS, "a\u{10041}")).toBe(false);
    expect(areAllIn(TOKEN_CHARS, "a b", 0, 1)).toBe(true);
    expect([isToken(""), isToken("a"), isToken("a b")]).toEqual([false, true, false]);
    expect(["/", "0", "9", ":"].map((text) => isDigit(text.charCodeAt(0)))).toEqual([false, true, true, false]);
  });
});

describe("ASCII text", () => {
  test("compares without case", () => {
    expect(equalsLower("xHost", 1, 5, "host")).toBe(true);
    expect(equalsLower("Hosts", 0, 5, "host")).toBe(false);
    expect(equalsLower("Hoso", 0, 4, "host")).toBe(false);
  });

  test("is trimmed of spaces and tabs only", () => {
    expect(["", "a", " \ta b\t ", " \t ", "\na"].map(trimOws)).toEqual(["", "a", "a b", "", "\na"]);
    expect([skipOws("  a", 0, 3), skipOws("   ", 0, 2), trimOwsEnd("a  ", 0, 3), trimOwsEnd("   ", 1, 3)]).toEqual([
      2, 2, 1, 1,
    ]);
  });

  test("spells numbers in plain digits up to 2^53 - 1", () => {
    expect(["0", "007", "9007199254740991"].map(parseDigits)).toEqual([0, 7, 9_007_199_254_740_991]);
    for (const text of ["", " 1", "1 ", "+1", "-1", "1.0", "1e3", "0x1", "١", "9007199254740992", "9".repeat(400)]) {
      expect(parseDigits(text)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(parseDigits(String(value))).toBe(value);
      }),
    );
  });
});

describe("a byte queue", () => {
  test("gives back what was put in, whatever the order of calls", () => {
    const step = fc.oneof(
      fc.uint8Array({ maxLength: 700 }).map((bytes) => ({ append: bytes })),
      fc.nat(900).map((count) => ({ consume: count })),
      fc.constant({ take: true }),
      fc.constant({ clear: true }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new ByteQueue();
        let model = Buffer.alloc(0);
        for (const next of steps) {
          if ("append" in next) {
            const lent = Uint8Array.from(next.append);
            queue.append(lent);
            lent.fill(0xff);
            model = Buffer.concat([model, next.append]);
          } else if ("consume" in next) {
            queue.consume(next.consume);
            model = model.subarray(next.consume);
          } else if ("take" in next) {
            expect(Buffer.compare(queue.take(), model)).toBe(0);
            model = Buffer.alloc(0);
          } else {
            queue.clear();
            model = Buffer.alloc(0);
          }
          expect([queue.length, queue.first]).toEqual([model.length, model[0]]);
          expect(Buffer.compare(queue.peek(), model)).toBe(0);
          expect(queue.toLatin1()).toBe(model.toString("latin1"));
        }
      }),
    );
  });

  test("gives taken bytes away for good", () => {
    const queue = new ByteQueue();
    queue.append(Buffer.from("first"));
    const taken = queue.take();
    queue.append(Buffer.from("second"));
    expect(taken.toString()).toBe("first");
  });

  test("copies a part, and nothing of an empty one", () => {
    const queue = new ByteQueue();
    queue.append(Buffer.from("abcdef"), 2, 4);
    queue.append(Buffer.from("abcdef"), 4, 4);
    queue.append(Buffer.from("abcdef"), 5);
    expect(queue.toLatin1()).toBe("cdf");
  });

  test("moves each byte a bounded number of times", () => {
    const queue = new ByteQueue();
    const piece = Buffer.alloc(64, 0x61);
    // Always some left: the store must neither grow without end nor move its content at every append.
    for (let round = 0; round < 20_000; round += 1) {
      queue.append(piece);
      if (queue.length > 1_000) queue.consume(900);
    }
    expect(queue.peek().buffer.byteLength).toBeLessThan(8_192);
  });
});
