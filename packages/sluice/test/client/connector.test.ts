/** Where a connector's connections come from: sockets of one's own, look-ups of one's own, addresses that are forgotten. */
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import { socketTransport } from "../../src/net/socket-transport.js";
import { AUTHORITY, SERVER } from "../net/certificates.js";
import { closeAfter } from "./fake-net.js";

/** The port of a server on loopback that answers with what it was asked for, and the addresses it was asked from. */
async function echo(): Promise<{ port: number }> {
  const server = createServer((request, response) => response.end(`${request.headers.host}${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeAfter({
    close() {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
  return { port: (server.address() as AddressInfo).port };
}

function opened(socket: Socket, event: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve(socket)).once("error", reject);
  });
}

test("a socket of one's own carries requests, is kept, and ends with the connector", async () => {
  const { port } = await echo();
  const sockets: Socket[] = [];
  const session = closeAfter(
    new ClientSession({
      connector: {
        async connect({ host, port: wanted }) {
          expect([host, wanted]).toEqual(["a.test", 80]);
          const socket = await opened(connect({ host: "127.0.0.1", port, noDelay: true }), "connect");
          sockets.push(socket);
          return socketTransport(socket);
        },
      },
    }),
  );
  for (const path of ["/1", "/2", "/3"]) expect(await session.get(`http://a.test${path}`).text()).toBe(`a.test${path}`);
  const response = await session.post("http://a.test/4", { body: "x".repeat(300_000) });
  expect([response.remoteAddress, response.remotePort, await response.text()]).toEqual(["127.0.0.1", port, "a.test/4"]);
  expect(sockets.length).toBe(1);
  await session.close();
  expect(sockets[0]?.destroyed).toBe(true);
});

test("for https: TLS on such a socket is its maker's business, who is told of the settings", async () => {
  const server = createTlsServer({ cert: SERVER.cert, key: SERVER.key }, (_request, response) => response.end("safe"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const session = closeAfter(
    new ClientSession({
      connector: {
        tls: { ca: AUTHORITY },
        async connect({ host, tls }) {
          const socket = connectTls({ host: "127.0.0.1", port, servername: host, ca: tls?.ca as string });
          return socketTransport(await opened(socket, "secureConnect"));
        },
      },
    }),
  );
  expect(await session.get("https://localhost/").text()).toBe("safe");
  await session.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

test("addresses come from a function, where one is given", async () => {
  const { port } = await echo();
  const asked: string[] = [];
  const lookup = (host: string): string[] => {
    asked.push(host);
    return ["127.0.0.1"];
  };
  const session = closeAfter(new ClientSession({ connector: { dns: { lookup } } }));
  expect(await session.get(`http://a.test:${port}/x`).text()).toBe(`a.test:${port}/x`);
  expect(asked).toEqual(["a.test"]);
});

test("forgets the addresses of a host, in any case, or all; open connections stay", async () => {
  const { port } = await echo();
  const asked: string[] = [];
  const lookup = (host: string): string[] => {
    asked.push(host);
    return ["127.0.0.1"];
  };
  const session = closeAfter(new ClientSession({ connector: { dns: { lookup } } }));
  const anew = async (host: string): Promise<void> => {
    await session.get(`http://${host}:${port}/`, { headers: { connection: "close" } }).text();
  };
  for (const host of ["a.test", "b.test", "a.test"]) await anew(host);
  expect(asked).toEqual(["a.test", "b.test"]);
  session.connector.forgetAddresses("A.test");
  for (const host of ["a.test", "b.test"]) await anew(host);
  expect(asked).toEqual(["a.test", "b.test", "a.test"]);
  session.connector.forgetAddresses();
  for (const host of ["a.test", "b.test"]) await anew(host);
  expect(asked.length).toBe(5);
  await session.get(`http://a.test:${port}/`).text();
  session.connector.forgetAddresses();
  await session.get(`http://a.test:${port}/`).text();
  expect(asked.length).toBe(5);
});

test("one address family only, where that is asked for", async () => {
  const { port } = await echo();
  const dns = { lookup: () => ["127.0.0.1", "::1"] };
  const four = closeAfter(new ClientSession({ connector: { dns: { ...dns, family: 4 } } }));
  expect((await four.get(`http://a.test:${port}/`)).remoteAddress).toBe("127.0.0.1");
  const six = closeAfter(new ClientSession({ connector: { dns: { lookup: () => ["127.0.0.1"], family: 6 } } }));
  await expect(six.get(`http://a.test:${port}/`)).rejects.toMatchObject({
    code: "dns/not-found",
    message: expect.stringContaining("the name has no IPv6 address, which dns.family asks for (ENODATA)"),
  });
});
