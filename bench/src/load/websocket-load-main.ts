/**
 * The load generator for WebSocket servers: plain sockets, each with a fixed number of messages in flight; as little of the protocol as
 * it takes to count what comes back. A process of its own.
 */
import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { deflateRawSync, constants as zlib } from "node:zlib";
import { serveOrders } from "../harness/serve-orders.js";
import { FrameCounter } from "./frame-counter.js";

/** Whom to send what. */
export interface WebSocketTarget {
  readonly port: number;
  readonly connections: number;
  /** Messages in flight on each connection. */
  readonly depth: number;
  /** One message of text, ASCII. */
  readonly message: string;
  /** Whether to ask for compression, and to compress. */
  readonly compress: boolean;
}

/** What the process can be told. */
export interface WebSocketLoadOrders {
  /** Opens the connections, closing those of before, and has one message echoed on each if there is one. */
  open(target: WebSocketTarget): Promise<null>;
  /** Keeps sending for so many milliseconds, then until all are echoed. */
  echo(order: { readonly milliseconds: number }): Promise<{ readonly count: number; readonly milliseconds: number }>;
  close(order: null): Promise<null>;
}

/** Sockets opened together: fewer than any server's backlog of connections it has not accepted. */
const AT_ONCE = 256;
const READ_BYTES = 256 * 1024;
const KEY = Buffer.from("37fa213d", "hex");
const TEXT = 0x81;
const COMPRESSED_TEXT = 0xc1;
const MASKED = 0x80;
const MOST_SHORT = 125;
/** What ends each block of a message, and is left out (RFC 7692 §7.2.1). */
const TAIL_BYTES = 4;
const OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
/** Shared by all sockets: what is read is counted before the next read. */
const readBuffer = Buffer.allocUnsafe(READ_BYTES);

let lanes: Lane[] = [];

class Lane {
  readonly #socket: Socket;
  readonly #target: WebSocketTarget;
  readonly #frame: Buffer;
  readonly #counter: FrameCounter;
  #open = false;
  #head = "";
  #owed = 0;
  #sending = false;
  #count = 0;
  #settle: ((error: Error | undefined) => void) | undefined = undefined;

  constructor(target: WebSocketTarget, frame: Buffer) {
    this.#target = target;
    this.#frame = frame;
    this.#counter = new FrameCounter(target.compress ? undefined : target.message);
    const onread = { buffer: readBuffer, callback: (size: number) => this.#onBytes(readBuffer.subarray(0, size)) };
    this.#socket = connect({ host: "127.0.0.1", port: target.port, noDelay: true, onread });
    this.#socket.on("error", (error) => this.#settle?.(error));
    this.#socket.on("close", () => this.#settle?.(new Error("The server closed a connection")));
  }

  get count(): number {
    return this.#count;
  }

  /** The opening handshake. */
  open(): Promise<void> {
    const extensions = this.#target.compress ? OFFER : "";
    this.#socket.write(
      `GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${extensions}` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    return this.#settled();
  }

  /** Sends one message, or keeps sending until `stop`; resolves when nothing is owed. */
  start(sending: boolean): Promise<void> {
    this.#sending = sending;
    this.#count = 0;
    const settled = this.#settled();
    this.#send(sending ? this.#target.depth : 1);
    return settled;
  }

  stop(): void {
    this.#sending = false;
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  #send(count: number): void {
    this.#owed += count;
    this.#socket.write(count === 1 ? this.#frame : Buffer.concat(new Array<Buffer>(count).fill(this.#frame)));
  }

  #onBytes(bytes: Buffer): boolean {
    try {
      if (this.#open) this.#onFrames(this.#counter.take(bytes));
      else this.#onHead(bytes);
    } catch (error) {
      this.#settle?.(error as Error);
    }
    return true;
  }

  /** Nothing comes behind the head before something was sent. */
  #onHead(bytes: Buffer): void {
    this.#head += bytes.toString("latin1");
    if (!this.#head.endsWith("\r\n\r\n")) return;
    const compresses = /^sec-websocket-extensions: *permessage-deflate/im.test(this.#head);
    if (!this.#head.startsWith("HTTP/1.1 101 ") || compresses !== this.#target.compress) {
      throw new Error(`Not the handshake that was expected: ${JSON.stringify(this.#head)}`);
    }
    this.#open = true;
    this.#settle?.(undefined);
  }

  #onFrames(echoed: number): void {
    this.#count += echoed;
    this.#owed -= echoed;
    if (this.#sending && echoed > 0) this.#send(echoed);
    else if (this.#owed === 0) this.#settle?.(undefined);
  }
}

/** A message as a client sends it; compressed without looking back, which is any client's right. */
function maskedFrame({ message, compress }: WebSocketTarget): Buffer {
  const plain = Buffer.from(message, "latin1");
  const deflated = compress
    ? deflateRawSync(plain, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -TAIL_BYTES)
    : plain;
  const payload = Buffer.from(deflated);
  for (let at = 0; at < payload.length; at += 1) payload[at] = (payload[at] ?? 0) ^ (KEY[at & 3] ?? 0);
  const first = compress ? COMPRESSED_TEXT : TEXT;
  const short = payload.length <= MOST_SHORT;
  const head = short
    ? [first, MASKED | payload.length]
    : [first, MASKED | (MOST_SHORT + 1), payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from(head), KEY, payload]);
}

serveOrders<WebSocketLoadOrders>({
  async open(target) {
    closeAll();
    const frame = maskedFrame(target);
    while (lanes.length < target.connections) {
      const more = Math.min(AT_ONCE, target.connections - lanes.length);
      const opened = Array.from({ length: more }, () => new Lane(target, frame));
      lanes.push(...opened);
      await Promise.all(opened.map((lane) => lane.open()));
    }
    if (target.depth > 0) await Promise.all(lanes.map((lane) => lane.start(false)));
    return null;
  },
  async echo({ milliseconds }) {
    const from = performance.now();
    const ends = Promise.all(lanes.map((lane) => lane.start(true)));
    const timer = setTimeout(() => {
      for (const lane of lanes) lane.stop();
    }, milliseconds);
    await ends.finally(() => clearTimeout(timer));
    const count = lanes.reduce((sum, lane) => sum + lane.count, 0);
    return { count, milliseconds: performance.now() - from };
  },
  async close() {
    closeAll();
    return null;
  },
});

function closeAll(): void {
  for (const lane of lanes) lane.close();
  lanes = [];
}
