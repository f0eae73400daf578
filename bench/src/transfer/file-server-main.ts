/**
 * The server that downloads are measured against: node:http, a file of zeros with ranges and a strong tag, and, if it is told so, no more
 * than so many bytes a second on each connection.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { serveOrders } from "../harness/serve-orders.js";

/** What the process can be told. */
export interface FileServerOrders {
  listen(order: {
    readonly size: number;
    /** Bytes a second and connection; 0 for no limit. */
    readonly rate: number;
  }): Promise<{ readonly url: string }>;
}

const PIECE = Buffer.alloc(256 * 1024);
/** A limited connection gets its bytes so often. */
const TICK_MS = 20;

serveOrders<FileServerOrders>({
  listen: ({ size, rate }) =>
    new Promise((resolve) => {
      const server = createServer({ noDelay: true }, (request, response) => {
        const left = writeHead(request, response, size);
        if (rate === 0) sendAll(response, left);
        else sendSlowly(response, left, (rate * TICK_MS) / 1_000);
      });
      server.listen(0, "127.0.0.1", () => {
        resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin` });
      });
    }),
});

/** Gives the bytes that the body has. */
function writeHead(request: IncomingMessage, response: ServerResponse, size: number): number {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const first = Number(match?.[1] ?? 0);
  const last = match?.[2] ? Math.min(Number(match[2]), size - 1) : size - 1;
  const length = last - first + 1;
  const fields = { etag: '"bench"', "accept-ranges": "bytes", "content-length": length };
  if (match === null) response.writeHead(200, fields);
  else response.writeHead(206, { ...fields, "content-range": `bytes ${first}-${last}/${size}` });
  return length;
}

function sendAll(response: ServerResponse, length: number): void {
  for (let left = length; left > 0; ) {
    const piece = left >= PIECE.byteLength ? PIECE : PIECE.subarray(0, left);
    left -= piece.byteLength;
    if (response.write(piece)) continue;
    response.once("drain", () => sendAll(response, left));
    return;
  }
  response.end();
}

function sendSlowly(response: ServerResponse, length: number, bytesPerTick: number): void {
  let left = length;
  const started = performance.now();
  let due = 0;
  const timer = setInterval(() => {
    // By the clock, and not by the count of ticks, which come late on a busy machine.
    due = Math.min(length, ((performance.now() - started) / TICK_MS) * bytesPerTick);
    for (let sent = length - left; sent < due && response.writableLength < PIECE.byteLength; sent = length - left) {
      const piece = PIECE.subarray(0, Math.min(PIECE.byteLength, Math.ceil(due - sent)));
      left -= piece.byteLength;
      response.write(piece);
    }
    if (left > 0) return;
    clearInterval(timer);
    response.end();
  }, TICK_MS);
  response.on("close", () => clearInterval(timer));
}
