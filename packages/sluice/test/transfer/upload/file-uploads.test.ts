/** A file on its way: through memory that is used again and again, past receivers that are slow, while others write to it. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { ClientSession } from "../../../src/client/session.js";
import { startUpload, upload } from "../../../src/transfer/upload/upload-task.js";
import { AUTHORITY, SERVER } from "../../net/certificates.js";
import { Desk } from "./upload-setup.js";

const MIB = 1024 * 1024;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Takes a body as `take` does, and answers with the digest of what came. */
async function listening(
  take: (request: IncomingMessage, digest: ReturnType<typeof createHash>) => Promise<void>,
  tls = false,
): Promise<{ url: string; digests: string[]; [Symbol.asyncDispose](): Promise<void> }> {
  const digests: string[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const digest = createHash("sha256");
    try {
      await take(request, digest);
    } catch {
      // The client has left, as the test wanted.
      return;
    }
    digests.push(digest.digest("hex"));
    response.writeHead(201).end();
  };
  const server = tls ? createTlsServer(SERVER, serve) : createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: tls ? `https://localhost:${port}/a` : `http://127.0.0.1:${port}/a`,
    digests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function takeAll(request: IncomingMessage, digest: ReturnType<typeof createHash>): Promise<void> {
  for await (const piece of request) digest.update(piece as Buffer);
}

/** Stands still now and then, so that the connection fills up and drains in all kinds of places. */
async function takeInFits(request: IncomingMessage, digest: ReturnType<typeof createHash>): Promise<void> {
  let count = 0;
  for await (const piece of request) {
    digest.update(piece as Buffer);
    count += 1;
    if (count % 97 === 0) await pause(count % 5);
  }
}

const digestOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

describe("a file that is uploaded arrives byte for byte, through memory that is used again", () => {
  test.each([
    ["a quick receiver", takeAll],
    ["one that stands still now and then", takeInFits],
  ])("to %s", async (_, take) => {
    await using place = await listening(take);
    await using desk = new Desk();
    const path = desk.file("a.bin", 24 * MIB + 12_345);
    const result = await upload(desk.session, place.url, path, desk.options({ protocol: "put" }));
    expect(result.size).toBe(24 * MIB + 12_345);
    expect(place.digests).toEqual([digestOf(path)]);
  });

  test("over TLS", async () => {
    await using place = await listening(takeInFits, true);
    await using desk = new Desk();
    await using session = new ClientSession({ connector: { tls: { ca: AUTHORITY } } });
    const path = desk.file("a.bin", 9 * MIB + 1);
    await upload(session, place.url, path, desk.options({ protocol: "put" }));
    expect(place.digests).toEqual([digestOf(path)]);
  });

  test("again after a connection was lost in the middle", async () => {
    let lost = 0;
    await using place = await listening(async (request, digest) => {
      if (lost > 0) return takeAll(request, digest);
      lost += 1;
      for (let cameBytes = 0; cameBytes < 5 * MIB; ) {
        await once(request, "readable");
        cameBytes += (request.read() as Buffer | null)?.length ?? 0;
      }
      request.socket.destroy();
      throw new Error("lost");
    });
    await using desk = new Desk();
    const path = desk.file("a.bin", 16 * MIB);
    await upload(desk.session, place.url, path, desk.options({ protocol: "put" }));
    expect(place.digests).toEqual([digestOf(path)]);
  });
});

describe("a receiver that takes nothing", () => {
  test("bounds what is read: the file waits on the disk, not in memory", async () => {
    await using place = await listening(() => new Promise(() => undefined));
    await using desk = new Desk();
    const path = desk.file("a.bin", 64 * MIB);
    const before = process.memoryUsage().arrayBuffers;
    const controller = new AbortController();
    const options = desk.options({ protocol: "put", signal: controller.signal, stallTimeout: 60_000 });
    const sending = startUpload(desk.session, place.url, path, options);
    sending.result.catch(() => undefined);
    let position = -1;
    while (sending.progress.transferred !== position || position <= 0) {
      position = sending.progress.transferred;
      await pause(100);
    }
    // Two buffers of 2 MiB; the rest of the room is for the tests that run beside this one.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB);
    expect(position).toBeLessThan(64 * MIB);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(sending.result).rejects.toBe(reason);
  });
});

describe("a file that is changed while it is sent is given up", () => {
  test.each<[string, (path: string) => void]>([
    ["shortened", (path) => truncateSync(path, 100)],
    ["lengthened", (path) => appendFileSync(path, "more")],
    ["written anew, as long as before", (path) => writeFileSync(path, Buffer.alloc(48 * MIB))],
  ])("%s", async (_, change) => {
    await using desk = new Desk();
    const path = desk.file("a.bin", 48 * MIB);
    let changed = false;
    let cameBytes = 0;
    await using place = await listening(async (request) => {
      for await (const piece of request) {
        cameBytes += (piece as Buffer).length;
        if (changed) continue;
        changed = true;
        change(path);
      }
    });
    const sending = upload(desk.session, place.url, path, desk.options({ protocol: "put" }));
    await expect(sending).rejects.toMatchObject({ code: "upload/changed" });
    expect(cameBytes).toBeLessThan(48 * MIB);
    expect(desk.told()).toEqual([]);
    expect(place.digests).toEqual([]);
  });
});
