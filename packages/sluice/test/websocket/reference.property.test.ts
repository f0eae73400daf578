/** The reader against another one, which is slow, takes the whole at once, and was written from RFC 6455 §5 alone. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FrameReaderSettings } from "../../src/websocket/frame-reader.js";
import { type Event, type FrameParts, finished, frame, type Outcome, read } from "./wire.js";

const SENDABLE = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];

class Refusal extends Error {
  readonly closeCode: number;
  constructor(code: string, closeCode = 1002) {
    super(`websocket/${code}`);
    this.closeCode = closeCode;
  }
}

function isText(bytes: Buffer): boolean {
  return Buffer.compare(Buffer.from(bytes.toString("utf8")), bytes) === 0;
}

/** Whether a text may begin with `bytes`: whether up to three more octets could make it one. */
function mayBegin(bytes: Buffer): boolean {
  for (let end = bytes.length; end >= Math.max(0, bytes.length - 3); end -= 1) {
    if (!isText(bytes.subarray(0, end))) continue;
    const rest = bytes.subarray(end);
    if (rest.length === 0) return true;
    const [first = 0] = rest;
    const needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (rest.length >= needed) return false;
    // The lowest and the highest character that begin so.
    for (const second of rest.length > 1 ? [[]] : [[0x80], [0x90], [0x9f], [0xa0], [0xbf]]) {
      const filled = Buffer.concat([rest, Buffer.from(second), Buffer.alloc(4, 0x80)]).subarray(0, needed);
      if (isText(filled)) return true;
    }
    return false;
  }
  return false;
}

function reference(wire: Buffer, settings: FrameReaderSettings): Outcome {
  const events: Event[] = [];
  try {
    readAll(wire, settings, events);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { events, error: error.message, closeCode: error.closeCode };
  }
  return { events, error: undefined, closeCode: undefined };
}

/** The message that is under way, if one is. */
interface Message {
  readonly opcode: number;
  readonly compressed: boolean;
  readonly size: number;
  readonly parts: readonly Buffer[];
}

function readAll(wire: Buffer, settings: FrameReaderSettings, events: Event[]): void {
  let message: Message | undefined;
  for (let at = 0; at < wire.length; ) {
    const { rsv, opcode, fin } = firstOctet(wire[at] ?? 0, settings, message !== undefined);
    if (at + 1 === wire.length) return;
    const masked = (wire[at + 1] ?? 0) >= 128;
    const short = (wire[at + 1] ?? 0) % 128;
    if (masked !== (settings.role === "server")) throw new Refusal(masked ? "masked-frame" : "unmasked-frame");
    if (opcode >= 8 && short > 125) throw new Refusal("control-too-large");
    if (opcode === 8 && short === 1) throw new Refusal("close-invalid");
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (at + 2 + extra > wire.length) return;
    const length = extra === 0 ? short : lengthIn(wire.subarray(at + 2, at + 2 + extra));
    const start = at + 2 + extra + (masked ? 4 : 0);
    if (start > wire.length) return;
    const key = wire.subarray(start - 4, start);
    const payload = Buffer.from(wire.subarray(start, start + length)).map((octet, index) =>
      masked ? octet ^ (key[index % 4] ?? 0) : octet,
    );
    const complete = payload.length === length;
    at = start + payload.length;
    if (opcode >= 8) {
      if (!complete) return;
      if (opcode === 8) return void events.push(closeIn(Buffer.from(payload)));
      events.push({ type: opcode === 9 ? "ping" : "pong", latin1: Buffer.from(payload).toString("latin1") });
      continue;
    }
    const before: Message = message ?? { opcode, compressed: rsv === 4, size: 0, parts: [] };
    message = { ...before, size: before.size + length, parts: [...before.parts, Buffer.from(payload)] };
    const most = settings.maxMessageSize;
    if (message.size > (message.compressed ? most * 1.125 + 1_024 : most)) throw new Refusal("message-too-large", 1009);
    const bytes = Buffer.concat(message.parts);
    const looksAt = message.opcode === 1 && !message.compressed;
    if (looksAt && !mayBegin(bytes)) throw new Refusal("text-invalid", 1007);
    const ended = fin && complete;
    if (ended && looksAt && !isText(bytes)) throw new Refusal("text-invalid", 1007);
    const told: Event = {
      type: "message",
      opcode: message.opcode,
      compressed: message.compressed,
      latin1: bytes.toString("latin1"),
      complete: ended,
    };
    const open = events.findLastIndex((event) => event.type === "message" && !event.complete);
    if (open === -1) events.push(told);
    else events[open] = told;
    if (ended) message = undefined;
  }
}

function firstOctet(
  octet: number,
  settings: FrameReaderSettings,
  within: boolean,
): { rsv: number; opcode: number; fin: boolean } {
  const [rsv, opcode, fin] = [(octet >> 4) % 8, octet % 16, octet >= 128];
  if (rsv % 4 !== 0) throw new Refusal("reserved-bits");
  if (![0, 1, 2, 8, 9, 10].includes(opcode)) throw new Refusal("unknown-opcode");
  if (rsv === 4 && !(settings.compression && (opcode === 1 || opcode === 2))) throw new Refusal("reserved-bits");
  if (opcode >= 8 && !fin) throw new Refusal("control-fragmented");
  if (opcode === 0 && !within) throw new Refusal("unexpected-continuation");
  if ((opcode === 1 || opcode === 2) && within) throw new Refusal("unfinished-message");
  return { rsv, opcode, fin };
}

function lengthIn(octets: Buffer): number {
  const length = octets.length === 2 ? BigInt(octets.readUInt16BE()) : octets.readBigUInt64BE();
  if (length >= 2n ** 63n) throw new Refusal("length-invalid");
  if (length >= 2n ** 53n) throw new Refusal("message-too-large", 1009);
  if (length < 126n || (octets.length === 8 && length < 65_536n)) throw new Refusal("length-not-minimal");
  return Number(length);
}

function closeIn(payload: Buffer): Event {
  if (payload.length === 0) return { type: "close", code: 1005, reason: "" };
  const code = payload.readUInt16BE();
  if (!SENDABLE.includes(code) && !(code >= 3000 && code < 5000)) throw new Refusal("close-code-invalid");
  if (!isText(payload.subarray(2))) throw new Refusal("text-invalid", 1007);
  return { type: "close", code, reason: payload.subarray(2).toString() };
}

const payload = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength: 40 }).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)) },
  { weight: 1, arbitrary: fc.constantFrom(0, 124, 125, 126, 127, 200).map((size) => Buffer.alloc(size, "é")) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom("03e8", "03e86869", "0bb8", "03ed", "0000", "03e8ff")
      .map((hex) => Buffer.from(hex, "hex")),
  },
);
/** Mostly what a peer may send, now and then what it may not. */
const parts: fc.Arbitrary<FrameParts> = fc.record({
  opcode: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(0, 1, 1, 2, 0, 9, 10) },
    { weight: 1, arbitrary: fc.nat(15) },
    { weight: 1, arbitrary: fc.constant(8) },
  ),
  payload,
  fin: fc.oneof({ weight: 2, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.boolean() }),
  rsv: fc.oneof(
    { weight: 30, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.constant(4) },
    { weight: 1, arbitrary: fc.nat(7) },
  ),
  key: fc.constantFrom<FrameParts["key"]>([1, 2, 3, 4], [0xff, 0, 0xaa, 0x80], [0, 0, 0, 0]),
});
const settings: fc.Arbitrary<FrameReaderSettings> = fc.record({
  role: fc.constantFrom("server" as const, "client" as const),
  compression: fc.boolean(),
  maxMessageSize: fc.constantFrom(30, 200, 1_000_000),
});

describe("the reader and the reference agree", () => {
  test("on frames that peers may send, more or less, however they are cut", () => {
    const property = fc.property(
      fc.array(parts, { maxLength: 7 }),
      settings,
      fc.array(fc.nat(600)),
      (frames, chosen, given) => {
        const wire = Buffer.concat(
          frames.map((one) => frame({ ...one, key: chosen.role === "server" ? one.key : undefined })),
        );
        const cuts = given.map((cut) => cut % (wire.length + 1)).sort((one, other) => one - other);
        expect(finished(read(wire, chosen, cuts))).toEqual(finished(reference(wire, chosen)));
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  test("on bytes that begin like frames", () => {
    const octets = fc.tuple(
      fc.array(fc.oneof(fc.constantFrom(0x81, 0x01, 0x80, 0x82, 0x89, 0x88, 0xc1, 0x7e, 0x7f, 0x02), fc.nat(255)), {
        maxLength: 40,
      }),
      settings,
    );
    const property = fc.property(octets, ([bytes, chosen]) => {
      const wire = Buffer.from(bytes);
      const everywhere = Array.from({ length: wire.length }, (_, at) => at);
      const expected = finished(reference(wire, chosen));
      expect(finished(read(wire, chosen))).toEqual(expected);
      expect(finished(read(wire, chosen, everywhere))).toEqual(expected);
    });
    fc.assert(property, { numRuns: 500 });
  });
});
