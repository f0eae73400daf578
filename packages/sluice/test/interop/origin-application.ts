/**
 * The server of ours that other programs talk to. The servers that our client talks to have the same paths and say the
 * same (`peers/`), so that one conversation serves all of them.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";

/** What `/echo` says of the request it got. */
export interface Echo {
  readonly method: string;
  readonly target: string;
  readonly length: number;
  readonly sha256: string;
  readonly contentLength: string | null;
  readonly transferEncoding: string | null;
  readonly cookie: string | null;
}

/** What `/stream/:count` sends: so many lines. */
export function streamedText(count: number): string {
  return Array.from({ length: count }, (_, index) => lineOf(index)).join("");
}

export function lineOf(index: number): string {
  return `line ${index} ${"x".repeat(index % 100)}\n`;
}

/** What `/bytes/:count` sends: nothing that compresses or repeats every 256 bytes. */
export function patternBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += 1) bytes[at] = (at * 31 + (at >> 8)) & 0xff;
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export const GREETING = "hello, wörld\n";

/** Routes: /hello, /echo, /bytes/:count, /stream/:count, /gzip, /nothing, /large-head, /refuse. */
export function originApplication(): Application {
  const app = new Application({ maxBodySize: 64 * 1024 * 1024, onError: (error) => unexpected.push(error) });
  app.get("/hello", () => reply.text(GREETING, { headers: { ETag: '"1"' } }));
  app.route(["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"], "/echo", async (request) => {
    const bytes = await request.bytes();
    const echo: Echo = {
      method: request.method,
      target: request.target,
      length: bytes.byteLength,
      sha256: sha256(bytes),
      contentLength: request.headers.get("content-length"),
      transferEncoding: request.headers.get("transfer-encoding"),
      cookie: request.headers.get("cookie"),
    };
    return reply.json(echo);
  });
  app.get("/bytes/:count", (request) => reply.bytes(patternBytes(Number(request.params.count))));
  app.get("/stream/:count", (request) => reply.stream(linesUpTo(Number(request.params.count)), { type: "text/plain" }));
  app.get("/gzip", () =>
    reply.bytes(gzipSync(streamedText(500)), { type: "text/plain", headers: { "Content-Encoding": "gzip" } }),
  );
  app.delete("/nothing", () => null);
  app.get("/large-head", () => reply.text("", { headers: { "X-Large": "v".repeat(6_000) } }));
  // Answers without reading the body.
  app.post("/refuse", () => reply.text("too much\n", { status: 413 }));
  return app;
}

/** What went wrong on the server's side; a test of well-behaved peers ends with it empty. */
export const unexpected: unknown[] = [];

async function* linesUpTo(count: number): AsyncGenerator<string> {
  for (let index = 0; index < count; index += 1) yield lineOf(index);
}
