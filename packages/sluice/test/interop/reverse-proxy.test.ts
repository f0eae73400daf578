/** Proxies in front of servers: nginx in front of ours, our proxy in front of ours, of nginx and of Node's, and programs that go through it. */

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type IncomingMessage, request as requestNode } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import { proxy } from "../../src/proxy/reverse-proxy.js";
import { Application } from "../../src/server/application.js";
import { converse, newSession } from "./client-conversation.js";
import { NGINX_LARGE, startedNginx } from "./nginx-process.js";
import {
  type Echo,
  GREETING,
  originApplication,
  patternBytes,
  sha256,
  streamedText,
  unexpected,
} from "./origin-application.js";
import { curl, isAbsent, nginx, output } from "./peer-process.js";
import { atEnd, closeAll, type Place, serveOn } from "./places.js";
import { proxyOn } from "./proxy-place.js";

const LARGE = 1_500_000;

afterAll(closeAll);

describe.skipIf(isAbsent(nginx))("nginx in front of our server", () => {
  const passing = "proxy_request_buffering off; proxy_buffering off; proxy_buffer_size 16k; proxy_buffers 8 16k;";

  test("with keep-alive its connections are used again", async () => {
    const origin = await serveOn("http", originApplication());
    const upstream = `upstream origin { server 127.0.0.1:${origin.port}; keepalive 4; }`;
    const location = `location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }`;
    const url = await startedNginx("http", location, upstream);
    const session = newSession(1);
    for (let index = 0; index < 20; index += 1) expect(await session.get(`${url}/hello`).text()).toBe(GREETING);
    expect(origin.server.connections).toMatchObject({ accepted: 1, open: 1 });
    await session.close();
  });

  test("with Connection: close each request has its own, and none is left", async () => {
    const origin = await serveOn("http", originApplication());
    const location = `location / { proxy_pass http://127.0.0.1:${origin.port}; proxy_http_version 1.1;
      proxy_set_header Connection close; ${passing} }`;
    const url = await startedNginx("http", location);
    await converse(url);
    // What a conversation asks for, at the least.
    expect(origin.server.connections.accepted).toBeGreaterThan(70);
    await expect.poll(() => origin.server.connections.open).toBe(0);
    expect(unexpected).toEqual([]);
  });
});

test("our proxy in front of our server, TLS before it, carries everything", async () => {
  const origin = await serveOn("http", originApplication());
  const place = await proxyOn("https", origin.url);
  await converse(place.url);
  expect(unexpected).toEqual([]);
});

describe.skipIf(isAbsent(nginx))("our proxy in front of nginx", () => {
  let place: Place;

  beforeAll(async () => {
    const gzip = "location /text.txt { gzip on; gzip_types *; gzip_http_version 1.1; gzip_proxied any; }";
    place = await proxyOn("http", await startedNginx("http", `keepalive_requests 5; ${gzip}`));
  });

  test("files come whole, in ranges, coded, and not at all where they are known", async () => {
    const session = newSession();
    const bytes = patternBytes(NGINX_LARGE);
    expect(sha256(await session.get(`${place.url}/bytes`).bytes())).toBe(sha256(bytes));
    const range = await session.get(`${place.url}/bytes`, { headers: { Range: "bytes=100-199" } });
    expect([range.status, range.headers.get("content-range")]).toEqual([206, `bytes 100-199/${NGINX_LARGE}`]);
    expect(sha256(await range.bytes())).toBe(sha256(bytes.subarray(100, 200)));
    const text = await session.get(`${place.url}/text.txt`);
    expect([text.contentEncoding, await text.text()]).toEqual(["gzip", streamedText(2_000)]);
    const plain = await session.get(`${place.url}/text.txt`, { decompress: false });
    expect([plain.contentEncoding, await plain.text()]).toEqual([undefined, streamedText(2_000)]);
    const etag = plain.headers.get("etag") ?? "";
    const known = await session.get(`${place.url}/text.txt`, { headers: { "If-None-Match": etag }, decompress: false });
    expect([known.status, known.headers.get("etag"), await known.text()]).toEqual([304, etag, ""]);
    const head = await session.head(`${place.url}/bytes`);
    expect(head.headers.get("content-length")).toBe(String(NGINX_LARGE));
    expect((await session.get(`${place.url}/missing`)).status).toBe(404);
    await session.close();
  });

  test("its end of a connection after five requests is none of our client's business", async () => {
    const session = newSession(2);
    const texts = Array.from({ length: 60 }, (_, index) => session.get(`${place.url}/hello.txt?${index}`).text());
    expect(new Set(await Promise.all(texts))).toEqual(new Set([GREETING]));
    await session.close();
  });

  test("and behind nginx: three in a row, and the client's address at the end of them", async () => {
    const app = new Application({ trustProxy: { from: ["127.0.0.1"], fields: ["forwarded"] } });
    app.get("/who", (request) => ({ address: request.remoteAddress, host: request.host, url: request.url.href }));
    const origin = await serveOn("http", app);
    const session = new ClientSession();
    const middle = new Application({ trustProxy: ["127.0.0.1"] });
    middle.use(proxy(session, origin.url, { forwarded: "both" }));
    const middlePlace = await serveOn("http", middle);
    atEnd(() => session.close());
    const front = await startedNginx(
      "http",
      `location / { proxy_pass http://127.0.0.1:${middlePlace.port}; proxy_set_header X-Forwarded-For $http_x_client;
        proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-Host shop.example; }`,
    );
    const client = newSession();
    const seen = await client.get(`${front}/who`, { headers: { "X-Client": "203.0.113.9" } }).json();
    expect(seen).toEqual({ address: "203.0.113.9", host: "shop.example", url: "https://shop.example/who" });
    await client.close();
  });
});

describe.skipIf(isAbsent(curl))("curl through our proxy", () => {
  let place: Place;
  let file: string;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-proxy-"));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    file = join(folder, "body");
    writeFileSync(file, patternBytes(LARGE));
    const origin = await serveOn("http", originApplication());
    place = await proxyOn("http", origin.url, { stripPrefix: "/api" });
  });

  const curled = async (...args: readonly string[]) =>
    (await output(curl, ["--silent", "--show-error", "--http1.1", ...args])).toString();

  test("gets text, chunks and a coded body, and heads alone", async () => {
    expect(await curled(`${place.url}/api/hello`)).toBe(GREETING);
    expect(await curled(`${place.url}/api/stream/1000`)).toBe(streamedText(1_000));
    expect(await curled("--compressed", `${place.url}/api/gzip`)).toBe(streamedText(500));
    expect(await curled("--head", `${place.url}/api/hello`)).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nContent-Length: 14\r\n/,
    );
    expect(await curled("--http1.0", `${place.url}/api/stream/1000`)).toBe(streamedText(1_000));
  });

  test("sends a file after 100 (Continue), in chunks and with its length", async () => {
    for (const headers of [[], ["--header", "Transfer-Encoding: chunked"]]) {
      const text = await curled(
        "--include",
        ...headers,
        "--header",
        "Expect: 100-continue",
        "--data-binary",
        `@${file}`,
        `${place.url}/api/echo`,
      );
      expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n/);
      const echo = JSON.parse(text.slice(text.lastIndexOf("\r\n\r\n"))) as Echo;
      expect(echo).toMatchObject({ length: LARGE, sha256: sha256(patternBytes(LARGE)) });
      expect(echo.transferEncoding).toBe(headers.length === 0 ? null : "chunked");
    }
    const refused = await curled(
      "--include",
      "--header",
      "Expect: 100-continue",
      "--data-binary",
      `@${file}`,
      `${place.url}/api/refuse`,
    );
    expect(refused).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("cannot make a forward proxy of it", async () => {
    const code = await curled(
      "--proxy",
      place.url,
      "--write-out",
      "%{http_code}",
      "--output",
      "/dev/null",
      "http://example.com/api/hello",
    );
    expect(code).toBe("421");
  });
});

describe("Node's own client and server with our proxy between them", () => {
  test("exchange bodies, early hints and trailers", async () => {
    const node = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
        response.writeHead(200, { Trailer: "X-Sum" });
        response.write(Buffer.concat(pieces));
        response.addTrailers({ "X-Sum": String(request.trailers["x-count"]) });
        response.end();
      });
    }).listen(0, "127.0.0.1");
    await once(node, "listening");
    atEnd(() => node.close());
    const place = await proxyOn("http", `http://127.0.0.1:${(node.address() as AddressInfo).port}`);
    const hints: unknown[] = [];
    const body = patternBytes(LARGE);
    const answer = await new Promise<{ response: IncomingMessage; received: Buffer }>((resolve, reject) => {
      const sent = requestNode({
        ...{ host: "127.0.0.1", port: place.port, method: "POST", path: "/" },
        headers: { Trailer: "X-Count", "Transfer-Encoding": "chunked", TE: "trailers" },
      });
      sent.on("information", ({ headers }) => hints.push(headers["link"]));
      sent.on("error", reject);
      sent.on("response", (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("end", () => resolve({ response, received: Buffer.concat(pieces) }));
      });
      sent.write(body);
      sent.addTrailers({ "X-Count": "7" });
      sent.end();
    });
    expect(sha256(answer.received)).toBe(sha256(body));
    expect(answer.response.trailers).toEqual({ "x-sum": "7" });
    expect(hints).toEqual(["</style.css>; rel=preload; as=style"]);
  });

  test("a client that goes away ends the work of the server", async () => {
    let gone: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const node = createServer((_request, response) => {
      response.on("close", gone);
      response.write("beginning");
    }).listen(0, "127.0.0.1");
    await once(node, "listening");
    atEnd(() => node.close());
    const place = await proxyOn("http", `http://127.0.0.1:${(node.address() as AddressInfo).port}`);
    get({ host: "127.0.0.1", port: place.port }, (response) => {
      response.on("error", () => undefined);
      response.once("data", () => response.socket.resetAndDestroy());
    });
    await closed;
  });
});
