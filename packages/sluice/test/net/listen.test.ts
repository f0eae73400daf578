import { existsSync, lstatSync, writeFileSync } from "node:fs";
import { rename } from "node:fs/promises";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { type Listener, type ListenOptions, listen } from "../../src/net/listen.js";
import type { Transport } from "../../src/net/transport.js";
import { removeSocketFile } from "../../src/platform/files.js";
import { CLIENT, SERVER } from "./certificates.js";
import { dialed, dialFailure, socketFolder } from "./connected-pair.js";
import { record, turns } from "./recorder.js";

const open: Listener[] = [];
const accepted: Transport[] = [];
const folders: { remove(): void }[] = [];

afterEach(async () => {
  for (const transport of accepted.splice(0)) transport.destroy();
  for (const listener of open.splice(0)) await listener.close();
  for (const folder of folders.splice(0)) folder.remove();
});

async function listening(options: Omit<ListenOptions, "onConnection">): Promise<Listener> {
  const listener = await listen({ ...options, onConnection: (transport) => accepted.push(transport) });
  open.push(listener);
  return listener;
}

async function failing(options: Omit<ListenOptions, "onConnection">): Promise<unknown> {
  return listening(options).then(
    () => {
      throw new Error("Listening should have failed");
    },
    (error: unknown) => error,
  );
}

function newFolder(): string {
  const folder = socketFolder();
  folders.push(folder);
  return folder.path;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turns(1);
}

/** Makes a socket file that nobody listens on, as a killed process leaves it. */
async function staleSocket(path: string): Promise<void> {
  const listener = await listening({ path: `${path}.old` });
  await rename(`${path}.old`, path);
  await listener.close();
}

describe("listening on TCP", () => {
  test("says where, counts connections, and gives each as a transport", async () => {
    const listener = await listening({ port: 0, host: "127.0.0.1" });
    expect(listener.address).toEqual({ host: "127.0.0.1", port: expect.any(Number), path: undefined });
    const client = await dialed({ host: "127.0.0.1", port: listener.address.port ?? 0 });
    await until(() => accepted.length === 1);
    expect(listener.connections).toBe(1);
    expect(accepted[0]?.peer()).toMatchObject({ remoteAddress: "127.0.0.1", localPort: listener.address.port });
    record(client);
    client.destroy();
    accepted[0]?.destroy();
    await until(() => listener.connections === 0);
  });

  test("without a host takes both families", async () => {
    const { address } = await listening({ port: 0 });
    for (const host of ["127.0.0.1", "::1"]) (await dialed({ host, port: address.port ?? 0 })).destroy();
  });

  test("close stops accepting and does not wait for connections", async () => {
    const listener = await listening({ port: 0, host: "127.0.0.1" });
    const port = listener.address.port ?? 0;
    const client = record(await dialed({ host: "127.0.0.1", port }));
    await until(() => accepted.length === 1);
    await Promise.all([listener.close(), listener.close()]);
    expect(await dialFailure({ host: "127.0.0.1", port })).toMatchObject({ code: "connect/refused" });
    expect(listener.connections).toBe(1);
    expect(listener.address.port).toBe(port);
    const server = record(accepted[0] as Transport);
    client.transport.write("still served");
    await server.until(() => server.text === "still served");
    client.transport.destroy();
  });

  test("a port can be bound again at once after close", async () => {
    const first = await listening({ port: 0, host: "127.0.0.1" });
    const { port } = first.address;
    (await dialed({ host: "127.0.0.1", port: port ?? 0 })).destroy();
    await first.close();
    const second = await listening({ port, host: "127.0.0.1" });
    expect(second.address.port).toBe(port);
  });

  test("a client that half-closes still gets its answer", async () => {
    const { address } = await listening({ port: 0, host: "127.0.0.1" });
    const socket = connect({ port: address.port ?? 0, host: "127.0.0.1", allowHalfOpen: true });
    socket.end("request");
    let answer = "";
    socket.on("data", (piece) => {
      answer += piece.toString();
    });
    await until(() => accepted.length === 1);
    const server = record(accepted[0] as Transport);
    await server.until(() => server.ended);
    server.transport.write("answer");
    server.transport.end();
    await until(() => socket.closed);
    expect(answer).toBe("answer");
    expect(server.closeError).toBeUndefined();
  });

  test.each<[string, Omit<ListenOptions, "onConnection">, string]>([
    ["neither port nor path", {}, "listen/no-address"],
    ["both port and path", { port: 0, path: "/tmp/s" }, "listen/no-address"],
    ["an address of another machine", { port: 0, host: "192.0.2.1" }, "listen/address-not-available"],
    ["a host without an address", { port: 0, host: "no.invalid" }, "listen/address-not-available"],
    ["a path in no directory", { path: "/nonexistent/s" }, "listen/not-permitted"],
    ["a key that is none", { port: 0, tls: { cert: SERVER.cert, key: "nonsense" } }, "listen/bad-certificate"],
    ["another's key", { port: 0, tls: { cert: SERVER.cert, key: CLIENT.key } }, "listen/bad-certificate"],
  ])("%s is refused", async (_title, options, code) => {
    const error = await failing(options);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code });
  });

  test("a taken port is refused, by name", async () => {
    const { address } = await listening({ port: 0, host: "127.0.0.1" });
    const error = await failing({ port: address.port, host: "127.0.0.1" });
    expect(error).toMatchObject({
      code: "listen/address-in-use",
      message: `Cannot listen on 127.0.0.1:${address.port}: the port is taken by another socket`,
      cause: { code: "EADDRINUSE" },
    });
  });
});

describe("listening with TLS", () => {
  test("a stranger's bytes and an early end are handshake failures, with the address, and harm nobody", async () => {
    const failures: string[] = [];
    const listener = await listening({
      port: 0,
      host: "127.0.0.1",
      tls: SERVER,
      onHandshakeFailure: (error, remoteAddress) => failures.push(`${error instanceof Error} ${remoteAddress}`),
    });
    const port = listener.address.port ?? 0;
    const stranger = connect({ port, host: "127.0.0.1" });
    stranger.on("error", () => stranger.destroy());
    stranger.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stranger.resume();
    await until(() => failures.length === 1);
    const early = connect({ port, host: "127.0.0.1" });
    early.on("error", () => early.destroy());
    early.resume().end();
    await until(() => failures.length === 2 && listener.connections === 0);
    expect(failures[0]).toBe("true 127.0.0.1");
    expect(accepted).toEqual([]);
  });

  test("a handshake that does not come is given up after its time", async () => {
    const failures: Error[] = [];
    const { address } = await listening({
      port: 0,
      host: "127.0.0.1",
      tls: { ...SERVER, handshakeTimeout: 50 },
      onHandshakeFailure: (error) => failures.push(error),
    });
    const silent = connect({ port: address.port ?? 0, host: "127.0.0.1" });
    silent.on("error", () => silent.destroy());
    silent.resume();
    await until(() => failures.length === 1 && silent.closed);
    expect(failures[0]).toHaveProperty("code", "ERR_TLS_HANDSHAKE_TIMEOUT");
  });
});

describe("listening on a Unix socket", () => {
  test("the file is there while it listens, and gone after close", async () => {
    const path = newFolder();
    const listener = await listening({ path });
    expect(listener.address).toEqual({ host: undefined, port: undefined, path });
    expect(lstatSync(path).isSocket()).toBe(true);
    await listener.close();
    expect(existsSync(path)).toBe(false);
  });

  test("a file that nobody listens on any more is replaced", async () => {
    const path = newFolder();
    await staleSocket(path);
    expect(existsSync(path)).toBe(true);
    expect(await failing({ path })).toMatchObject({ code: "listen/address-in-use" });
    await listening({ path, removeStaleSocket: removeSocketFile });
    (await dialed({ host: "localhost", port: 80, unixSocket: path })).destroy();
  });

  test("a file that somebody listens on stays theirs", async () => {
    const path = newFolder();
    await listening({ path });
    const error = await failing({ path, removeStaleSocket: removeSocketFile });
    expect(error).toMatchObject({ code: "listen/address-in-use" });
    (await dialed({ host: "localhost", port: 80, unixSocket: path })).destroy();
  });

  test("a file that is no socket is never removed", async () => {
    const path = newFolder();
    writeFileSync(path, "precious");
    const error = await failing({ path, removeStaleSocket: removeSocketFile });
    expect(error).toMatchObject({ code: "listen/address-in-use" });
    expect(lstatSync(path).isFile()).toBe(true);
  });
});
