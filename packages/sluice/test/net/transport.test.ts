/** The one contract suite over each implementation of Transport, and what only one of them has. */

import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { memoryPair } from "../../src/net/memory.js";
import { describePeer } from "../../src/net/peer-info.js";
import { ReadBuffer } from "../../src/net/read-buffer.js";
import { SocketTransport } from "../../src/net/socket-transport.js";
import { ownSocketPair, type Pair, tcpPair, tlsPair, unixPair } from "./connected-pair.js";
import { record, turns } from "./recorder.js";
import { type ContractPair, transportContract } from "./transport-contract.js";

async function clientOf(connecting: Promise<Pair>): Promise<ContractPair> {
  const pair = await connecting;
  return { subject: pair.client, other: pair.server, close: () => pair.close() };
}

async function serverOf(connecting: Promise<Pair>): Promise<ContractPair> {
  const pair = await connecting;
  return { subject: pair.server, other: pair.client, close: () => pair.close() };
}

async function inMemory(lends: boolean): Promise<ContractPair> {
  const [subject, other] = memoryPair({ lends });
  return { subject, other, close: async () => [subject, other].forEach((transport) => void transport.destroy()) };
}

transportContract("memory", () => inMemory(false));
transportContract("memory, lending", () => inMemory(true));
transportContract("TCP client", () => clientOf(tcpPair()));
transportContract("TCP server", () => serverOf(tcpPair()));
transportContract("a socket of the user's own", () => serverOf(ownSocketPair()));
transportContract("TLS client", () => clientOf(tlsPair()));
transportContract("TLS server", () => serverOf(tlsPair()));
transportContract("Unix client", () => clientOf(unixPair()));
transportContract("Unix server", () => serverOf(unixPair()));

describe("socket transport", () => {
  test("connected and accepted sockets lend their read buffer", async () => {
    for (const connecting of [tcpPair(), tlsPair(), unixPair()]) {
      const { client, server, close } = await connecting;
      expect([client.lends, server.lends]).toEqual([true, process.platform !== "win32"]);
      await close();
    }
  });

  test("peer() names both ends", async () => {
    const { client, server, close } = await tcpPair();
    expect(client.peer()).toMatchObject({ remoteAddress: "127.0.0.1", localAddress: "127.0.0.1", tls: undefined });
    expect(client.peer().localPort).toBe(server.peer().remotePort);
    expect(client.peer().remotePort).toBe(server.peer().localPort);
    await close();
  });

  test("a server still knows a peer that reset the connection", async () => {
    const { client, server, close } = await tcpPair();
    const there = record(server);
    record(client);
    client.pause();
    server.write("unread");
    client.destroy();
    await there.until(() => there.ended || there.closed);
    server.destroy();
    await there.until(() => there.closed);
    expect(server.peer().remoteAddress).toBe("127.0.0.1");
    await close();
  });
});

describe("socket transport: what came before the handler that it is for", () => {
  test("is not lost when one that detaches in the midst of it puts something back", async () => {
    const buffer = new ReadBuffer(64);
    const socket = new Socket();
    const transport = new SocketTransport(socket, buffer);
    for (const text of ["one,two", "three"]) transport.receiveLent(buffer.bytes.write(text));
    const first = record(transport);
    first.onPiece = () => transport.detach(Buffer.from("two"));
    await turns();
    expect(first.text).toBe("one,two");
    const second = record(transport);
    await turns();
    expect(second.text).toBe("twothree");
    socket.destroy();
  });
});

test("a socket whose handle does not tell its addresses is asked itself, and one that is gone tells none", () => {
  const told = { remoteAddress: "192.0.2.1", remotePort: 7, localAddress: "192.0.2.2", localPort: 8 };
  expect(describePeer({ ...told, _handle: {} } as unknown as Socket)).toEqual({ ...told, tls: undefined });
  const gone = { getpeername: () => -1, getsockname: () => -1 };
  const nothing = { remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined };
  expect(describePeer({ ...told, _handle: gone } as unknown as Socket)).toEqual({ ...nothing, tls: undefined });
});

describe("socket transport: a large write under way", () => {
  const LARGE = 32 * 1024 * 1024;

  test.each([
    ["TCP", tcpPair],
    ["TLS", tlsPair],
    ["Unix", unixPair],
  ])("over %s: the peer is seen to take it, part by part, and it is held until all of it has gone", async (_, pair) => {
    const { client, server, close } = await pair();
    const here = record(client);
    const there = record(server);
    server.pause();
    expect(client.holds).toBe(false);
    expect(client.write(new Uint8Array(LARGE))).toBe(false);
    expect(client.bufferedBytes).toBeLessThanOrEqual(LARGE);
    const seen = new Set<number>();
    server.resume();
    while (client.bufferedBytes > 0) {
      seen.add(client.bufferedBytes);
      expect(client.holds).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Without a look at what the system has taken there would be two steps: everything, and nothing.
    expect(seen.size).toBeGreaterThan(5);
    expect([...seen]).toEqual([...seen].sort((one, other) => other - one));
    await here.until(() => here.events.includes("drain"));
    expect(client.holds).toBe(false);
    await there.until(() => there.byteCount === LARGE);
    await close();
  });

  test("what is written behind it counts in full, also when the large one has gone", async () => {
    const { client, server, close } = await tcpPair();
    record(client);
    const there = record(server);
    server.pause();
    client.write(new Uint8Array(LARGE));
    const rest = client.bufferedBytes;
    client.write(new Uint8Array(LARGE));
    expect(client.bufferedBytes - rest).toBe(LARGE);
    server.resume();
    while (client.bufferedBytes > LARGE) await new Promise((resolve) => setImmediate(resolve));
    server.pause();
    await turns();
    expect(client.bufferedBytes > 0).toBe(client.holds);
    server.resume();
    await there.until(() => there.byteCount === 2 * LARGE);
    expect(client.bufferedBytes).toBe(0);
    await close();
  });
});
