/** Runs one case of the groups 1 to 7, 9 and 10 against a program that echoes, in either role. */
import { expect } from "vitest";
import { frame, KEY } from "../websocket/wire.js";
import type { ExpectedFrame, FramesCase, SentFrame } from "./case-list.js";
import { EchoProgram, type GotFrame, type Role, turns } from "./echo-program.js";

const CLOSE = 8;
const PACKET_BYTES = 65_536;
/** Turns of the event loop without anything new before we say that nothing more comes. */
const PATIENCE = 25;

/** The same case with all that the peer sends in one packet, as a network may deliver it. */
export function inOnePacket(one: FramesCase): FramesCase {
  return { ...one, packets: "one", send: one.send.map(({ chop: _, ...sent }) => sent) };
}

/** `scale`: what sizes and rounds that are said to be scaled are divided by. */
export async function runFrames(one: FramesCase, role: Role, scale: number): Promise<void> {
  const program = new EchoProgram(role);
  const rounds = Math.max(1, Math.round((one.rounds ?? 1) / (one.rounds === undefined ? 1 : scale)));
  for (let round = 0; round < rounds; round += 1) await converse(one, program, scale);
  await finish(one, program);
}

/** Sends what the case has, and looks at what comes before a close frame. */
async function converse(one: FramesCase, program: EchoProgram, scale: number): Promise<void> {
  const steps = one.send.flatMap((sent) => packetsOf(sent, program.role, scale));
  const got: GotFrame[] = [];
  if (one.packets === "one") {
    program.linked.packets(Buffer.concat(steps.flat()));
    await turns(2);
  }
  for (const [index, packets] of (one.packets === "one" ? [] : steps).entries()) {
    program.linked.packets(...packets.filter(() => !program.linked.transport.destroyed));
    await turns(2);
    got.push(...program.takeFrames());
    if (one.failsBy !== undefined)
      expect(closeCodes(got).length, `after step ${index}`).toBe(index < one.failsBy ? 0 : 1);
  }
  const expected = (one.expect ?? []).map((frameLike) => expectedFrame(frameLike, one, scale));
  for (let idle = 0; idle < PATIENCE && got.length < expected.length; idle += 1) {
    await turns(1);
    const more = program.takeFrames();
    if (more.length > 0) idle = 0;
    got.push(...more);
  }
  program.closing.push(...got.filter(({ op }) => op === CLOSE));
  if (one.expect === null) return;
  const told = got.filter(({ op }) => op !== CLOSE);
  expect(told.map(({ op, fin, rsv, payload }) => [op, fin, rsv, payload.length])).toEqual(
    expected.map(({ op, payload }) => [op, true, 0, payload.length]),
  );
  for (const [index, { payload }] of expected.entries())
    expect(Buffer.compare(told[index]?.payload ?? payload, payload)).toBe(0);
}

/** The end: by what was sent, or with 1000 from the peer. */
async function finish(one: FramesCase, program: EchoProgram): Promise<void> {
  const { linked, role } = program;
  const fails = one.close !== 1000 && one.ends !== true;
  if (!fails && one.ends !== true) {
    const close = frame({
      opcode: CLOSE,
      payload: Buffer.from([0x03, 0xe8]),
      key: role === "server" ? KEY : undefined,
    });
    linked.packets(close);
  }
  await turns(4);
  const behind = program.takeFrames();
  program.closing.push(...behind.filter(({ op }) => op === CLOSE));
  if (one.expect !== null) expect(behind.filter(({ op }) => op !== CLOSE)).toEqual([]);
  expect(closeCodes(program.closing), "one close frame").toEqual([one.close]);
  // RFC 6455 §7.1.1: the server ends the connection, and whoever fails it.
  const refused = one.close !== 1000 && !one.send.some(({ close }) => close === one.close);
  if (role === "server" || (refused && one.close !== null)) expect(linked.transport.ended).toBe(true);
  if (!linked.transport.destroyed) linked.packets({ end: true });
  linked.transport.destroy();
  await program.done;
  await linked.socket.closed;
}

function closeCodes(frames: readonly GotFrame[]): (number | null)[] {
  return frames
    .filter(({ op }) => op === CLOSE)
    .map(({ payload }) => (payload.length === 0 ? null : payload.readUInt16BE(0)));
}

/** What a frame, or a message in fragments, is on the wire: the steps it takes, and the packets of each. */
function packetsOf(sent: SentFrame, role: Role, scale: number): Buffer[][] {
  const key = role === "server" ? KEY : undefined;
  const payload = payloadOf(sent, scale);
  const { op, fin = true, rsv = 0, fragment = payload.length, chop = PACKET_BYTES } = sent;
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += Math.max(1, fragment)) {
    const part = payload.subarray(at, at + fragment);
    const last = at + fragment >= payload.length;
    frames.push(frame({ opcode: at === 0 ? op : 0, payload: part, fin: fin && last, rsv, key }));
    if (fragment === 0) break;
  }
  const bytes = Buffer.concat(frames);
  if (sent.parts !== undefined) return cutInParts(bytes, bytes.length - payload.length, sent.parts);
  const packets: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chop) packets.push(bytes.subarray(at, at + chop));
  return [packets];
}

function cutInParts(bytes: Buffer, headBytes: number, parts: readonly number[]): Buffer[][] {
  let from = 0;
  let to = headBytes;
  return parts.map((size) => {
    to += size;
    const packet = bytes.subarray(from, to);
    from = to;
    return [packet];
  });
}

function payloadOf(
  { op, text = "", hex, repeat, size = 0, close, reason = "", ...sent }: SentFrame,
  scale: number,
): Buffer {
  if (close !== undefined) return Buffer.concat([Buffer.from([close >> 8, close & 255]), Buffer.from(reason)]);
  if (hex !== undefined) return Buffer.from(hex, "hex");
  if (repeat === undefined) return Buffer.from(text);
  const least = sent.scaled === true ? Math.min(size, 4 * Math.min(sent.fragment ?? 0, 4_096), size) : size;
  const bytes = sent.scaled === true ? Math.max(least, Math.round(size / scale)) : size;
  return Buffer.alloc(bytes, op === 1 ? repeat : Buffer.from(repeat, "hex"));
}

function expectedFrame(expected: ExpectedFrame, one: FramesCase, scale: number): { op: number; payload: Buffer } {
  if (expected.pong !== undefined) return { op: 10, payload: Buffer.from(expected.pong) };
  if (expected.pongHex !== undefined) return { op: 10, payload: Buffer.from(expected.pongHex, "hex") };
  if (expected.text !== undefined) return { op: 1, payload: Buffer.from(expected.text) };
  const sent = one.send[expected.echo ?? 0];
  if (sent === undefined) throw new Error("There is no such frame");
  return { op: expected.as ?? sent.op, payload: payloadOf(sent, scale) };
}
