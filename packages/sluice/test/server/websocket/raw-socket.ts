/** A WebSocket client that is nothing but a TCP socket: it sends whatever it is told, rules or no rules. */
import type { Server } from "../../../src/server/server.js";
import { RawClient } from "../raw-client.js";
import { type Fields, handshakeBytes } from "./handshake-setup.js";

/** A frame that has come from the server. */
export interface SeenFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly compressed: boolean;
  readonly payload: Buffer;
}

interface FrameParts {
  /** Whether FIN is set. @default true */
  readonly fin?: boolean;
  /** Bits 1 to 3 of the first byte, RSV1 being 4. @default 0 */
  readonly reserved?: number;
  /** @default true */
  readonly masked?: boolean;
  /** In place of the payload's own, in 0, 2 or 8 bytes. */
  readonly length?: readonly number[];
}

/** A client's frame. */
export function frame(opcode: number, payload: string | Uint8Array = "", parts: FrameParts = {}): Buffer {
  const { fin = true, reserved = 0, masked = true } = parts;
  const bytes = Buffer.from(payload);
  const length = parts.length ?? lengthBytes(bytes.length);
  const [short = 0, ...extended] = length;
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode, (masked ? 0x80 : 0) | short, ...extended];
  const key = masked ? [0x11, 0x22, 0x33, 0x44] : [];
  const body = masked ? bytes.map((byte, index) => byte ^ (key[index % 4] ?? 0)) : bytes;
  return Buffer.concat([Buffer.from(head), Buffer.from(key), body]);
}

/** The payload of a Close frame. */
export function closing(code: number, reason = ""): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

function lengthBytes(length: number): number[] {
  if (length < 126) return [length];
  if (length < 65_536) return [126, length >> 8, length & 0xff];
  return [127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (length >>> shift) & 0xff)];
}

/** See the head of this file. */
export class RawSocket {
  readonly client: RawClient;
  #headEnd = 0;

  private constructor(client: RawClient) {
    this.client = client;
  }

  /** Shakes hands; `early` is sent in the packet of the handshake, behind it. */
  static async open(server: Server, target: string, fields: Fields = {}, early: Buffer = Buffer.alloc(0)) {
    const socket = new RawSocket(await RawClient.to(server));
    socket.client.socket.write(Buffer.concat([Buffer.from(handshakeBytes(target, fields)), early]));
    const head = await socket.client.untilReceived("\r\n\r\n");
    socket.#headEnd = head.indexOf("\r\n\r\n") + 4;
    return socket;
  }

  get head(): string {
    return this.client.received.slice(0, this.#headEnd);
  }

  send(...frames: Buffer[]): void {
    this.client.socket.write(Buffer.concat(frames));
  }

  /** The whole frames that have come so far. */
  get frames(): SeenFrame[] {
    const wire = Buffer.from(this.client.received.slice(this.#headEnd), "latin1");
    const frames: SeenFrame[] = [];
    let at = 0;
    while (at + 2 <= wire.length) {
      const [first = 0, second = 0] = wire.subarray(at, at + 2);
      const short = second & 0x7f;
      const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
      const start = at + 2 + extended;
      const length = extended === 0 ? short : wire.readUIntBE(start - Math.min(extended, 6), Math.min(extended, 6));
      if (start + length > wire.length) break;
      const payload = wire.subarray(start, start + length);
      frames.push({ opcode: first & 15, fin: first >= 0x80, compressed: (first & 0x40) !== 0, payload });
      at = start + length;
    }
    return frames;
  }

  /** Waits for so many frames. */
  async untilFrames(count: number): Promise<SeenFrame[]> {
    await this.client.until(() => this.frames.length >= count);
    return this.frames;
  }

  /** Waits for the server's Close frame; its code and reason. */
  async untilClosing(): Promise<readonly [code: number, reason: string]> {
    const isClose = ({ opcode }: SeenFrame) => opcode === 8;
    await this.client.until(() => this.frames.some(isClose));
    const { payload } = this.frames.find(isClose) ?? { payload: Buffer.alloc(0) };
    return payload.length < 2 ? [1005, ""] : [payload.readUInt16BE(0), payload.subarray(2).toString()];
  }
}
