/** Frames spelled out by the bytes, by other means than the library's writer, and a recorder that feeds a reader with them. */

import { PeerError } from "../../src/errors.js";
import { FrameReader, type FrameReaderSettings } from "../../src/websocket/frame-reader.js";
import type { FrameSink } from "../../src/websocket/frame-sink.js";
import { WebSocketFault } from "../../src/websocket/websocket-fault.js";

export interface FrameParts {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  readonly fin?: boolean;
  /** RSV1 to RSV3, as a number from 0 to 7. */
  readonly rsv?: number;
  /** Octets of the key; undefined: not masked. */
  readonly key?: readonly [number, number, number, number] | undefined;
  /** How many octets the length stands in besides the 7 bits, if not as few as possible. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** The length to be said, if not the payload's. */
  readonly length?: bigint;
}

export const KEY = [0x37, 0xfa, 0x21, 0x3d] as const;

/** RFC 6455 §5.2, as slowly as it reads. */
export function frame({ opcode, payload = "", fin = true, rsv = 0, key, lengthBytes, length }: FrameParts): Buffer {
  const octets = Buffer.from(typeof payload === "string" ? Buffer.from(payload, "utf8") : payload);
  const said = length ?? BigInt(octets.length);
  const extra = lengthBytes ?? (said < 126n ? 0 : said < 65_536n ? 2 : 8);
  const head = [(fin ? 128 : 0) + rsv * 16 + opcode];
  const short = extra === 0 ? Number(said) : extra === 2 ? 126 : 127;
  head.push((key === undefined ? 0 : 128) + short);
  for (let shift = extra - 1; shift >= 0; shift -= 1) head.push(Number((said >> BigInt(shift * 8)) & 255n));
  if (key === undefined) return Buffer.concat([Buffer.from(head), octets]);
  return Buffer.concat([Buffer.from([...head, ...key]), octets.map((octet, at) => octet ^ (key[at % 4] ?? 0))]);
}

export type Event =
  | {
      readonly type: "message";
      readonly opcode: number;
      readonly compressed: boolean;
      readonly latin1: string;
      readonly complete: boolean;
    }
  | { readonly type: "ping" | "pong"; readonly latin1: string }
  | { readonly type: "close"; readonly code: number; readonly reason: string };

export interface Outcome {
  readonly events: Event[];
  readonly error: string | undefined;
  readonly closeCode: number | undefined;
}

const NEW_TEXT = { type: "message", opcode: 1, compressed: false } as const;

/** Writes down what it is told; pieces of one message become one event, so that cuts don't show. */
export class Recorder implements FrameSink {
  readonly events: Event[] = [];
  /** The names of the calls, in order. */
  readonly calls: string[] = [];
  /** Called behind each call. */
  afterCall: (name: string) => void = () => undefined;

  onText(text: string): void {
    this.#add("whole", { ...NEW_TEXT, latin1: Buffer.from(text).toString("latin1"), complete: true });
  }
  onWhole(opcode: number, compressed: boolean, payload: Buffer): void {
    if (opcode === 1 && !compressed) throw new Error("A text was told as bytes");
    this.#add("whole", { type: "message", opcode, compressed, latin1: payload.toString("latin1"), complete: true });
  }
  onMessageStart(opcode: number, compressed: boolean): void {
    this.#add("start", { type: "message", opcode, compressed, latin1: "", complete: false });
  }
  onData(piece: Buffer, _borrowed: boolean, lastOfFrame: boolean): void {
    if (piece.length === 0) throw new Error("An empty piece was told");
    this.#change(lastOfFrame ? "last" : "data", piece.toString("latin1"), false);
  }
  onMessageEnd(): void {
    this.#change("end", "", true);
  }
  onPing(payload: Buffer): void {
    this.#add("ping", { type: "ping", latin1: payload.toString("latin1") });
  }
  onPong(payload: Buffer): void {
    this.#add("pong", { type: "pong", latin1: payload.toString("latin1") });
  }
  onClose(code: number, reason: string): void {
    this.#add("close", { type: "close", code, reason });
  }

  /** What comes within a message stands behind it, wherever the peer cut: so only the order among control frames is kept. */
  #change(call: string, latin1: string, complete: boolean): void {
    const at = this.events.findLastIndex((event) => event.type === "message");
    const message = this.events[at];
    if (message?.type !== "message" || message.complete) throw new Error(`${call} outside of a message`);
    this.events[at] = { ...message, latin1: message.latin1 + latin1, complete };
    this.#called(call);
  }

  #add(call: string, event: Event): void {
    this.events.push(event);
    this.#called(call);
  }

  #called(name: string): void {
    this.calls.push(name);
    this.afterCall(name);
  }
}

export const SERVER: FrameReaderSettings = { role: "server", compression: false, maxMessageSize: 1024 * 1024 };
export const CLIENT: FrameReaderSettings = { ...SERVER, role: "client" };

/** Feeds `wire` in pieces that end at `cuts`; each piece is borrowed, and overwritten when it has been read. */
export function read(wire: Uint8Array, settings: FrameReaderSettings = SERVER, cuts: readonly number[] = []): Outcome {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder, settings);
  try {
    let from = 0;
    for (const to of [...cuts, wire.length]) {
      const piece = Buffer.from(wire.subarray(from, to));
      reader.feed(piece, true);
      piece.fill(0xff);
      from = to;
    }
  } catch (error) {
    if (!(error instanceof WebSocketFault) || !(error instanceof PeerError)) throw error;
    return { events: recorder.events, error: error.code, closeCode: error.closeCode };
  }
  return { events: recorder.events, error: undefined, closeCode: undefined };
}

/** Reads it whole, cut at each place, and octet by octet; throws unless all of that comes to the same. */
export function readAtEveryCut(wire: Uint8Array, settings: FrameReaderSettings = SERVER): Outcome {
  const outcome = read(wire, settings);
  const expected = JSON.stringify(finished(outcome));
  const everywhere = Array.from({ length: wire.length }, (_, at) => at);
  for (const cuts of [...everywhere.map((cut) => [cut]), everywhere]) {
    const other = read(wire, settings, cuts);
    if (JSON.stringify(finished(other)) === expected) continue;
    throw new Error(`Cut at ${cuts.join()}: ${JSON.stringify(other)}, not ${expected}`);
  }
  return outcome;
}

/** What does not depend on cuts: a message that was refused may have been begun, or not. */
export function finished({ events, error, closeCode }: Outcome): Outcome {
  const last = error === undefined ? events : events.filter((event) => event.type !== "message" || event.complete);
  return { events: last, error, closeCode };
}

export function message(text: string, opcode = 1, complete = true): Event {
  const latin1 = Buffer.from(text, "utf8").toString("latin1");
  return { type: "message", opcode, compressed: false, latin1, complete };
}
