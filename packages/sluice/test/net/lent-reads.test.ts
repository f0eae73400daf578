/** Accepted sockets that read into a lent buffer, and those that cannot. */

import { once } from "node:events";
import { type AddressInfo, createServer, connect as netConnect, type Server, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lendReadBuffer } from "../../src/net/lent-reads.js";

const ROOM = 16;

describe.skipIf(process.platform === "win32")("a lent read buffer", () => {
  let server: Server;
  let client: Socket;
  let socket: Socket;
  /** What each read brought. */
  let reads: string[];
  let buffer: Buffer;
  let goOn: boolean;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const accepted = once(server, "connection");
    client = netConnect((server.address() as AddressInfo).port, "127.0.0.1");
    [socket] = await accepted;
    [reads, buffer, goOn] = [[], Buffer.alloc(ROOM), true];
  });
  afterEach(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });

  const onRead = function (this: Socket, byteCount: number): boolean {
    expect(this).toBe(socket);
    reads.push(buffer.toString("latin1", 0, byteCount));
    return goOn;
  };
  const lent = () => lendReadBuffer(socket, buffer, onRead);

  test("is filled by each read, which takes no more than it holds, and no data event tells of it", async () => {
    expect(lent()).toBe(true);
    let events = 0;
    socket.on("data", () => {
      events += 1;
    });
    client.write("x".repeat(ROOM + 1));
    await expect.poll(() => reads.join("").length).toBe(ROOM + 1);
    expect(reads[0]).toHaveLength(ROOM);
    expect(events).toBe(0);
  });

  test("is not filled while the socket is paused, nor after a read that said so", async () => {
    expect(lent()).toBe(true);
    socket.pause();
    client.write("first");
    await new Promise(setImmediate);
    expect(reads).toEqual([]);
    goOn = false;
    socket.resume();
    await expect.poll(() => reads).toEqual(["first"]);
    client.write("second");
    await new Promise(setImmediate);
    expect(reads).toEqual(["first"]);
    socket.resume();
    await expect.poll(() => reads).toEqual(["first", "second"]);
  });

  test("leaves the end of the stream where it was", async () => {
    expect(lent()).toBe(true);
    const ended = once(socket, "end");
    socket.resume();
    client.end("last");
    await ended;
    expect(reads).toEqual(["last"]);
  });

  test("comes too late for bytes that have been read: the socket stays as it was", async () => {
    client.write("early");
    await once(socket, "readable");
    expect(lent()).toBe(false);
    expect(String(socket.read())).toBe("early");
  });

  test("is not had where sockets are not made as Node's are: nothing is changed", () => {
    const handle = { useUserBuffer: () => expect.unreachable() };
    const strange = Object.assign(Object.create(Socket.prototype), { _handle: handle });
    const before = Reflect.ownKeys(strange);
    expect(lendReadBuffer(strange, buffer, onRead)).toBe(false);
    expect(Reflect.ownKeys(strange)).toEqual(before);
    expect(lendReadBuffer(new Socket(), buffer, onRead)).toBe(false);
  });
});
