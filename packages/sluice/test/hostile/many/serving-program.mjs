/** One side of `many-connections.long.test.ts`: our server, from `dist`. Prints its port; `memory` on the standard input is answered with a line. */
import { createInterface } from "node:readline";
import { Application } from "../../../dist/server.js";

const app = new Application({ keepAliveTimeout: 600_000, maxConnections: 20_000 });
app.get("/hello", () => "hello");
const server = await app.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
console.log(new URL(server.url).port);

for await (const line of createInterface({ input: process.stdin })) {
  if (line !== "state") continue;
  globalThis.gc?.();
  console.log(JSON.stringify({ open: server.connections.open, rss: process.memoryUsage().rss }));
}
await server.close({ grace: 0 });
