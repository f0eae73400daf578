/** The chat as a program: `node examples/dist/chat/main.js --port 8080 --data ./chat-data`. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chatApp } from "./chat-app.js";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8080" },
    host: { type: "string", default: "127.0.0.1" },
    data: { type: "string", default: "chat-data" },
  },
});
mkdirSync(values.data, { recursive: true });
const app = await chatApp({
  rooms: ["Lobby", "Kitchen", "Library"],
  logFile: join(values.data, "messages.jsonl"),
  secret: secretIn(join(values.data, "secret")),
});
const server = await app.listen({ port: Number(values.port), host: values.host, signals: true });
console.log(`Chat on ${server.url}`);

/** Made at the first start: cookies stay good after the next. */
function secretIn(path: string): string {
  try {
    writeFileSync(path, randomBytes(32).toString("hex"), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return readFileSync(path, "utf8");
}
