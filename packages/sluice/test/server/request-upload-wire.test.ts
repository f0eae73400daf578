/** Uploads on real connections: what becomes of the connection and of temporary files when somebody stops in the middle. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import type { ApplicationOptions } from "../../src/server/options.js";
import type { Server } from "../../src/server/server.js";
import { field, file, parts } from "./form-setup.js";
import { RawClient } from "./raw-client.js";

const SMALL = parts(field("a", "1"), file("f", "x", "x".repeat(100)), field("b", "2"));
const HUGE = parts(field("a", "1"), file("f", "x", "x".repeat(3_000_000)), field("b", "2"));
const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
});
afterEach(async () => {
  await server?.close({ grace: 0 });
  rmSync(folder, { recursive: true, force: true });
});

const stored = () => readdirSync(folder, { recursive: true }).map(String);

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 5 }).toBe(true);
}

async function serve(routes: (app: Application) => void, options: ApplicationOptions = {}): Promise<RawClient> {
  const app = new Application({ onError: () => undefined, maxBodySize: 10_000_000, ...options });
  app.get("/next", () => "the next answer");
  routes(app);
  server = await app.listen({ port: 0, host: "127.0.0.1" });
  return RawClient.to(server);
}

function post(client: RawClient, form: { type: string; bytes: Uint8Array }, sent = form.bytes.length): void {
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${form.type}\r\nContent-Length: ${form.bytes.length}\r\n\r\n`;
  client.send(head);
  client.socket.write(form.bytes.subarray(0, sent));
}

describe("parts that nobody reads", () => {
  test.each(["at all", "after the first"])(
    "%s are let pass where they are few, and the connection goes on",
    async (which) => {
      const client = await serve((app) => {
        app.post("/", async (request) => {
          if (which === "at all") return "done";
          for await (const part of request.multipart()) return part.name ?? null;
          return null;
        });
      });
      post(client, SMALL);
      client.send(NEXT);
      expect(await client.untilReceived("the next answer")).not.toMatch(/connection: close/i);
    },
  );

  test.each(["at all", "after the first"])(
    "%s end the connection after the answer where they are many",
    async (which) => {
      const client = await serve((app) => {
        app.post("/", async (request) => {
          if (which === "at all") return "done";
          for await (const part of request.multipart()) return part.name ?? null;
          return null;
        });
      });
      post(client, HUGE, 100_000);
      expect(await client.untilReceived("HTTP/1.1 200 OK")).toMatch(/connection: close/i);
      await client.until(({ ended }) => ended);
    },
  );

  test("do not keep a handler waiting that has thrown in the middle of one", async () => {
    const client = await serve((app) => {
      app.post("/", async (request) => {
        for await (const part of request.multipart()) {
          if (part.isField) continue;
          for await (const _piece of part) throw new HttpError(409);
        }
        return null;
      });
    });
    post(client, HUGE, 100_000);
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1\.1 409 /);
  });
});

describe("temporary storage", () => {
  const collect = (app: Application) =>
    app.post("/", async (request) => {
      const form = await request.formData({ maxMemory: 10, temporaryFolder: folder });
      return String(form.files[0]?.size);
    });

  test("is gone once the answer is sent", async () => {
    const client = await serve(collect);
    post(client, HUGE);
    expect(await client.untilReceived("3000000")).toMatch(/^HTTP\/1\.1 200 /);
    await until(() => stored().length === 0);
  });

  test("is gone when the client goes away in the middle of a file", async () => {
    const client = await serve(collect);
    post(client, HUGE, 1_500_000);
    await until(() => stored().length === 2);
    client.socket.resetAndDestroy();
    await until(() => stored().length === 0);
  });

  test("is gone when the client goes away while the handler is at work on it", async () => {
    let goOn: (() => void) | undefined;
    const client = await serve((app) => {
      app.post("/", async (request) => {
        await request.formData({ maxMemory: 10, temporaryFolder: folder });
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        return "late";
      });
    });
    post(client, HUGE);
    await until(() => goOn !== undefined);
    client.socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(stored()).toHaveLength(2);
    goOn?.();
    await until(() => stored().length === 0);
  });

  test("is gone when the upload is too slow, and the client is told", async () => {
    const client = await serve(collect, { receiveTimeout: 300 });
    post(client, HUGE, 1_500_000);
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1\.1 408 /);
    await until(() => stored().length === 0);
  });
});

test("a coded body that is refused in the middle leaves the connection in a defined state", async () => {
  const client = await serve(
    (app) => {
      app.post("/", async (request) => request.text());
    },
    { maxBodySize: 1_000 },
  );
  const bomb = gzipSync(Buffer.alloc(500_000));
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`);
  client.socket.write(bomb);
  client.send(NEXT);
  const received = await client.untilReceived("the next answer");
  expect(received).toMatch(/^HTTP\/1\.1 413 /);
});
