/**
 * The servers that uploads are measured against: node:http, which counts what comes and can take its digest, for all clients alike; and
 * our own `uploads()`, whose memory is measured while it receives.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Application, uploads } from "sluice/server";
import { serveOrders } from "../harness/serve-orders.js";

/** What the process can be told. */
export interface ReceiverOrders {
  /** Counts what is sent to it, and throws it away. */
  listen(order: undefined): Promise<{ readonly url: string }>;
  /** Keeps what is sent to it in a folder. */
  keep(order: { readonly directory: string }): Promise<{ readonly url: string }>;
  /** Whether the digest of what comes is to be taken from now on. */
  digest(order: { readonly wanted: boolean }): Promise<void>;
  /** What came last; the digest is in hexadecimal. */
  received(order: undefined): Promise<{ readonly bytes: number; readonly digest: string | undefined }>;
  /** Megabytes that the process has had at the most, and the CPU milliseconds that it has taken. */
  taken(order: undefined): Promise<{ readonly peak: number; readonly cpu: number }>;
}

const KIB = 1024;
let wanted = false;
let last: { bytes: number; digest: string | undefined } = { bytes: 0, digest: undefined };

serveOrders<ReceiverOrders>({
  listen: () =>
    new Promise((resolve) => {
      const server = createServer((request, response) => {
        const hash = wanted ? createHash("sha256") : undefined;
        let bytes = 0;
        request.on("data", (piece: Buffer) => {
          bytes += piece.byteLength;
          hash?.update(piece);
        });
        request.on("end", () => {
          last = { bytes, digest: hash?.digest("hex") };
          response.writeHead(201, { "content-length": 0 }).end();
        });
      });
      server.listen(0, "127.0.0.1", () => {
        resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin` });
      });
    }),

  keep: async ({ directory }) => {
    const app = new Application();
    app.mount("/files", uploads({ directory }));
    const server = await app.listen({ port: 0, host: "127.0.0.1" });
    return { url: `${server.url}/files` };
  },

  digest: async (order) => {
    wanted = order.wanted;
  },

  received: async () => last,

  taken: async () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    return { peak: (maxRSS * KIB) / 1_000_000, cpu: (userCPUTime + systemCPUTime) / 1_000 };
  },
});
