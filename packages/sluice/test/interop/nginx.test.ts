/** nginx in front of our server as its reverse proxy, and as the origin that our client talks to. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";
import { converse, newSession } from "./client-conversation.js";
import { NGINX_LARGE as LARGE, startedNginx } from "./nginx-process.js";
import { GREETING, originApplication, patternBytes, sha256, streamedText } from "./origin-application.js";
import { isAbsent, nginx } from "./peer-process.js";
import { closeAll, SCHEMES, serveOn } from "./places.js";

const TEXT = streamedText(2_000);

afterAll(closeAll);

describe.skipIf(isAbsent(nginx)).each(SCHEMES)("nginx over %s", (scheme) => {
  describe("as the origin of our client", () => {
    let url: string;

    beforeAll(async () => {
      const gzip = "location /text.txt { gzip on; gzip_types *; gzip_http_version 1.1; }";
      url = await startedNginx(scheme, `keepalive_requests 5; ${gzip}`);
    });

    test("static files arrive whole, plain and compressed in chunks", async () => {
      const session = newSession();
      expect(sha256(await session.get(`${url}/bytes`).bytes())).toBe(sha256(patternBytes(LARGE)));
      const text = await session.get(`${url}/text.txt`);
      expect([text.contentEncoding, text.headers.get("transfer-encoding")]).toEqual(["gzip", "chunked"]);
      expect(await text.text()).toBe(TEXT);
      expect((await session.head(`${url}/bytes`)).headers.get("content-length")).toBe(String(LARGE));
      const known = await session.get(`${url}/hello.txt`);
      const unchanged = await session.get(`${url}/hello.txt`, {
        headers: { "If-None-Match": known.headers.get("etag") ?? "" },
      });
      expect([unchanged.status, await unchanged.text()]).toEqual([304, ""]);
      await known.text();
      const missing = await session.get(`${url}/missing`);
      expect(missing.status).toBe(404);
      await missing.text();
      await session.close();
    });

    test("its end of a connection after five requests is none of the caller's business", async () => {
      const session = newSession(2);
      const texts: string[] = [];
      for (let index = 0; index < 40; index += 1) texts.push(await session.get(`${url}/hello.txt?${index}`).text());
      expect(new Set(texts)).toEqual(new Set([GREETING]));
      const all = Array.from({ length: 60 }, (_, index) => session.get(`${url}/hello.txt?${index}`).text());
      expect(new Set(await Promise.all(all))).toEqual(new Set([GREETING]));
      await session.close();
    });
  });

  describe("as the reverse proxy of our server", () => {
    test("everything gets through it, kept connections and chunks included", async () => {
      const origin = await serveOn("http", originApplication());
      const proxied = `proxy_pass http://127.0.0.1:${origin.port}; proxy_http_version 1.1; proxy_set_header Connection "";
        proxy_request_buffering off; proxy_buffering off; proxy_buffer_size 16k; proxy_buffers 8 16k;`;
      const url = await startedNginx(scheme, `location / { ${proxied} }`);
      await converse(url);
    });

    test("a proxy that speaks HTTP/1.0 to us, as nginx does by itself, gets bodies until the end of the connection", async () => {
      const origin = await serveOn("http", originApplication());
      const url = await startedNginx(scheme, `location / { proxy_pass http://127.0.0.1:${origin.port}; }`);
      const session = newSession();
      expect(await session.get(`${url}/stream/2000`).text()).toBe(TEXT);
      expect(sha256(await session.get(`${url}/bytes/${LARGE}`).bytes())).toBe(sha256(patternBytes(LARGE)));
      const echo = await session.post(`${url}/echo`, { body: patternBytes(LARGE) }).json();
      expect(echo).toMatchObject({ length: LARGE, contentLength: String(LARGE) });
      await session.close();
    });

    test("what it forwards about the client is believed when we trust it", async () => {
      const app = new Application({ trustProxy: ["127.0.0.0/8"] });
      app.get("/who", (request) => reply.json({ address: request.remoteAddress, url: request.url.href }));
      const origin = await serveOn("http", app);
      const forwarded = `proxy_set_header X-Forwarded-For $http_x_client; proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;`;
      const url = await startedNginx(scheme, `location / { proxy_pass http://127.0.0.1:${origin.port}; ${forwarded} }`);
      const session = newSession();
      const seen = await session.get(`${url}/who?q=1`, { headers: { "X-Client": "203.0.113.9" } }).json();
      expect(seen).toEqual({ address: "203.0.113.9", url: `${url}/who?q=1` });
      await session.close();
    });
  });
});
