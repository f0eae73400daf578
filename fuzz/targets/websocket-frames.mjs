/** WebSocket frames, of a client or of a server, with and without compression: the first byte chooses. */
import { FrameReader } from "../../packages/sluice/dist/websocket/frame-reader.js";
import { wholeFrame } from "../../packages/sluice/dist/websocket/frame-writer.js";
import { WebSocketFault } from "../../packages/sluice/dist/websocket/websocket-fault.js";

const MOST_BYTES = 300;
const CLOSE_CODES = [1002, 1007, 1009];
const KEY = 0x37fa213d;
const MASKED = 1;
const COMPRESSED = 2;
const LIMITED = 4;

const TEXTS = ["", "Hello", "κόσμε", "x".repeat(125), "y".repeat(126), "€".repeat(120), "z".repeat(70_000)];
const samples = [];
for (const flags of [0, MASKED, COMPRESSED, MASKED | COMPRESSED | LIMITED]) {
  const key = (flags & MASKED) === 0 ? undefined : KEY;
  const frame = (first, payload) => wholeFrame(first, payload, key);
  for (const text of TEXTS) samples.push(Buffer.concat([Buffer.from([flags]), frame(0x81, text), frame(0x82, text)]));
  const euro = Buffer.from("€");
  const mixed = [
    frame(0x01, euro.subarray(0, 1)),
    frame(0x89, "ping"),
    frame(0x00, euro.subarray(1)),
    frame(0x00, ""),
    frame(0x8a, ""),
    frame(0x80, "end"),
    frame(0xc2, Buffer.from("f248cdc9c90700", "hex")),
    frame(0x88, Buffer.from([0x03, 0xe8, 0x62, 0x79, 0x65])),
    frame(0x81, "late"),
  ];
  samples.push(Buffer.concat([Buffer.from([flags]), ...mixed]));
}

/** At the edges: lengths in more octets than they need, and fragments that are together as large as a message may be, or one octet more. */
function edges(flags) {
  const key = (flags & MASKED) === 0 ? undefined : KEY;
  const sent = (...frames) => Buffer.concat([Buffer.from([flags]), ...frames]);
  const long = wholeFrame(0x82, "z".repeat(65_536), key);
  const fragments = (last) => [wholeFrame(0x02, "a".repeat(200), key), wholeFrame(0x80, "b".repeat(last), key)];
  const padded = [0, 125, 126, 200].map((length) => {
    const frame = Buffer.from(long.subarray(0, long.length - 65_536 + length));
    frame.writeUInt32BE(length, 6);
    return sent(frame);
  });
  return [...padded, sent(...fragments(MOST_BYTES - 200)), sent(...fragments(MOST_BYTES - 199))];
}
for (const flags of [0, MASKED, LIMITED, MASKED | LIMITED]) samples.push(...edges(flags));

export const corpus = samples;
export const dictionary = [
  "\x81\x00",
  "\x01\x02",
  "\x80\x00",
  "\x00\x00",
  "\x88\x02\x03\xe8",
  "\x89\x00",
  "\xc1\x03",
  "\x81\x7e\x00\x7e",
  "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
  "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
  "\xed\xa0\x80",
  "\xf4\x90\x80\x80",
  "\xe2\x82",
];

/** Writes down what a reader tells; a message that is told in pieces is one. */
class Recorder {
  events = [];
  bytes = 0;
  #message;

  onText(text) {
    this.onWhole(1, false, Buffer.from(text));
  }
  onWhole(opcode, compressed, payload) {
    this.onMessageStart(opcode, compressed);
    if (payload.length > 0) this.onData(payload, true, true);
    this.onMessageEnd();
  }
  onMessageStart(opcode, compressed) {
    if (this.#message !== undefined) throw new Error("A message within a message");
    this.#message = { opcode, compressed, latin1: "" };
  }
  onData(piece) {
    if (piece.length === 0) throw new Error("An empty piece");
    this.bytes += piece.length;
    this.#message.latin1 += piece.toString("latin1");
  }
  onMessageEnd() {
    const { opcode, compressed, latin1 } = this.#message;
    this.#message = undefined;
    if (opcode === 1 && !compressed) new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(latin1, "latin1"));
    this.#add(opcode, compressed, latin1);
  }
  onPing(payload) {
    this.#add("ping", payload.toString("latin1"));
  }
  onPong(payload) {
    this.#add("pong", payload.toString("latin1"));
  }
  onClose(code, reason) {
    this.#add("close", code, reason);
  }
  #add(...event) {
    if (this.events.at(-1)?.[0] === "close") throw new Error("Something was told behind a close frame");
    this.events.push(event);
  }
}

function told(input, settings, cuts) {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder, settings);
  let error;
  let from = 0;
  for (const to of [...cuts, input.length]) {
    // A copy that is overwritten afterwards, as a socket's buffer would be.
    const lent = Buffer.from(input.subarray(from, to));
    try {
      reader.feed(lent, true);
    } catch (thrown) {
      if (!(thrown instanceof WebSocketFault) || !CLOSE_CODES.includes(thrown.closeCode)) throw thrown;
      error ??= thrown.code;
      if (error !== thrown.code || !reader.failed) throw new Error("A reader that has failed says something else");
    }
    lent.fill(0x21);
    from = to;
  }
  if (recorder.bytes > input.length) throw new Error(`${recorder.bytes} bytes of messages from ${input.length}`);
  return JSON.stringify({ events: recorder.events, error });
}

/** Whether the close code may be on the wire (RFC 6455 §7.4, IANA's registry). */
const mayBeSent = (code) =>
  [1000, 1001, 1002, 1003].includes(code) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);

/** Whether `bytes` can begin a text, or are one. */
function beginsText(bytes, whole) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !whole });
    return true;
  } catch {
    return false;
  }
}

/**
 * RFC 6455 §5 once more, the simple way: all of the input at once, nothing in pieces. What is told, and whether the input breaks a rule;
 * which one is not its business.
 */
function expected(wire, { role, compression, maxMessageSize }) {
  const events = [];
  const masked = role === "server";
  let at = 0;
  let message;
  while (at < wire.length) {
    const first = wire[at];
    const opcode = first & 0x0f;
    const fin = first >= 0x80;
    const compressed = (first & 0x40) !== 0;
    const control = opcode >= 8;
    const begins = opcode === 1 || opcode === 2;
    const known = begins || opcode === 0 || (opcode >= 8 && opcode <= 10);
    if ((first & 0x30) !== 0 || !known || (compressed && !(compression && begins))) return { events, broken: true };
    if (control ? !fin : begins === (message !== undefined)) return { events, broken: true };
    if (wire.length - at < 2) break;
    const second = wire[at + 1];
    let length = second & 0x7f;
    if (second >= 0x80 !== masked || (control && length > 125) || (opcode === 8 && length === 1))
      return { events, broken: true };
    at += 2;
    if (length >= 126) {
      const size = length === 126 ? 2 : 8;
      if (wire.length - at < size) break;
      const told = size === 2 ? BigInt(wire.readUInt16BE(at)) : wire.readBigUInt64BE(at);
      if (told < (size === 2 ? 126n : 65_536n) || told > Number.MAX_SAFE_INTEGER) return { events, broken: true };
      length = Number(told);
      at += size;
    }
    const key = wire.subarray(at, at + 4);
    if (masked && key.length < 4) break;
    if (masked) at += 4;
    if (begins) message = { opcode, compressed, size: 0, bytes: Buffer.alloc(0) };
    if (!control) {
      message.size += length;
      const most = message.compressed ? maxMessageSize * 1.125 + 1_024 : maxMessageSize;
      if (message.size > most) return { events, broken: true };
    }
    const payload = Buffer.from(wire.subarray(at, at + length));
    if (masked) for (let index = 0; index < payload.length; index += 1) payload[index] ^= key[index % 4];
    at += length;
    const complete = payload.length === length;
    if (control) {
      if (!complete) break;
      if (opcode === 8) {
        const code = length === 0 ? 1005 : payload.readUInt16BE(0);
        if ((length > 0 && !mayBeSent(code)) || !beginsText(payload.subarray(2), true)) return { events, broken: true };
        events.push(["close", code, payload.subarray(2).toString()]);
        return { events, broken: false };
      }
      events.push([opcode === 9 ? "ping" : "pong", payload.toString("latin1")]);
      continue;
    }
    message.bytes = Buffer.concat([message.bytes, payload]);
    const ends = complete && fin;
    if (message.opcode === 1 && !message.compressed && !beginsText(message.bytes, ends))
      return { events, broken: true };
    if (!ends) continue;
    events.push([message.opcode, message.compressed, message.bytes.toString("latin1")]);
    message = undefined;
  }
  return { events, broken: false };
}

export function run(input, random) {
  const flags = input[0] ?? 0;
  const settings = {
    role: (flags & MASKED) === 0 ? "client" : "server",
    compression: (flags & COMPRESSED) !== 0,
    maxMessageSize: (flags & LIMITED) === 0 ? Number.POSITIVE_INFINITY : MOST_BYTES,
  };
  const wire = input.subarray(1);
  const whole = told(wire, settings, []);
  const { events, error } = JSON.parse(whole);
  const wanted = JSON.stringify(expected(wire, settings));
  const got = JSON.stringify({ events, broken: error !== undefined });
  if (got !== wanted) throw new Error(`${wanted.slice(0, 500)} is in it, ${got.slice(0, 500)} was told`);
  const cuts = Array.from({ length: 1 + random.below(6) }, () => random.below(wire.length + 1)).sort((a, b) => a - b);
  const each = wire.length > 2_000 ? [] : Array.from({ length: Math.max(0, wire.length - 1) }, (_, index) => index + 1);
  for (const some of [cuts, each]) {
    const cut = told(wire, settings, some);
    if (cut !== whole)
      throw new Error(`${whole.slice(0, 500)} whole, ${cut.slice(0, 500)} cut at ${some.slice(0, 20)}`);
  }
}
