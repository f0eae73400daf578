/** What docs/deployment.md has nginx do is done by nginx. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";
import { newSession } from "./client-conversation.js";
import { startedNginx } from "./nginx-process.js";
import { patternBytes, sha256 } from "./origin-application.js";
import { freePort, isAbsent, nginx } from "./peer-process.js";
import { closeAll, FILES, type Place, serveOn } from "./places.js";

const PAGE = readFileSync(fileURLToPath(new URL("../../../../docs/deployment.md", import.meta.url)), "utf8");

/** The page's configuration, with our ports and files in place of its own. */
function configuration(listenPort: number, applicationPort: number): string {
  const block = /```nginx\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? "";
  const replacements: readonly (readonly [string | RegExp, string])[] = [
    ["server 127.0.0.1:8080;", `server 127.0.0.1:${applicationPort};`],
    ["listen 443 ssl;", `listen 127.0.0.1:${listenPort} ssl;`],
    [/\/etc\/\S+fullchain\.pem/, FILES.certificate],
    [/\/etc\/\S+privkey\.pem/, FILES.key],
  ];
  let text = block;
  for (const [page, ours] of replacements) {
    const changed = text.replace(page, ours);
    expect(changed, `the page has ${String(page)}`).not.toBe(text);
    text = changed;
  }
  return text;
}

afterAll(closeAll);

describe.skipIf(isAbsent(nginx))("the nginx of the deployment guide", () => {
  let origin: Place;
  let url: string;

  beforeAll(async () => {
    const app = new Application({ trustProxy: ["127.0.0.1"], maxBodySize: 10 * 1024 * 1024 });
    app.get("/who", (request) => ({
      ...{ address: request.remoteAddress, protocol: request.protocol, host: request.host, id: request.id },
      forwarded: request.headers.get("forwarded"),
    }));
    app.post("/upload", async (request) => ({ sha256: sha256(await request.bytes()) }));
    app.get("/events", ({ signal }) => reply.stream(events(signal), { type: "text/event-stream" }));
    origin = await serveOn("http", app);
    const port = await freePort();
    await startedNginx("http", "", configuration(port, origin.port));
    url = `https://localhost:${port}`;
  });

  test("says who the client is, whatever the client says", async () => {
    const session = newSession();
    const headers = {
      "X-Forwarded-For": "203.0.113.9",
      "X-Forwarded-Host": "evil.example",
      Forwarded: "for=203.0.113.9",
    };
    const seen = await session.get(`${url}/who`, { headers }).json<Record<string, string>>();
    expect(seen).toMatchObject({ address: "127.0.0.1", protocol: "https", host: "localhost", forwarded: null });
    expect(seen["id"]).toMatch(/^[0-9a-f]{32}$/);
    await session.close();
  });

  test("keeps its connections to us, and carries uploads", async () => {
    const session = newSession(1);
    const body = patternBytes(3_000_000);
    const before = origin.server.connections.accepted;
    for (let round = 0; round < 10; round += 1) await session.get(`${url}/who`).text();
    expect(await session.post(`${url}/upload`, { body }).json()).toEqual({ sha256: sha256(body) });
    expect(origin.server.connections.accepted - before).toBeLessThanOrEqual(1);
    await session.close();
  });

  test("lets events through as they come", async () => {
    const session = newSession();
    const response = await session.get(`${url}/events`);
    for await (const { data } of response.events()) {
      expect(data).toBe("first");
      break; // The stream has not ended, and would not.
    }
    await session.close();
  });
});

async function* events(signal: AbortSignal): AsyncGenerator<string> {
  yield "data: first\n\n";
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
}
