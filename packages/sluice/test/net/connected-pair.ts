/** Connected transports over real sockets of each kind, made with our own listener and dialer. */

import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/concurrency/clock.js";
import { type DialEvents, Dialer, type DialerOptions, type DialTarget } from "../../src/net/dial.js";
import { DnsCache } from "../../src/net/dns-cache.js";
import { type Listener, type ListenOptions, listen } from "../../src/net/listen.js";
import { socketTransport } from "../../src/net/socket-transport.js";
import type { Transport } from "../../src/net/transport.js";
import { AUTHORITY, SERVER } from "./certificates.js";

export interface Pair {
  readonly client: Transport;
  readonly server: Transport;
  /** Closes everything. */
  close(): Promise<void>;
}

export function newDialer(options: Partial<DialerOptions> = {}): Dialer {
  return new Dialer({ clock: systemClock, dns: new DnsCache(systemClock), ...options });
}

/** A dial as a promise. */
export function dialed(target: DialTarget, dialer = newDialer(), events: DialEvents = {}): Promise<Transport> {
  return new Promise((resolve, reject) => {
    dialer.dial(target, events, (error, transport) => {
      if (transport === undefined) reject(error);
      else resolve(transport);
    });
  });
}

/** The error of a dial that must fail. */
export async function dialFailure(target: DialTarget, dialer = newDialer(), events: DialEvents = {}): Promise<unknown> {
  let transport: Transport;
  try {
    transport = await dialed(target, dialer, events);
  } catch (error) {
    return error;
  }
  transport.destroy();
  throw new Error("The dial should have failed");
}

/** A folder for a Unix socket; paths of sockets are short. */
export function socketFolder(): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "sluice-"));
  return { path: join(folder, "s"), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Listens with `options`, and dials that. */
export async function pairOver(
  options: Omit<ListenOptions, "onConnection">,
  target: (listener: Listener) => DialTarget,
): Promise<Pair> {
  let accepted: (transport: Transport) => void = () => undefined;
  const serverSide = new Promise<Transport>((resolve) => {
    accepted = resolve;
  });
  const listener = await listen({ ...options, onConnection: (transport) => accepted(transport) });
  const client = await dialed(target(listener));
  const server = await serverSide;
  return {
    client,
    server,
    close: async () => {
      client.destroy();
      server.destroy();
      await listener.close();
    },
  };
}

export function tcpPair(): Promise<Pair> {
  return pairOver({ port: 0, host: "127.0.0.1" }, ({ address }) => ({ host: "127.0.0.1", port: address.port ?? 0 }));
}

/** The server's side over a socket that somebody else has accepted. */
export async function ownSocketPair(): Promise<Pair> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true });
  const accepted = new Promise<Socket>((resolve) => listener.once("connection", resolve));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const client = await dialed({ host: "127.0.0.1", port: (listener.address() as AddressInfo).port });
  const server = socketTransport(await accepted);
  return {
    client,
    server,
    close: async () => {
      client.destroy();
      server.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

export function tlsPair(): Promise<Pair> {
  return pairOver({ port: 0, host: "127.0.0.1", tls: SERVER }, ({ address }) => ({
    host: "127.0.0.1",
    port: address.port ?? 0,
    tls: { ca: AUTHORITY },
  }));
}

export async function unixPair(): Promise<Pair> {
  const folder = socketFolder();
  const pair = await pairOver({ path: folder.path }, () => ({ host: "localhost", port: 80, unixSocket: folder.path }));
  return {
    ...pair,
    close: async () => {
      await pair.close();
      folder.remove();
    },
  };
}
