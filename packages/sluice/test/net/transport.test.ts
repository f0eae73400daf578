/** The one contract suite over each implementation of Transport, and what only one of them has. */

import { describe, expect, test } from "vitest";
import { memoryPair } from "../../src/net/memory.js";
import { ownSocketPair, type Pair, tcpPair, tlsPair, unixPair } from "./connected-pair.js";
import { record } from "./recorder.js";
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
