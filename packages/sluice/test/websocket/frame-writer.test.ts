import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameBatch } from "../../src/websocket/frame-batch.js";
import { closePayload, frameHead, headBytes, wholeFrame } from "../../src/websocket/frame-writer.js";
import { BINARY, CLOSE, CONTINUATION, FIN, PING, RSV1, TEXT } from "../../src/websocket/opcodes.js";
import { CLIENT, frame, KEY, message, read, SERVER } from "./wire.js";

const KEY_NUMBER = 0x37fa213d;
const SIZES = [0, 1, 42, 125, 126, 127, 1_000, 65_535, 65_536, 70_000];
const TEXTS = [
  "",
  "a",
  "ä".repeat(62),
  "ä".repeat(63),
  "€".repeat(41),
  "€".repeat(42),
  "x".repeat(125),
  "x".repeat(126),
];
const LONG_TEXTS = ["€".repeat(125), "ä".repeat(21_845), "x".repeat(21_846), "€".repeat(21_846), "x".repeat(65_536)];

describe("a frame", () => {
  test.each(SIZES)("of %i bytes is written as RFC 6455 §5.2 has it, masked and not", (size) => {
    const payload = Buffer.alloc(size, "payload");
    for (const key of [undefined, KEY_NUMBER]) {
      const expected = frame({ opcode: BINARY, payload, key: key === undefined ? undefined : KEY });
      expect(wholeFrame(FIN | BINARY, payload, key).equals(expected)).toBe(true);
      const head = frameHead(FIN | BINARY, size, key);
      expect(head.equals(expected.subarray(0, headBytes(size, key !== undefined)))).toBe(true);
    }
    expect(payload.equals(Buffer.alloc(size, "payload"))).toBe(true);
  });

  test("has the first octet that it was given", () => {
    expect(wholeFrame(FIN | RSV1 | TEXT, "a")).toEqual(Buffer.from([0xc1, 1, 0x61]));
    expect(wholeFrame(CONTINUATION, "")).toEqual(Buffer.from([0, 0]));
    expect(frameHead(FIN | PING, 3)).toEqual(Buffer.from([0x89, 3]));
  });

  test("of more than 2^32 bytes has its length in 8 octets", () => {
    expect(frameHead(BINARY, 2 ** 32 + 5).toString("hex")).toBe("027f0000000100000005");
    expect(frameHead(BINARY, Number.MAX_SAFE_INTEGER).toString("hex")).toBe("027f001fffffffffffff");
  });

  test("of text has it in UTF-8", () => {
    for (const text of [...TEXTS, ...LONG_TEXTS]) {
      expect(wholeFrame(FIN | TEXT, text).equals(frame({ opcode: TEXT, payload: text }))).toBe(true);
    }
  });

  test("takes a key above 2^31, as a number of either sign", () => {
    const expected = frame({ opcode: TEXT, payload: "abc", key: [0xff, 0xee, 0xdd, 0xcc] });
    expect(wholeFrame(FIN | TEXT, "abc", 0xffeeddcc)).toEqual(expected);
    expect(wholeFrame(FIN | TEXT, "abc", 0xffeeddcc >> 0)).toEqual(expected);
  });

  test("of closing has a code and a reason, or nothing", () => {
    expect(closePayload(undefined).length).toBe(0);
    expect(closePayload(1000)).toEqual(Buffer.from([0x03, 0xe8]));
    const close = wholeFrame(FIN | CLOSE, closePayload(4999, "für immer"));
    expect(read(close, CLIENT).events).toEqual([{ type: "close", code: 4999, reason: "für immer" }]);
  });
});

describe("a batch", () => {
  test.each([...TEXTS, ...LONG_TEXTS])("has text as it is written alone (%#)", (text) => {
    for (const key of [undefined, KEY_NUMBER]) {
      const batch = new FrameBatch(key === undefined ? undefined : () => key);
      batch.addText(FIN | TEXT, text);
      batch.addText(FIN | TEXT, "behind");
      const written = batch.take();
      const masked = key === undefined ? undefined : KEY;
      const expected = [text, "behind"].map((payload) => frame({ opcode: TEXT, payload, key: masked }));
      expect(written.equals(Buffer.concat(expected))).toBe(true);
    }
  });

  test("is empty once it was taken, and does not change what it gave away", () => {
    const batch = new FrameBatch();
    expect(batch.byteLength).toBe(0);
    batch.add(FIN | BINARY, Buffer.from("one"));
    expect(batch.byteLength).toBe(5);
    const first = batch.take();
    batch.add(FIN | BINARY, Buffer.from("two"));
    expect(first).toEqual(frame({ opcode: BINARY, payload: "one" }));
    expect(batch.take()).toEqual(frame({ opcode: BINARY, payload: "two" }));
    expect([batch.byteLength, batch.take().length]).toEqual([0, 0]);
  });

  test("takes frames that are written already, beside its own", () => {
    const batch = new FrameBatch();
    batch.addText(FIN | TEXT, "a");
    batch.addFrames(frame({ opcode: BINARY, payload: "b".repeat(3_000) }));
    batch.addText(FIN | TEXT, "c");
    expect(read(batch.take(), CLIENT).events).toEqual([message("a"), message("b".repeat(3_000), BINARY), message("c")]);
  });

  test("asks for a new key for each frame", () => {
    let next = 0;
    const batch = new FrameBatch(() => {
      next += 0x01010101;
      return next;
    });
    batch.addText(FIN | TEXT, "aa");
    batch.add(FIN | BINARY, Buffer.from("aa"));
    expect(batch.take().toString("hex")).toBe("8182010101016060828202020202" + "6363");
  });

  test("of any frames is read back as they are", () => {
    const payload = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom("€".repeat(100), Buffer.alloc(1_000, 1)),
    );
    const property = fc.property(fc.array(payload, { maxLength: 6 }), fc.boolean(), (payloads, masked) => {
      let key = 0x7fff0000;
      const batch = new FrameBatch(masked ? () => (key += 0x10007) : undefined);
      const expected = payloads.map((given) => {
        if (typeof given === "string") batch.addText(FIN | TEXT, given);
        else batch.add(FIN | BINARY, given);
        const opcode = typeof given === "string" ? TEXT : BINARY;
        return { ...message("", opcode), latin1: Buffer.from(given as string).toString("latin1") };
      });
      expect(read(batch.take(), masked ? SERVER : CLIENT).events).toEqual(expected);
    });
    fc.assert(property, { numRuns: 60 });
  });
});
