import { deflateRawSync, constants as zlib } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageCompression, messageDeflater, messageInflater } from "../../../src/body/messages/message-coding.js";
import { RawDeflater } from "../../../src/body/messages/raw-deflater.js";
import { RawInflater } from "../../../src/body/messages/raw-inflater.js";
import type { DeflateAgreement } from "../../../src/websocket/permessage-deflate.js";

const PLAIN: DeflateAgreement = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
const MIB = 1024 * 1024;
const HELLO = Buffer.from("Hello");

function deflater(chosen: Partial<ConstructorParameters<typeof RawDeflater>[0]> = {}): RawDeflater {
  return new RawDeflater({ level: 3, maxWindowBits: 15, contextTakeover: true, ...chosen });
}

function inflater(chosen: Partial<ConstructorParameters<typeof RawInflater>[0]> = {}): RawInflater {
  return new RawInflater({ maxWindowBits: 15, contextTakeover: true, maxMessageSize: MIB, ...chosen });
}

/** Text that compresses about as chat and JSON do, `size` bytes of it. */
function textOf(size: number, seed = 1): Buffer {
  let state = seed;
  let text = "";
  while (text.length < size) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += JSON.stringify({ id: state, from: `user-${state % 7}`, text: "the quick brown fox" });
  }
  return Buffer.from(text.slice(0, size));
}

/** Bytes that do not compress. */
function noiseOf(size: number): Buffer {
  let state = 7;
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

describe("the examples of RFC 7692 §7.2.3", () => {
  test("one message, compressed", async () => {
    expect(Buffer.from(await deflater().deflate(HELLO))).toEqual(hex("f2 48 cd c9 c9 07 00"));
    expect(Buffer.from(await inflater().inflate(hex("f2 48 cd c9 c9 07 00")))).toEqual(HELLO);
  });

  test("a second one that refers to the first, with context takeover (§7.2.3.2)", async () => {
    const sharing = deflater();
    const taking = inflater();
    for (const coded of ["f2 48 cd c9 c9 07 00", "f2 00 11 00 00"]) {
      expect(Buffer.from(await sharing.deflate(HELLO))).toEqual(hex(coded));
      expect(Buffer.from(await taking.inflate(hex(coded)))).toEqual(HELLO);
    }
    const alone = deflater({ contextTakeover: false });
    for (let count = 0; count < 2; count += 1) {
      expect(Buffer.from(await alone.deflate(HELLO))).toEqual(hex("f2 48 cd c9 c9 07 00"));
    }
  });

  test("a block without compression (§7.2.3.3)", async () => {
    expect(Buffer.from(await inflater().inflate(hex("00 05 00 fa ff 48 65 6c 6c 6f 00")))).toEqual(HELLO);
  });

  test("a block with BFINAL set (§7.2.3.4), and what comes behind it", async () => {
    const taking = inflater();
    expect(Buffer.from(await taking.inflate(hex("f3 48 cd c9 c9 07 00 00")))).toEqual(HELLO);
    expect(Buffer.from(await taking.inflate(hex("f2 00 11 00 00")))).toEqual(HELLO);
    const twice = hex("f3 48 cd c9 c9 07 00 f2 48 cd c9 c9 07 00");
    expect(Buffer.from(await taking.inflate(twice)).toString()).toBe("HelloHello");
  });

  test("two blocks in one message (§7.2.3.5)", async () => {
    expect(Buffer.from(await inflater().inflate(hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")))).toEqual(HELLO);
  });

  test("an empty message (§7.2.3.6)", async () => {
    const sharing = deflater();
    await sharing.deflate(HELLO);
    const empty = Buffer.from(await sharing.deflate(Buffer.alloc(0)));
    const taking = inflater();
    for (const coded of [empty, hex("00"), hex("02 00"), Buffer.alloc(0)]) {
      expect((await taking.inflate(coded)).byteLength).toBe(0);
    }
  });
});

describe("what we deflate, we inflate", () => {
  const AGREEMENTS: Partial<DeflateAgreement>[] = [
    {},
    { serverNoContextTakeover: true },
    { clientNoContextTakeover: true },
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    ...[8, 9, 10, 12, 15].flatMap((bits) => [{ serverMaxWindowBits: bits }, { clientMaxWindowBits: bits }]),
    { serverMaxWindowBits: 8, clientMaxWindowBits: 9, serverNoContextTakeover: true },
  ];

  test.each(AGREEMENTS)("with %j, both ways", async (chosen) => {
    const agreement = { ...PLAIN, ...chosen };
    for (const [from, to] of [
      ["server", "client"],
      ["client", "server"],
    ] as const) {
      const sending = messageDeflater(agreement, from, { level: 6 });
      const taking = messageInflater(agreement, to, MIB);
      for (const [turn, size] of [0, 1, 100, 5_000, 16_384, 3, 16_385, 70_000, 300, 40_000, 16].entries()) {
        const plain = turn % 4 === 3 ? noiseOf(size) : textOf(size, turn % 3);
        const inflated = await taking.inflate(await sending.deflate(plain));
        if (Buffer.compare(inflated, plain) !== 0) throw new Error(`${size} bytes from the ${from} changed`);
      }
    }
  });

  test("by both ends of one agreement", async () => {
    const agreement = { ...PLAIN, serverMaxWindowBits: 9, clientNoContextTakeover: true };
    const settings = { level: 6, threshold: 0, maxMessageSize: 1_000 } as const;
    const server = messageCompression(agreement, { ...settings, role: "server" }).makeDeflater();
    const client = messageCompression(agreement, { ...settings, role: "client" }).makeInflater();
    for (const size of [1_000, 900, 20]) {
      expect(Buffer.compare(await client.inflate(await server.deflate(textOf(size))), textOf(size))).toBe(0);
    }
    const large = await server.deflate(textOf(1_001));
    expect(() => client.inflate(large)).toThrow(expect.objectContaining({ code: "websocket/message-too-large" }));
  });

  test("in parts", async () => {
    for (const contextTakeover of [true, false]) {
      const sending = deflater({ contextTakeover });
      const taking = inflater({ contextTakeover });
      for (const sizes of [[10, 20, 30], [5_000, 0, 20_000, 100], [0], [1]]) {
        const plain = textOf(sizes.reduce((sum, size) => sum + size, 0));
        const coded: Uint8Array[] = [];
        let from = 0;
        for (const [index, size] of sizes.entries()) {
          const part = plain.subarray(from, from + size);
          from += size;
          const last = index === sizes.length - 1;
          coded.push(await (last ? sending.deflate(part) : sending.deflatePart(part)));
        }
        expect(Buffer.compare(await taking.inflate(Buffer.concat(coded)), plain)).toBe(0);
      }
    }
  });

  test("anything at all, in any sequence", async () => {
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(40_000).map((size) => textOf(size)),
      fc.string({ maxLength: 200 }).map((text) => Buffer.from(text)),
    );
    const settings = fc.record({ maxWindowBits: fc.integer({ min: 8, max: 15 }), contextTakeover: fc.boolean() });
    const property = fc.asyncProperty(fc.array(message, { maxLength: 8 }), settings, async (messages, chosen) => {
      const sending = deflater(chosen);
      const taking = inflater(chosen);
      for (const plain of messages) {
        expect(Buffer.compare(await taking.inflate(await sending.deflate(plain)), plain)).toBe(0);
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });

  test("as the platform's own streams would have it, whose context never ends", async () => {
    const taking = inflater();
    let before = Buffer.alloc(0);
    for (let turn = 0; turn < 30; turn += 1) {
      const plain = textOf(700 + 311 * turn, turn % 2);
      const coded = deflateRawSync(plain, { finishFlush: zlib.Z_SYNC_FLUSH, dictionary: before.subarray(-32_768) });
      expect(Buffer.compare(await taking.inflate(coded.subarray(0, -4)), plain)).toBe(0);
      before = Buffer.concat([before, plain]);
    }
  });
});

describe("where the work is done", () => {
  test("small messages are done at once, large ones off the event loop, in either direction", async () => {
    const small = deflater().deflate(textOf(16_384));
    expect(small).toBeInstanceOf(Uint8Array);
    const large = deflater().deflate(textOf(16_385));
    expect(large).toBeInstanceOf(Promise);
    expect(inflater().inflate(await small)).toBeInstanceOf(Uint8Array);
    const expanding = await deflater().deflate(textOf(65_537));
    expect(expanding.byteLength).toBeLessThan(16_384);
    const inflated = inflater().inflate(expanding);
    expect(inflated).toBeInstanceOf(Promise);
    expect((await inflated).byteLength).toBe(65_537);
    expect(inflater().inflate(await deflater().deflate(noiseOf(17_000)))).toBeInstanceOf(Promise);
  });

  test("messages that are deflated at the same time are what they would be one by one", async () => {
    const sending = deflater();
    const taking = inflater();
    const plains = [40_000, 100, 90_000, 17_000, 5].map((size, seed) => textOf(size, seed));
    const coded = plains.map((plain) => sending.deflate(plain));
    for (const [turn, one] of coded.entries()) {
      expect(Buffer.compare(await taking.inflate(await one), plains[turn] ?? HELLO)).toBe(0);
    }
  });

  test("a message that was lent is not looked at again", async () => {
    for (const size of [1_000, 200_000]) {
      const plain = textOf(size);
      const lent = Buffer.from(await deflater().deflate(plain));
      const inflated = inflater().inflate(lent);
      lent.fill(0xff);
      expect(Buffer.compare(await inflated, plain)).toBe(0);
    }
  });
});

describe("the limit on inflated messages", () => {
  async function refusalOf(coded: Uint8Array, maxMessageSize: number): Promise<unknown> {
    try {
      await inflater({ maxMessageSize }).inflate(coded);
    } catch (error) {
      return error;
    }
    return undefined;
  }
  const TOO_LARGE = { code: "websocket/message-too-large", closeCode: 1009, name: "WebSocketFault" };

  test.each([1, 100, 65_536, 65_537, 300_000])("of %i: at it, one past it, off", async (size) => {
    const at = await deflater().deflate(textOf(size));
    const past = await deflater().deflate(textOf(size + 1));
    expect(await refusalOf(at, size)).toBeUndefined();
    expect(await refusalOf(past, size)).toMatchObject(TOO_LARGE);
    expect(await refusalOf(past, Number.POSITIVE_INFINITY)).toBeUndefined();
  });

  test("stops a bomb while it goes off: 1 GiB in 1 MiB costs neither the memory nor the time", async () => {
    const megabyte = deflateRawSync(Buffer.alloc(MIB), { finishFlush: zlib.Z_SYNC_FLUSH, level: 9 });
    const bomb = Buffer.concat(Array.from({ length: 1_024 }, () => megabyte));
    const before = process.memoryUsage().arrayBuffers;
    const started = performance.now();
    expect(await refusalOf(bomb, MIB)).toMatchObject(TOO_LARGE);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB);
    const small = Buffer.concat(Array.from({ length: 15 }, () => megabyte));
    expect(small.byteLength).toBeLessThanOrEqual(16_384);
    expect(await refusalOf(small, MIB)).toMatchObject(TOO_LARGE);
  });

  test("holds over the streams of one message together", async () => {
    const stream = deflateRawSync(Buffer.alloc(60, "x"));
    expect(await refusalOf(Buffer.concat([stream, stream, hex("00")]), 120)).toBeUndefined();
    expect(await refusalOf(Buffer.concat([stream, stream, hex("00")]), 119)).toMatchObject(TOO_LARGE);
  });

  test("has a message end its stream 31 times at the most, for each costs far more than its bytes", async () => {
    const ends = (count: number): Buffer =>
      Buffer.concat([...Array.from({ length: count }, () => hex("03 00")), hex("00")]);
    expect(await refusalOf(ends(31), MIB)).toBeUndefined();
    expect(await refusalOf(ends(32), MIB)).toMatchObject({ code: "websocket/deflate-invalid" });
    expect(await refusalOf(ends(8_000), MIB)).toMatchObject({ code: "websocket/deflate-invalid" });
    expect(await refusalOf(ends(10_000), MIB)).toMatchObject({ code: "websocket/deflate-invalid" });
  });
});

describe("what is no deflated message", () => {
  const INVALID = { code: "websocket/deflate-invalid", closeCode: 1007, name: "WebSocketFault" };

  test.each([
    ["a block of a kind that there is not", "07"],
    ["a stored block with a wrong length", "00 05 00 00 00 48 65 6c 6c 6f 00"],
    ["a reference to before the first message", "f2 00 11 00 00"],
    ["the end of a stream, and no more", "f3 48 cd c9 c9 07 00"],
    ["noise", "de ad be ef"],
  ])("%s is refused with 1007", (_title, coded) => {
    expect(() => inflater().inflate(hex(coded))).toThrow(expect.objectContaining(INVALID));
  });

  test("a message that was cut short is refused, unless what is left is a whole one", async () => {
    const taken: number[] = [];
    for (const plain of [textOf(150), noiseOf(60)]) {
      const coded = Buffer.from(await deflater().deflate(plain));
      for (let end = 1; end < coded.byteLength; end += 1) {
        try {
          await inflater().inflate(coded.subarray(0, end));
          taken.push(end);
        } catch (error) {
          expect(error).toMatchObject(INVALID);
        }
      }
    }
    // Of noise, which is one block without compression: its first byte alone is an empty message (§7.2.3.6), and where four bytes of
    // the block are missing, the four that every sender leaves away stand in for them.
    expect(taken).toEqual([1, 61]);
  });

  test("the same off the event loop", async () => {
    const coded = Buffer.from(await deflater().deflate(textOf(400_000)));
    coded.fill(0xff, coded.byteLength - 100);
    await expect(inflater().inflate(coded)).rejects.toMatchObject(INVALID);
    await expect(inflater().inflate(coded.subarray(0, 20_000))).rejects.toMatchObject(INVALID);
  });

  test("a message that refers to another is refused where each stands alone", async () => {
    const alone = inflater({ contextTakeover: false });
    await alone.inflate(hex("f2 48 cd c9 c9 07 00"));
    expect(() => alone.inflate(hex("f2 00 11 00 00"))).toThrow(expect.objectContaining(INVALID));
  });
});

describe("closing", () => {
  test("forgets what was sent and received, and lets what is under way come to its end", async () => {
    const sending = deflater();
    const taking = inflater();
    const under = sending.deflate(textOf(50_000));
    sending.close();
    const coded = await under;
    const inflating = taking.inflate(coded);
    taking.close();
    expect((await inflating).byteLength).toBe(50_000);
    expect(() => taking.inflate(hex("f2 00 11 00 00"))).toThrow();
  });
});
