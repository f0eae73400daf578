import { describe, expect, test } from "vitest";
import { FrameReader } from "../../src/websocket/frame-reader.js";
import { CLIENT, type FrameParts, frame, KEY, message, Recorder, read, readAtEveryCut, SERVER } from "./wire.js";

/** The same frames from a client and from a server. */
const SIDES = [
  { from: "a client", key: KEY, settings: SERVER },
  { from: "a server", key: undefined, settings: CLIENT },
];

function wire(key: FrameParts["key"], ...frames: FrameParts[]): Buffer {
  return Buffer.concat(frames.map((parts) => frame({ key, ...parts })));
}

const TEXT = 1;
const BINARY = 2;
const MORE = 0;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

describe.each(SIDES)("frames of $from", ({ key, settings }) => {
  test.each([0, 1, 2, 3, 4, 5, 7, 8, 95, 96, 97, 124, 125, 126, 127, 128, 300])(
    "a message of %i bytes is told, in text and in binary",
    (size) => {
      const text = "x".repeat(size);
      for (const opcode of [TEXT, BINARY]) {
        const outcome = readAtEveryCut(wire(key, { opcode, payload: text }, { opcode, payload: "!" }), settings);
        expect(outcome).toEqual({
          events: [message(text, opcode), message("!", opcode)],
          error: undefined,
          closeCode: undefined,
        });
      }
    },
  );

  test.each([65_535, 65_536, 200_000])("a message of %i bytes is told, however it is cut", (size) => {
    const payload = Buffer.alloc(size, "abcdefg");
    const bytes = wire(key, { opcode: BINARY, payload }, { opcode: TEXT, payload: "next" });
    for (const cuts of [[], [1], [2, 3], [9], [13], [14, 15], [16, 40_001], [size - 1, size + 7]]) {
      expect(read(bytes, settings, cuts).events).toEqual([message(payload.toString(), BINARY), message("next")]);
    }
  });

  test("a message in fragments is one message, with control frames told between them", () => {
    const outcome = readAtEveryCut(
      wire(
        key,
        { opcode: TEXT, payload: "He", fin: false },
        { opcode: PING, payload: "1" },
        { opcode: MORE, payload: "", fin: false },
        { opcode: MORE, payload: "l", fin: false },
        { opcode: PONG, payload: "2" },
        { opcode: MORE, payload: "lo" },
        { opcode: BINARY, payload: "", fin: false },
        { opcode: MORE, payload: "" },
      ),
      settings,
    );
    expect(outcome.error).toBeUndefined();
    expect(outcome.events).toEqual([
      message("Hello"),
      { type: "ping", latin1: "1" },
      { type: "pong", latin1: "2" },
      message("", BINARY),
    ]);
  });

  test.each([PING, PONG])("control frame %i has a payload of 0 to 125 bytes", (opcode) => {
    const type = opcode === PING ? "ping" : "pong";
    for (const size of [0, 1, 124, 125]) {
      const payload = Buffer.alloc(size, 0xfe);
      const outcome = readAtEveryCut(wire(key, { opcode, payload }), settings);
      expect(outcome.events).toEqual([{ type, latin1: payload.toString("latin1") }]);
    }
    expect(readAtEveryCut(wire(key, { opcode, payload: Buffer.alloc(126) }), settings)).toMatchObject({
      events: [],
      error: "websocket/control-too-large",
      closeCode: 1002,
    });
  });

  test("a close frame has a code and a reason, a code, or nothing; what comes behind it is dropped", () => {
    const end = { opcode: TEXT, payload: "late", rsv: 7 };
    expect(readAtEveryCut(wire(key, { opcode: CLOSE }, end), settings)).toEqual({
      events: [{ type: "close", code: 1005, reason: "" }],
      error: undefined,
      closeCode: undefined,
    });
    const away = Buffer.from([0x03, 0xe9]);
    expect(readAtEveryCut(wire(key, { opcode: CLOSE, payload: away }, end), settings).events).toEqual([
      { type: "close", code: 1001, reason: "" },
    ]);
    const reason = "ü".repeat(61);
    const payload = Buffer.concat([away, Buffer.from(`${reason}.`)]);
    expect(readAtEveryCut(wire(key, { opcode: CLOSE, payload }, end), settings).events).toEqual([
      { type: "close", code: 1001, reason: `${reason}.` },
    ]);
  });

  test("a close frame may come within a text that is cut within a character", () => {
    const start = { opcode: TEXT, payload: Buffer.from([0xe2, 0x82]), fin: false };
    const close = { opcode: CLOSE, payload: Buffer.from([0x03, 0xe8, 0x68, 0x69]) };
    expect(readAtEveryCut(wire(key, start, close), settings).events.at(-1)).toEqual({
      type: "close",
      code: 1000,
      reason: "hi",
    });
  });

  test.each<[string, FrameParts[], string]>([
    ["RSV2", [{ opcode: TEXT, rsv: 2 }], "reserved-bits"],
    ["RSV3", [{ opcode: BINARY, rsv: 1 }], "reserved-bits"],
    ["RSV1 without an agreement", [{ opcode: TEXT, rsv: 4 }], "reserved-bits"],
    ["RSV3 in a control frame", [{ opcode: PING, rsv: 1 }], "reserved-bits"],
    ["every RSV bit", [{ opcode: CLOSE, rsv: 7 }], "reserved-bits"],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, FrameParts[], string] => [
      `opcode ${opcode}`,
      [{ opcode }],
      "unknown-opcode",
    ]),
    ["a ping in fragments", [{ opcode: PING, fin: false }], "control-fragmented"],
    ["a close frame in fragments", [{ opcode: CLOSE, fin: false }], "control-fragmented"],
    ["a fragment of nothing", [{ opcode: MORE }], "unexpected-continuation"],
    ["a fragment behind a whole message", [{ opcode: TEXT }, { opcode: MORE, fin: false }], "unexpected-continuation"],
    ["a message within another", [{ opcode: TEXT, fin: false }, { opcode: TEXT }], "unfinished-message"],
    ["a length of 125 in 2 octets", [{ opcode: TEXT, payload: "x".repeat(125), lengthBytes: 2 }], "length-not-minimal"],
    ["a length of 0 in 8 octets", [{ opcode: TEXT, lengthBytes: 8 }], "length-not-minimal"],
    ["a length of 65,535 in 8 octets", [{ opcode: TEXT, length: 65_535n, lengthBytes: 8 }], "length-not-minimal"],
    ["a length of 2^63", [{ opcode: BINARY, length: 2n ** 63n }], "length-invalid"],
    ["a close frame of one octet", [{ opcode: CLOSE, payload: "\x03" }], "close-invalid"],
    ["a ping of a length in 2 octets", [{ opcode: PING, payload: "", lengthBytes: 2 }], "control-too-large"],
  ])("%s is a protocol error", (_title, frames, error) => {
    const outcome = readAtEveryCut(wire(key, ...frames), settings);
    expect(outcome).toMatchObject({ error: `websocket/${error}`, closeCode: 1002 });
    expect(outcome.events.filter((event) => event.type !== "message")).toEqual([]);
  });

  test("a length of 2^53 or more is too large, whatever the limit", () => {
    const none = { ...settings, maxMessageSize: Number.POSITIVE_INFINITY };
    for (const length of [2n ** 53n, 2n ** 63n - 1n]) {
      const outcome = readAtEveryCut(wire(key, { opcode: BINARY, length }), none);
      expect(outcome).toMatchObject({ events: [], error: "websocket/message-too-large", closeCode: 1009 });
    }
    expect(readAtEveryCut(wire(key, { opcode: BINARY, length: 2n ** 53n - 1n }), none).error).toBeUndefined();
  });

  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    "close code %i is told",
    (code) => {
      const payload = Buffer.from([code >> 8, code & 255]);
      expect(read(wire(key, { opcode: CLOSE, payload }), settings).events).toEqual([
        { type: "close", code, reason: "" },
      ]);
    },
  );

  test.each([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])(
    "close code %i is refused",
    (code) => {
      const payload = Buffer.from([code >> 8, code & 255, 0x61]);
      expect(readAtEveryCut(wire(key, { opcode: CLOSE, payload }), settings)).toMatchObject({
        events: [],
        error: "websocket/close-code-invalid",
        closeCode: 1002,
      });
    },
  );

  test("a reason that is not UTF-8 is refused", () => {
    for (const octets of [[0xff], [0xe2, 0x82], [0x61, 0xed, 0xa0, 0x80]]) {
      const payload = Buffer.from([0x03, 0xe8, ...octets]);
      expect(readAtEveryCut(wire(key, { opcode: CLOSE, payload }), settings)).toMatchObject({
        events: [],
        error: "websocket/text-invalid",
        closeCode: 1007,
      });
    }
  });
});

describe("masks", () => {
  test("a client's frames have to be masked, and a server's must not be (RFC 6455 §5.1)", () => {
    expect(readAtEveryCut(frame({ opcode: TEXT, payload: "a" }), SERVER)).toMatchObject({
      error: "websocket/unmasked-frame",
      closeCode: 1002,
    });
    expect(readAtEveryCut(frame({ opcode: PING, payload: "a", key: KEY }), CLIENT)).toMatchObject({
      error: "websocket/masked-frame",
      closeCode: 1002,
    });
  });

  test("the key of zeros is one as well", () => {
    expect(read(frame({ opcode: TEXT, payload: "a", key: [0, 0, 0, 0] })).events).toEqual([message("a")]);
  });
});

describe("text", () => {
  const BAD = Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex");

  test("with U+FFFD in it, which decoders put for what is no UTF-8, is text like any other", () => {
    for (const text of ["\uFFFD", `a\uFFFDb`, `\uFEFF\uFFFD ${"é".repeat(200)}\u{1F600}\uFFFD`]) {
      expect(readAtEveryCut(Buffer.from(frame({ opcode: TEXT, payload: text, key: KEY })))).toEqual({
        events: [message(text)],
        error: undefined,
        closeCode: undefined,
      });
      const spoilt = Buffer.concat([Buffer.from(text), Buffer.from([0xc3])]);
      expect(readAtEveryCut(Buffer.from(frame({ opcode: TEXT, payload: spoilt, key: KEY })))).toMatchObject({
        error: "websocket/text-invalid",
      });
    }
  });

  test("that is not UTF-8 is refused with 1007, in one frame and across fragments", () => {
    expect(readAtEveryCut(frame({ opcode: TEXT, payload: BAD, key: KEY }))).toMatchObject({
      error: "websocket/text-invalid",
      closeCode: 1007,
    });
    for (let at = 0; at <= BAD.length; at += 1) {
      const frames = [
        frame({ opcode: TEXT, payload: BAD.subarray(0, at), key: KEY, fin: false }),
        frame({ opcode: MORE, payload: BAD.subarray(at), key: KEY }),
      ];
      expect(read(Buffer.concat(frames))).toMatchObject({ error: "websocket/text-invalid", closeCode: 1007 });
    }
  });

  test("fails with the first octet that cannot be, long before its frame has ended", () => {
    const head = frame({ opcode: TEXT, length: 1_000_000n, key: [0, 0, 0, 0] });
    const recorder = new Recorder();
    const reader = new FrameReader(recorder, SERVER);
    reader.feed(Buffer.concat([head, BAD.subarray(0, 12)]), true);
    expect(recorder.calls).toEqual(["start", "data"]);
    expect(() => reader.feed(Buffer.from([0xa0]), true)).toThrow(
      expect.objectContaining({ code: "websocket/text-invalid", closeCode: 1007 }),
    );
    expect(recorder.calls).toEqual(["start", "data"]);
  });

  test("must not end within a character, though any fragment may", () => {
    const euro = Buffer.from("€");
    const cut = [
      frame({ opcode: TEXT, payload: euro.subarray(0, 1), key: KEY, fin: false }),
      frame({ opcode: MORE, payload: euro.subarray(1, 2), key: KEY, fin: false }),
    ];
    const rest = frame({ opcode: MORE, payload: euro.subarray(2), key: KEY });
    expect(readAtEveryCut(Buffer.concat([...cut, rest])).events).toEqual([message("€")]);
    const none = frame({ opcode: MORE, key: KEY });
    expect(readAtEveryCut(Buffer.concat([...cut, none]))).toMatchObject({ error: "websocket/text-invalid" });
    expect(readAtEveryCut(frame({ opcode: TEXT, payload: euro.subarray(0, 2), key: KEY }))).toMatchObject({
      error: "websocket/text-invalid",
    });
  });

  test("is not looked at when it is binary, or compressed", () => {
    expect(read(frame({ opcode: BINARY, payload: BAD, key: KEY })).error).toBeUndefined();
    const compression = { ...SERVER, compression: true };
    expect(readAtEveryCut(frame({ opcode: TEXT, rsv: 4, payload: BAD, key: KEY }), compression)).toEqual({
      events: [{ type: "message", opcode: TEXT, compressed: true, latin1: BAD.toString("latin1"), complete: true }],
      error: undefined,
      closeCode: undefined,
    });
  });
});

describe("RSV1 (RFC 7692 §6)", () => {
  const settings = { ...SERVER, compression: true };

  test("marks the first frame of a compressed message; others may come between as they are", () => {
    const bytes = wire(
      KEY,
      { opcode: BINARY, payload: "ab", rsv: 4, fin: false },
      { opcode: MORE, payload: "c" },
      { opcode: TEXT, payload: "d" },
      { opcode: TEXT, payload: "", rsv: 4 },
    );
    expect(readAtEveryCut(bytes, settings).events).toEqual([
      { ...message("abc", BINARY), compressed: true },
      message("d"),
      { ...message(""), compressed: true },
    ]);
  });

  test.each<[string, FrameParts[]]>([
    [
      "a fragment that goes on",
      [
        { opcode: TEXT, rsv: 4, fin: false },
        { opcode: MORE, rsv: 4 },
      ],
    ],
    ["a ping", [{ opcode: PING, rsv: 4 }]],
    ["a close frame", [{ opcode: CLOSE, rsv: 4 }]],
  ])("is refused in %s", (_title, frames) => {
    expect(readAtEveryCut(wire(KEY, ...frames), settings)).toMatchObject({
      error: "websocket/reserved-bits",
      closeCode: 1002,
    });
  });
});

describe("the limit on messages", () => {
  const limited = { ...SERVER, maxMessageSize: 10 };

  test("a message exactly at it is told, in one frame and in many", () => {
    const bytes = wire(KEY, { opcode: TEXT, payload: "0123456789" });
    expect(readAtEveryCut(bytes, limited).events).toEqual([message("0123456789")]);
    const singles = Array.from({ length: 10 }, (_, at) => ({
      opcode: at === 0 ? TEXT : MORE,
      payload: String(at),
      fin: at === 9,
    }));
    expect(readAtEveryCut(wire(KEY, ...singles, ...singles), limited).events).toEqual([
      message("0123456789"),
      message("0123456789"),
    ]);
  });

  test("a head that says one byte more is refused before its payload", () => {
    const refused = { error: "websocket/message-too-large", closeCode: 1009 };
    const head = frame({ opcode: TEXT, length: 11n, key: KEY });
    expect(readAtEveryCut(head, limited)).toEqual({ events: [], ...refused });
    const second = Buffer.concat([
      frame({ opcode: TEXT, payload: "0123456", key: KEY, fin: false }),
      frame({ opcode: MORE, length: 4n, key: KEY }),
    ]);
    expect(readAtEveryCut(second, limited)).toMatchObject(refused);
  });

  test("off, nothing is refused", () => {
    const head = frame({ opcode: TEXT, length: 2n ** 40n, key: KEY });
    expect(read(head, { ...SERVER, maxMessageSize: Number.POSITIVE_INFINITY }).error).toBeUndefined();
  });

  test("holds compressed messages to an eighth and 1 KiB more, for data that deflate makes larger", () => {
    const compressed = { ...limited, maxMessageSize: 8_000, compression: true };
    const head = (length: bigint): Buffer => frame({ opcode: BINARY, rsv: 4, length, key: KEY });
    expect(readAtEveryCut(head(10_024n), compressed).error).toBeUndefined();
    expect(readAtEveryCut(head(10_025n), compressed)).toMatchObject({ error: "websocket/message-too-large" });
    const plain = frame({ opcode: BINARY, length: 8_001n, key: KEY });
    expect(readAtEveryCut(plain, compressed)).toMatchObject({ error: "websocket/message-too-large" });
  });

  test("counts bytes and no frames: 100,000 fragments, most of them empty, are one message", () => {
    const recorder = new Recorder();
    const reader = new FrameReader(recorder, limited);
    reader.feed(frame({ opcode: TEXT, payload: "a", key: KEY, fin: false }), false);
    const empty = frame({ opcode: MORE, key: KEY, fin: false });
    const packet = Buffer.concat(Array.from({ length: 10_000 }, () => empty));
    for (let count = 0; count < 10; count += 1) reader.feed(packet, false);
    reader.feed(frame({ opcode: MORE, payload: "b", key: KEY }), false);
    expect(recorder.events).toEqual([message("ab")]);
    expect(recorder.calls).toEqual(["start", "last", "last", "end"]);
  });
});

describe("the reader's sink", () => {
  test("is told a message that lies in the packet in one call, and fragments by their ends", () => {
    const whole = frame({ opcode: TEXT, payload: "whole", key: KEY });
    const first = frame({ opcode: TEXT, payload: "abcd", key: KEY, fin: false });
    const last = frame({ opcode: MORE, payload: "efgh", key: KEY });
    const recorder = new Recorder();
    const reader = new FrameReader(recorder, SERVER);
    reader.feed(Buffer.concat([whole, whole, first, last.subarray(0, 8)]), true);
    expect(recorder.calls).toEqual(["whole", "whole", "start", "last", "data"]);
    reader.feed(last.subarray(8), true);
    expect(recorder.calls.slice(5)).toEqual(["last", "end"]);
  });

  test("gets pieces that are its own if what was fed is not borrowed", () => {
    const bytes = frame({ opcode: BINARY, payload: "mine" });
    const told: [Buffer, boolean][] = [];
    const recorder = new Recorder();
    recorder.onWhole = (_opcode, _compressed, ...[payload, borrowed]: [Buffer, boolean?]) => {
      told.push([payload, borrowed ?? true]);
    };
    const reader = new FrameReader(recorder, CLIENT);
    reader.feed(bytes, false);
    expect(told[0]?.[1]).toBe(false);
    expect(told[0]?.[0].buffer).toBe(bytes.buffer);
  });

  test("may be given any Uint8Array", () => {
    const recorder = new Recorder();
    new FrameReader(recorder, SERVER).feed(new Uint8Array(frame({ opcode: TEXT, payload: "x", key: KEY })), true);
    expect(recorder.events).toEqual([message("x")]);
  });

  test("is told nothing behind a pause, until it goes on", () => {
    const bytes = wire(
      KEY,
      { opcode: TEXT, payload: "a" },
      { opcode: PING, payload: "b" },
      { opcode: TEXT, payload: "c", fin: false },
      { opcode: MORE, payload: "d" },
      { opcode: CLOSE },
    );
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const recorder = new Recorder();
      const reader = new FrameReader(recorder, SERVER);
      recorder.afterCall = () => reader.pause();
      const steps: number[] = [];
      for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
        const given = Buffer.from(piece);
        reader.feed(given, true);
        given.fill(0);
      }
      while (reader.paused) {
        steps.push(recorder.calls.length);
        reader.resume();
      }
      expect(steps).toEqual(Array.from({ length: recorder.calls.length }, (_, at) => at + 1));
      expect(recorder.events.slice(0, 3)).toEqual([message("a"), { type: "ping", latin1: "b" }, message("cd")]);
      expect(recorder.events.slice(3)).toEqual([{ type: "close", code: 1005, reason: "" }]);
    }
  });

  test("may pause and resume inside one call", () => {
    const recorder = new Recorder();
    const reader = new FrameReader(recorder, SERVER);
    recorder.afterCall = () => {
      reader.pause();
      reader.resume();
    };
    reader.feed(wire(KEY, { opcode: TEXT, payload: "a" }, { opcode: TEXT, payload: "b" }), true);
    expect(recorder.events).toEqual([message("a"), message("b")]);
  });

  test("is told nothing once the reader has thrown, which throws the same again", () => {
    const recorder = new Recorder();
    const reader = new FrameReader(recorder, SERVER);
    const bad = frame({ opcode: 3, key: KEY });
    let first: unknown;
    try {
      reader.feed(bad, true);
    } catch (error) {
      first = error;
    }
    expect(reader.failed).toBe(true);
    expect(() => reader.feed(frame({ opcode: TEXT, key: KEY }), true)).toThrow(first as Error);
    reader.pause();
    reader.resume();
    expect(recorder.calls).toEqual([]);
  });

  test("must not feed its reader", () => {
    const recorder = new Recorder();
    const reader = new FrameReader(recorder, SERVER);
    recorder.afterCall = () => reader.feed(Buffer.alloc(1), true);
    expect(() => reader.feed(frame({ opcode: TEXT, key: KEY }), true)).toThrow(
      expect.objectContaining({ name: "UsageError", code: "websocket/re-entered" }),
    );
  });

  test("leaves what waits to whoever takes it", () => {
    const reader = new FrameReader(new Recorder(), SERVER);
    reader.pause();
    reader.feed(Buffer.from("rest"), true);
    expect(reader.takeRest().toString()).toBe("rest");
    expect(reader.takeRest().length).toBe(0);
  });

  test("costs nothing of what a peer sends behind its close frame, paused or not", () => {
    const reader = new FrameReader(new Recorder(), SERVER);
    reader.feed(frame({ opcode: CLOSE, key: KEY }), true);
    reader.feed(Buffer.alloc(100), true);
    expect(reader.takeRest().length).toBe(0);
  });
});
