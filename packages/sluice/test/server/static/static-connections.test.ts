import { existsSync, readdirSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { reply } from "../../../src/server/reply-kinds.js";
import type { Server } from "../../../src/server/server.js";
import { RawClient } from "../raw-client.js";
import { laterClock, makeFolder, removeFolders } from "./static-setup.js";

/** More than all the buffers between a server and a client that does not read. */
const HUGE = 64 * 1024 * 1024;
const GET_HUGE = "GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n";

let folder: string;
let server: Server;
let errors: unknown[];

beforeEach(async () => {
  errors = [];
  folder = makeFolder({ "small.txt": "0123456789".repeat(100), "huge.bin": "" });
  // A file with a hole is as large as any, and quickly made.
  truncateSync(join(folder, "huge.bin"), HUGE);
  const app = new Application({ onError: (error) => errors.push(error) }).static("/", folder);
  app.get("/alone", () => reply.file(join(folder, "huge.bin")));
  server = await app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await server.close({ grace: 0 });
  removeFolders();
});

function openFiles(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}

/** A client that has asked, has the beginning of the answer, and reads no further. */
async function stalled(request = GET_HUGE): Promise<RawClient> {
  const client = await RawClient.to(server);
  client.send(request);
  await client.untilReceived("\r\n\r\n");
  client.socket.pause();
  return client;
}

describe("files on a connection", () => {
  test("come whole, one after the other, over the same connection", async () => {
    const client = await RawClient.to(server);
    const get = "GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(
      get + get.replace("GET", "HEAD") + get.replace("\r\n\r\n", "\r\nRange: bytes=0-4\r\nConnection: close\r\n\r\n"),
    );
    const received = await client.untilClosed();
    const [first = "", second = "", third = ""] = received.split(/(?=HTTP\/1\.1 )/);
    expect(first).toMatch(/^HTTP\/1\.1 200 [\s\S]*Content-Length: 1000\r\n\r\n(?:0123456789){100}$/);
    expect(second).toMatch(/^HTTP\/1\.1 200 [\s\S]*Content-Length: 1000\r\n\r\n$/);
    expect(third).toMatch(/^HTTP\/1\.1 206 [\s\S]*Content-Length: 5\r\n[\s\S]*\r\n\r\n01234$/);
  });

  test.each<[string, (path: string) => void, string]>([
    ["truncated", (path) => truncateSync(path, 1_000), "file/truncated"],
    ["written over in place", (path) => writeFileSync(path, "x", { flag: "r+" }), "file/changed"],
  ])(
    "%s while they are sent break the connection off: the length that was promised is never reached",
    async (_how, change, code) => {
      const client = await stalled();
      const path = join(folder, "huge.bin");
      change(path);
      // By the clock of the machine: a write within the tick of the first one would not show.
      utimesSync(path, new Date(), new Date(Date.now() + 5_000));
      let received = client.received.length;
      client.socket.removeAllListeners("data");
      client.socket.on("data", (bytes) => {
        received += bytes.length;
      });
      client.socket.resume();
      await client.untilClosed();
      expect(client.received).toContain(`Content-Length: ${HUGE}\r\n`);
      expect(received).toBeLessThan(HUGE);
      expect(errors).toMatchObject([{ code }]);
    },
  );

  test.each([
    GET_HUGE,
    GET_HUGE.replace("/huge.bin", "/alone"),
    GET_HUGE.replace("\r\n\r\n", "\r\nRange: bytes=1-,0-0\r\n\r\n"),
  ])("%j: are closed when the client goes away, and nobody is told of an error", async (request) => {
    const before = openFiles();
    const clients = await Promise.all([stalled(request), stalled(request)]);
    for (const client of clients) client.socket.destroy();
    await expect.poll(openFiles).toBeLessThanOrEqual(before);
    expect(errors).toEqual([]);
  });

  test("are read no further than the client takes them", async () => {
    const before = process.memoryUsage().arrayBuffers;
    const clients = await Promise.all(Array.from({ length: 8 }, () => stalled()));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 4 * 1024 * 1024);
    for (const client of clients) client.socket.destroy();
  });
});

describe("files of a mounted application", () => {
  test("stand below its prefix, parameters of the prefix or not", async () => {
    const inner = new Application().static("/files", folder);
    const app = new Application({ clock: laterClock() }).mount("/tenants/:tenant", inner);
    const own = await app.listen({ host: "127.0.0.1", port: 0 });
    try {
      const whole = await fetch(`${own.url}/tenants/a/files/small.txt`);
      expect((await whole.text()).length).toBe(1_000);
      const redirect = await fetch(`${own.url}/tenants/a/files?x=1`, { redirect: "manual" });
      expect([redirect.status, redirect.headers.get("location")]).toEqual([301, "./files/?x=1"]);
    } finally {
      await own.close({ grace: 0 });
    }
  });
});
