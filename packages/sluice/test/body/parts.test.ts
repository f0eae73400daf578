import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Collector } from "../../src/body/collect.js";
import { findJsonError } from "../../src/body/json-error.js";
import { copyBorrowed, handOver, ownExactly } from "../../src/body/own-bytes.js";
import { PieceQueue } from "../../src/body/piece-queue.js";
import { decodeText, parseJson } from "../../src/body/text.js";
import { cut, noise, utf8 } from "./support.js";

describe("piece queue", () => {
  test("gives pieces in order and knows its bytes, whatever is pushed and taken", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 9 }), { maxLength: 300 }), (steps) => {
        const queue = new PieceQueue();
        const model: Uint8Array[] = [];
        for (const step of steps) {
          if (step < 0) expect(queue.shift()).toBe(model.shift());
          else {
            const piece = new Uint8Array(step);
            queue.push(piece);
            model.push(piece);
          }
          expect(queue.pieceCount).toBe(model.length);
          expect(queue.byteLength).toBe(model.reduce((sum, piece) => sum + piece.byteLength, 0));
        }
      }),
    );
  });

  test("takes a hundred thousand pieces in no time, one behind the other", () => {
    const queue = new PieceQueue();
    for (let count = 0; count < 100_000; count += 1) queue.push(new Uint8Array(1));
    for (let count = 0; count < 100_000; count += 1) {
      queue.shift();
      queue.push(new Uint8Array(2));
    }
    expect(queue.byteLength).toBe(200_000);
    queue.clear();
    expect([queue.byteLength, queue.pieceCount, queue.shift()]).toEqual([0, 0, undefined]);
  });
});

describe("collector", () => {
  test("gives what was added, lent or given, whatever was expected", () => {
    const whole = noise(20_000);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
        fc.option(fc.nat(30_000), { nil: undefined }),
        (sizes, lent, expected) => {
          const collector = new Collector(Number.POSITIVE_INFINITY, expected);
          for (const [index, piece] of cut(whole, sizes).entries()) {
            const borrowed = lent[index % lent.length] === true;
            collector.add(piece, borrowed);
            if (borrowed) piece.fill(0);
          }
          expect(collector.byteLength).toBe(whole.byteLength);
          expect(Buffer.compare(collector.take(), whole)).toBe(0);
          expect(collector.take().byteLength).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("an honest declaration is filled in place; a wild one costs a MiB at most", () => {
    const honest = new Collector(Number.POSITIVE_INFINITY, 10);
    honest.add(noise(4), true);
    honest.add(noise(6), true);
    expect(honest.take().buffer.byteLength).toBe(10);
    const wild = new Collector(Number.POSITIVE_INFINITY, 2 ** 50);
    wild.add(noise(4), true);
    expect(wild.take()).toEqual(noise(4));
  });
});

describe("ownership", () => {
  test("a borrowed piece is copied, small or large", () => {
    for (const size of [0, 1, 64, 65, 4_095, 4_096, 70_000]) {
      const lent = noise(size);
      const kept = copyBorrowed(lent);
      lent.fill(0);
      expect(Buffer.compare(kept, noise(size))).toBe(0);
    }
  });

  test("what is exact is alone in its buffer, and a plain Uint8Array", () => {
    const alone = noise(10);
    expect(ownExactly(alone).buffer).toBe(alone.buffer);
    for (const piece of [noise(20).subarray(5, 15), Buffer.from("pooled"), Buffer.allocUnsafeSlow(8)]) {
      const exact = ownExactly(piece);
      expect([exact.byteOffset, exact.buffer.byteLength]).toEqual([0, piece.byteLength]);
      expect(exact.constructor).toBe(Uint8Array);
    }
  });

  test("what is handed over is a plain Uint8Array; only small ones are copied", () => {
    const large = Buffer.allocUnsafeSlow(10_000);
    expect(handOver(large.subarray(0, 5_000)).buffer).toBe(large.buffer);
    expect(handOver(large.subarray(0, 50)).buffer).not.toBe(large.buffer);
    for (const piece of [large, large.subarray(0, 5_000), large.subarray(0, 50)]) {
      expect(handOver(piece).constructor).toBe(Uint8Array);
    }
  });
});

describe("decodeText", () => {
  test("does for UTF-8 what the platform does, for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(decodeText(bytes, undefined)).toBe(new TextDecoder().decode(bytes));
        expect(decodeText(bytes, "UTF-8")).toBe(decodeText(bytes, "utf8"));
      }),
    );
  });

  test("takes latin1 for windows-1252, all 256 bytes", () => {
    const all = Uint8Array.from({ length: 256 }, (_value, index) => index);
    const text = decodeText(all, "latin1");
    expect(text).toHaveLength(256);
    expect(text.slice(0x80, 0xa0)).toBe("€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ");
    expect(text.slice(0xa0)).toBe(Buffer.from(all.subarray(0xa0)).toString("latin1"));
    for (const label of ["iso-8859-1", "US-ASCII", " windows-1252 ", "cp1252"])
      expect(decodeText(all, label)).toBe(text);
  });

  test("knows the other encodings of the platform", () => {
    expect(decodeText(new Uint8Array([0x82, 0xa0]), "shift_jis")).toBe("あ");
    expect(decodeText(new Uint8Array([0xa4]), "iso-8859-15")).toBe("€");
  });
});

describe("findJsonError", () => {
  test.each([
    ["", 0],
    ["   ", 3],
    ["x", 0],
    ["nul", 0],
    ["01", 1],
    ["-", 0],
    ["1.", 1],
    ["1 2", 2],
    ['"abc', 4],
    ['"a\\x"', 2],
    ['"a\\u12g4"', 2],
    ['"a\nb"', 2],
    ["[1,]", 3],
    ["[1 2]", 3],
    ["[1", 2],
    ["[", 1],
    ["]", 0],
    ["{", 1],
    ["{,}", 1],
    ['{"a"}', 4],
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ['{"a":1 "b"', 7],
    ["{a:1}", 1],
    ['{"a":[1}', 7],
    ['{"a" 1}', 5],
    ["[[[[]]]", 7],
    ["[]]", 2],
    ["{}{}", 2],
    ["\u00a01", 0],
  ])("%j is wrong at %d", (text, position) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(findJsonError(text)).toBe(position);
  });

  test("agrees with the engine on where, wherever that says so", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.constantFrom(...'{}[],:"x1 \\'), (json, where, char) => {
        const at = where % (json.length + 1);
        const text = json.slice(0, at) + char + json.slice(at);
        try {
          JSON.parse(text);
        } catch (error) {
          const said = /at position (\d+)/.exec((error as Error).message)?.[1];
          if (said !== undefined) expect(findJsonError(text)).toBeLessThanOrEqual(Number(said));
          expect(findJsonError(text)).toBeLessThanOrEqual(text.length);
          expect(findJsonError(text)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test("what stands before the error can be completed: the prefix itself is never wrong earlier", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, where) => {
        const at = where % (json.length + 1);
        const prefix = json.slice(0, at);
        try {
          JSON.parse(prefix);
        } catch {
          // Cut inside a number, literal or escape, the error is where that began.
          expect(at - findJsonError(prefix)).toBeLessThanOrEqual(12);
        }
      }),
    );
  });

  test("depth costs no stack", () => {
    const deep = "[".repeat(200_000);
    expect(findJsonError(deep)).toBe(200_000);
    expect(() => parseJson(deep)).toThrow("character 200000 of 200000");
  });
});

test("parseJson parses what is JSON", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(parseJson(json)).toEqual(JSON.parse(json));
    }),
  );
  expect(() => parseJson(new TextDecoder().decode(utf8("{")))).toThrow("character 1 of 1");
});
