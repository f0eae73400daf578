/** Answers to handshakes as servers give them, frames as they send them, and what of a client's frames a test wants to know. */
import { createHash } from "node:crypto";
import { type FakeConnection, FakeNet, type Seen } from "../fake-net.js";

/** The 101 that answers `request`; further field lines, each with its line end. */
export function switched(request: Seen, more = ""): string {
  const accept = acceptOf(request);
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`;
}

/** RFC 6455 §4.2.2, item 5.4, written down a second time. */
export function acceptOf({ fields }: Seen): string {
  const key = fields.get("sec-websocket-key") ?? "";
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** A short frame of a server's: whole, not masked. */
export function frame(opcode: number, payload: string | Uint8Array = ""): Buffer {
  const bytes = Buffer.from(payload);
  if (bytes.length > 125) throw new Error("Short frames only");
  return Buffer.concat([Buffer.from([0x80 | opcode, bytes.length]), bytes]);
}

export function textFrame(text: string): Buffer {
  return frame(1, text);
}

export function closeFrame(code: number, reason = ""): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return frame(8, Buffer.concat([head, Buffer.from(reason)]));
}

/** A frame of the client's, unmasked. */
export interface ClientFrame {
  readonly opcode: number;
  readonly text: string;
  readonly bytes: Buffer;
}

/** Takes the frames apart that come on a connection after its handshake. */
export class SocketPeer {
  readonly frames: ClientFrame[] = [];
  readonly connection: FakeConnection;
  /** Answers a close frame with the same one, and ends the connection. */
  closesPolitely = true;
  #received = Buffer.alloc(0);

  constructor(connection: FakeConnection) {
    this.connection = connection;
    connection.transport.attach({
      onData: (bytes) => this.#read(bytes),
      onEnd: () => connection.transport.end(),
      onDrain: () => undefined,
      onClose: () => connection.onClose(),
    });
  }

  get texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === 1).map(({ text }) => text);
  }

  get closeCodes(): number[] {
    return this.frames
      .filter(({ opcode }) => opcode === 8)
      .map(({ bytes }) => (bytes.length > 1 ? bytes.readUInt16BE() : 1005));
  }

  send(...frames: Uint8Array[]): void {
    for (const one of frames) this.connection.transport.write(one);
  }

  /** Says goodbye, and ends the connection when the client has answered. */
  close(code: number, reason = ""): void {
    this.send(closeFrame(code, reason));
  }

  #read(bytes: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (let one = this.#take(); one !== undefined; one = this.#take()) {
      this.frames.push(one);
      if (one.opcode !== 8 || !this.closesPolitely) continue;
      this.send(frame(8, one.bytes));
      this.connection.transport.end();
    }
  }

  #take(): ClientFrame | undefined {
    const received = this.#received;
    if (received.length < 6) return undefined;
    let length = (received[1] ?? 0) & 0x7f;
    let at = 2;
    if (length === 126) {
      length = received.readUInt16BE(2);
      at = 4;
    } else if (length === 127) throw new Error("Frames of less than 64 KiB only");
    if (((received[1] ?? 0) & 0x80) === 0) throw new Error("A client's frames are masked");
    if (received.length < at + 4 + length) return undefined;
    const key = received.subarray(at, at + 4);
    const payload = Buffer.from(received.subarray(at + 4, at + 4 + length));
    for (let index = 0; index < length; index += 1) payload[index] = (payload[index] ?? 0) ^ (key[index % 4] ?? 0);
    this.#received = received.subarray(at + 4 + length);
    return { opcode: (received[0] ?? 0) & 0x0f, text: payload.toString("utf8"), bytes: payload };
  }
}

/** A network of WebSocket servers; `peers` has the connections of those that took the handshake, in their order. */
export class SocketNet extends FakeNet {
  readonly peers: SocketPeer[] = [];
  /** Sent right behind the 101, in the same write. */
  greeting: Uint8Array = Buffer.alloc(0);

  /** `answerer`: what the `nth` request is answered, counted from 1; undefined for a plain 101. */
  constructor(answerer: (request: Seen, nth: number) => string | undefined = () => undefined) {
    let requests = 0;
    super((request) => {
      requests += 1;
      const answer = answerer(request, requests) ?? switched(request);
      if (!answer.startsWith("HTTP/1.1 101")) return answer;
      this.peers.push(new SocketPeer(request.connection));
      return Buffer.concat([Buffer.from(answer, "latin1"), this.greeting]);
    });
  }

  peer(at = this.peers.length - 1): SocketPeer {
    const peer = this.peers.at(at);
    if (peer === undefined) throw new Error("There is no such connection");
    return peer;
  }
}
