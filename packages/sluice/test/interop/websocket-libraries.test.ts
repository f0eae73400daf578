/**
 * Other people's libraries on the class that `webSocketFor` makes. socket.io's client, as in browsers, takes the `WebSocket` there is when it is
 * loaded; its server is the peer, which knows nothing of it.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import { webSocketFor } from "../../src/client/websocket/whatwg/websocket-for.js";
import { patternBytes } from "./origin-application.js";

const FAST = 200;
const LARGE = 1_000_000;

const session = new ClientSession({ auth: { bearer: "of-the-session" }, timeout: 15_000 });
let opened = 0;

let library: typeof import("socket.io-client");
beforeAll(async () => {
  const SessionSocket = webSocketFor(session);
  const counted = class extends SessionSocket {
    constructor(url: string | URL, protocols?: string | readonly string[]) {
      super(url, protocols);
      // In Node socket.io asks for "nodebuffer", which is no type of the standard's: it is passed over, and Blobs would come.
      this.binaryType = "arraybuffer";
      opened += 1;
    }
  };
  vi.stubGlobal("WebSocket", counted);
  library = await import("socket.io-client");
});

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

/** A server that gives back what it is told, and its address. */
async function startedServer(): Promise<{ readonly url: string; readonly server: Server }> {
  const http = createServer();
  const server = new Server(http, { transports: ["websocket"], maxHttpBufferSize: 2 * LARGE });
  server.on("connection", (socket) => {
    socket.on("echo", (value: unknown, answer: (value: unknown) => void) => answer(value));
    socket.on("note", (text: string) => socket.emit("note", text));
    socket.on("token", (answer: (value: unknown) => void) => answer(socket.handshake.headers.authorization));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  closings.push(() => server.close());
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`, server };
}

/** On our class, and on no other transport. */
function connect(url: string) {
  const { io, WebSocket } = library;
  const client = io(url, { transports: [WebSocket], reconnectionDelay: 1, forceNew: true });
  closings.push(() => client.close());
  return client;
}

test("socket.io: texts, bytes and many at once go both ways, with the session's credentials", async () => {
  const before = opened;
  const client = connect((await startedServer()).url);
  expect(await client.emitWithAck("token")).toBe("Bearer of-the-session");
  expect(await client.emitWithAck("echo", { text: "ünïcödé ✓ 🙂", list: [1, null] })).toEqual({
    text: "ünïcödé ✓ 🙂",
    list: [1, null],
  });
  for (const size of [0, 1, 125, 126, 65_536, LARGE]) {
    const bytes = Buffer.from(patternBytes(size));
    const back: ArrayBuffer | Buffer = await client.emitWithAck("echo", bytes);
    expect(Buffer.compare(Buffer.from(back as ArrayBuffer), bytes), `${size} bytes`).toBe(0);
  }
  const notes: string[] = [];
  const all = new Promise<void>((resolve) => {
    client.on("note", (text: string) => {
      notes.push(text);
      if (notes.length === FAST) resolve();
    });
  });
  for (let at = 0; at < FAST; at += 1) client.emit("note", `note ${at}`);
  await all;
  expect(notes).toEqual(Array.from({ length: FAST }, (_, at) => `note ${at}`));
  expect(opened - before).toBe(1);
});

test("socket.io: connects again by itself, and says why it ended", async () => {
  const { url, server } = await startedServer();
  const client = connect(url);
  await client.emitWithAck("token");
  const ending = new Promise<string>((resolve) => client.once("disconnect", resolve));
  const before = opened;
  for (const { conn } of server.sockets.sockets.values()) conn.transport.close();
  expect(await ending).toBe("transport close");
  expect(await client.emitWithAck("echo", "again")).toBe("again");
  expect(opened - before).toBe(1);
});
