/** Clients that ask and do not read: what each can make a server hold is bounded, whatever the kind of answer. */
import { Readable } from "node:stream";
import { afterEach, expect, test } from "vitest";
import type { Application } from "../../src/server/application.js";
import { reply, type StreamSource } from "../../src/server/reply-kinds.js";
import { heldBytes } from "./held-bytes.js";
import { endAll, eventually, hosted, rawTo, stillServes } from "./hostile-places.js";

const KIB = 1024;
/** The transport's high-water mark, a piece on its way, one that is awaited, and what Node keeps of a socket. */
const MOST_HELD_BYTES = 256 * KIB;
const CLIENTS = 32;

let produced = 0;

/** Each piece is memory of its own, so that what is held can be measured. */
function piece(): Buffer {
  produced += 1;
  return Buffer.alloc(16 * KIB, 120);
}

async function* generated(): AsyncGenerator<Buffer> {
  while (true) yield piece();
}

const SOURCES: Readonly<Record<string, () => StreamSource>> = {
  generator: generated,
  node: () =>
    new Readable({
      read() {
        this.push(piece());
      },
    }),
  web: () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(piece());
      },
    }) as unknown as StreamSource,
};

function routes(app: Application): void {
  app.get("/fine", () => "fine");
  app.get("/stream/:kind", (request) => reply.stream(SOURCES[request.params.kind]?.() ?? generated()));
  app.get("/events", () =>
    reply.sse(async function* () {
      while (true) yield piece().toString("latin1");
    }),
  );
}

afterEach(async () => {
  expect(await endAll()).toEqual({ deadlines: 0 });
});

test.each(["/stream/generator", "/stream/node", "/stream/web", "/events"])(
  "thirty-two of them on %s: each holds no more than a few pieces, until sendTimeout lets them go",
  async (path) => {
    const host = await hosted(routes, { sendTimeout: 3_000 });
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => rawTo(host)));
    const before = await heldBytes();
    produced = 0;
    for (const client of clients) {
      client.socket.pause();
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    }
    for (let last = -1; produced !== last || produced < CLIENTS; ) {
      last = produced;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(((await heldBytes()) - before) / CLIENTS).toBeLessThan(MOST_HELD_BYTES);
    expect(await stillServes(host)).toBe(true);
    await eventually(() => host.server.connections.open === 0);
    expect(host.errors).toEqual([]);
  },
);
