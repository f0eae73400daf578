/** A connection on a scripted transport, frames as bytes, or two connections joined in memory; time by hand. */
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { type MemoryPairOptions, type MemoryTransport, memoryPair } from "../../../src/net/memory.js";
import { ScriptedTransport, type ScriptedTransportOptions } from "../../../src/net/scripted.js";
import { frameHead, wholeFrame } from "../../../src/websocket/frame-writer.js";
import { BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT } from "../../../src/websocket/opcodes.js";
import type { WebSocketEnd } from "../../../src/wire/websocket/closed-error.js";
import type { LinkCompression } from "../../../src/wire/websocket/link-owner.js";
import { openWebSocket, type WebSocketSetup } from "../../../src/wire/websocket/open-websocket.js";
import type { WebSocketConnection } from "../../../src/wire/websocket/websocket-connection.js";
import {
  CLIENT_WEBSOCKET_DEFAULTS,
  resolveWebSocketOptions,
  SERVER_WEBSOCKET_DEFAULTS,
  type WebSocketConnectionOptions,
} from "../../../src/wire/websocket/websocket-options.js";

export { BINARY, CLOSE, CONTINUATION, FIN, frameHead, PING, PONG, TEXT };

/** The mask of every frame that a test writes as a client. */
export const KEY = 0x37fa213d;

type Setup = Partial<Omit<WebSocketSetup, "options">>;

/** One end under test; what the peer sends is fed, what is sent is recorded. */
export class Linked {
  readonly transport: ScriptedTransport;
  readonly clock = new ManualClock();
  readonly socket: WebSocketConnection;
  readonly role: "client" | "server";
  readonly ends: WebSocketEnd[] = [];

  constructor(
    options: WebSocketConnectionOptions = {},
    setup: Setup = {},
    script: ScriptedTransportOptions | ScriptedTransport = {},
  ) {
    const { role = "server" } = setup;
    this.role = role;
    this.transport = script instanceof ScriptedTransport ? script : new ScriptedTransport(script);
    const defaults = role === "server" ? SERVER_WEBSOCKET_DEFAULTS : CLIENT_WEBSOCKET_DEFAULTS;
    this.socket = openWebSocket(this.transport, new Uint8Array(0), {
      role,
      clock: this.clock,
      maskSource: () => KEY,
      onClosed: (end) => this.ends.push(end),
      ...setup,
      options: resolveWebSocketOptions(options, defaults),
    });
  }

  /** A frame as the peer sends it. */
  peerFrame(first: number, payload: string | Uint8Array = ""): Buffer {
    return wholeFrame(first, payload, this.role === "server" ? KEY : undefined);
  }

  /** Packets from the peer, one call each. */
  packets(...packets: (Uint8Array | { end: true } | { error: Error })[]): void {
    this.transport.feed(...packets);
    this.transport.flush();
  }

  /** What left since the last look, in hexadecimal digits, a string for each write. */
  async sent(): Promise<string[]> {
    await turns();
    const writes = this.transport.writes.map((write) => Buffer.from(write).toString("hex"));
    this.transport.takeWritten();
    return writes;
  }
}

/** A frame as this side of the connection is to send it, in hexadecimal digits. */
export function frame(role: "client" | "server", first: number, payload: string | Uint8Array = ""): string {
  return wholeFrame(first, payload, role === "client" ? KEY : undefined).toString("hex");
}

/** A close frame's payload. */
export function closing(code: number, reason = ""): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}

/** Two ends that talk to each other. */
export interface Pair {
  readonly client: WebSocketConnection;
  readonly server: WebSocketConnection;
  readonly clock: ManualClock;
  readonly transports: readonly [MemoryTransport, MemoryTransport];
}

export function pair(
  options: WebSocketConnectionOptions = {},
  memory: MemoryPairOptions = {},
  setup: Setup = {},
  compression: { readonly client?: LinkCompression; readonly server?: LinkCompression } = {},
): Pair {
  const clock = new ManualClock();
  const transports = memoryPair(memory);
  const nothing = new Uint8Array(0);
  const common = { clock, ...setup };
  const client = openWebSocket(transports[0], nothing, {
    ...common,
    role: "client",
    compression: compression.client,
    options: resolveWebSocketOptions(options, CLIENT_WEBSOCKET_DEFAULTS),
  });
  const server = openWebSocket(transports[1], nothing, {
    ...common,
    role: "server",
    compression: compression.server,
    options: resolveWebSocketOptions(options, SERVER_WEBSOCKET_DEFAULTS),
  });
  return { client, server, clock, transports };
}

/** Lets promises, and the turns of the event loop they need, run. */
export async function turns(count = 4): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
