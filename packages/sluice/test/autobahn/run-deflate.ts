/** Runs one case of the groups 12 and 13: what is offered, what is answered, and compressed messages that come back. */
import { expect } from "vitest";
import { messageCompression } from "../../src/body/messages/message-coding.js";
import { DEFLATE_DEFAULTS } from "../../src/websocket/deflate-options.js";
import { formatExtension, parseExtensions } from "../../src/websocket/extensions.js";
import {
  acceptDeflate,
  agreeDeflate,
  type DeflateAgreement,
  offerDeflate,
} from "../../src/websocket/permessage-deflate.js";
import { frame, KEY } from "../websocket/wire.js";
import { AGREEMENTS, type DeflateCase } from "./case-list.js";
import { EchoProgram, type GotFrame, type Role, turns } from "./echo-program.js";
import { sampleData } from "./sample-data.js";
import { ZlibPeer } from "./zlib-peer.js";

const MAX_MESSAGE_SIZE = 1024 * 1024;
/** Large messages are deflated and inflated by threads, which no clock of ours drives. */
const PATIENCE_MS = 30_000;
const TURNS_BEFORE_SLEEP = 3;
const RSV1 = 4;

/** How much of a case is run: so many messages instead of its 1,000, and none of more than so many bytes. */
export interface Extent {
  readonly rounds: number;
  readonly maxSize: number;
}

export async function runDeflate(one: DeflateCase, role: Role, { rounds, maxSize }: Extent): Promise<void> {
  const agreement = negotiated(one, role);
  const compression = messageCompression(agreement, {
    role,
    level: DEFLATE_DEFAULTS.level,
    threshold: 0,
    maxMessageSize: MAX_MESSAGE_SIZE,
  });
  const program = new EchoProgram(role, { compression });
  const { fromClient, fromServer } = directions(agreement);
  const peer = role === "server" ? new ZlibPeer(fromClient, fromServer) : new ZlibPeer(fromServer, fromClient);
  const data = sampleData(one.data);
  const opcode = one.data === "json" || one.data === "html" ? 1 : 2;
  for (let round = 0; round < rounds; round += 1) {
    const size = Math.min(one.size, maxSize);
    const from = (round * size) % (data.length - size);
    const plain = data.subarray(from, from + size);
    program.linked.packets(...framesOf(await peer.deflate(plain), opcode, one.fragment, role));
    const echoed = await nextFrame(program);
    expect([echoed.op, echoed.fin, echoed.rsv]).toEqual([opcode, true, RSV1]);
    expect(Buffer.compare(await peer.inflate(echoed.payload), plain)).toBe(0);
  }
  program.linked.packets(
    frame({ opcode: 8, payload: Buffer.from([0x03, 0xe8]), key: role === "server" ? KEY : undefined }),
  );
  expect((await nextFrame(program)).op).toBe(8);
  program.linked.packets({ end: true });
  program.linked.transport.destroy();
  expect(await program.linked.socket.closed).toMatchObject({ code: 1000, wasClean: true });
  await program.done;
  peer.close();
}

/** What both ends agree to, by our side's part of the handshake. */
function negotiated(one: DeflateCase, role: Role): DeflateAgreement {
  const { offer, answer, given, wishes } = AGREEMENTS[one.deflate];
  if (role === "server") {
    const accepted = acceptDeflate(parseExtensions(offer) ?? [], DEFLATE_DEFAULTS);
    expect(accepted && formatExtension(accepted.answer)).toBe(answer);
    if (accepted !== undefined) return accepted.agreement;
  }
  const ours = { ...DEFLATE_DEFAULTS, ...wishes };
  expect(formatExtension(offerDeflate(ours))).toContain("permessage-deflate; ");
  const [extension] = parseExtensions(given) ?? [];
  const agreement = extension && agreeDeflate(extension, ours);
  if (agreement === undefined) throw new Error(`${given} was not agreed to`);
  return agreement;
}

function directions(agreement: DeflateAgreement) {
  return {
    fromClient: { windowBits: agreement.clientMaxWindowBits, takeover: !agreement.clientNoContextTakeover },
    fromServer: { windowBits: agreement.serverMaxWindowBits, takeover: !agreement.serverNoContextTakeover },
  };
}

function framesOf(coded: Buffer, opcode: number, fragment: number, role: Role): Buffer[] {
  const key = role === "server" ? KEY : undefined;
  const size = fragment === 0 ? Math.max(1, coded.length) : fragment;
  const frames: Buffer[] = [];
  for (let at = 0; at < coded.length; at += size) {
    const payload = coded.subarray(at, at + size);
    const fin = at + size >= coded.length;
    frames.push(frame({ opcode: at === 0 ? opcode : 0, rsv: at === 0 ? RSV1 : 0, payload, fin, key }));
  }
  return frames;
}

async function nextFrame(program: EchoProgram): Promise<GotFrame> {
  const started = performance.now();
  for (let turn = 0; performance.now() - started < PATIENCE_MS; turn += 1) {
    const [next] = program.takeFrames();
    if (next !== undefined) return next;
    if (turn < TURNS_BEFORE_SLEEP) await turns(1);
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("Nothing came back");
}
