/** Applications of other frameworks, unchanged: on their own server and on ours, answers compared field by field. */
import { once } from "node:events";
import { createServer, type Server as NodeServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { toNodeHandler } from "h3/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "../../../src/server/fetch/serve.js";
import type { Server } from "../../../src/server/server.js";
import { h3Application } from "./h3-application.js";
import { honoApplication } from "./hono-application.js";
import { type Answer, type Ask, answerOf } from "./http-answer.js";

const FORM = new URLSearchParams({ name: "Ada Lovelace", tag: "é" }).toString();
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };
const MULTIPART = [
  "--cut",
  'Content-Disposition: form-data; name="name"',
  "",
  "Ada",
  "--cut",
  'Content-Disposition: form-data; name="file"; filename="a.txt"',
  "Content-Type: text/x-made-up",
  "",
  "content",
  "--cut--",
  "",
].join("\r\n");
const MULTIPART_TYPE = { "content-type": "multipart/form-data; boundary=cut" };
const BIG = Buffer.alloc(3_000_000, "big body ");

const HONO: readonly Ask[] = [
  { path: "/" },
  { path: "/", method: "HEAD" },
  { path: "/logged/plain" },
  { path: "/users/7/a/b%2Fc?x=1" },
  { path: "/users/%C3%A9/x%20y" },
  { path: "/query?a=1&a=2&b=%26&c" },
  { path: "/url?q=a%20b" },
  { path: "/a/../url" },
  { path: "//url" },
  { path: "/url?<>\"'`{}|^" },
  ...["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "put"].map((method) => ({
    path: "/method",
    method,
  })),
  { path: "/headers", headers: { "x-one": "1", "X-Two": ["a", "b"], cookie: ["c=1", "d=2"] } },
  { path: "/cookies", headers: { cookie: "x=1; y=%20z" } },
  { path: "/cors", headers: { origin: "https://example.com" } },
  {
    path: "/cors",
    method: "OPTIONS",
    headers: { origin: "https://example.com", "access-control-request-method": "GET" },
  },
  { path: "/etag" },
  { path: "/etag", headers: { "if-none-match": '"3b11de4bd9b5d9ab9a5a3ea5dd9a2b45a3b4a9b2"' } },
  { path: "/html" },
  { path: "/redirect" },
  { path: "/sub/deep" },
  { path: "/json", method: "POST", body: '{"a":[1,"é"]}' },
  { path: "/json", method: "POST", body: ['{"a":', "1}"] },
  { path: "/json", method: "POST", body: "{broken" },
  { path: "/json", method: "POST" },
  { path: "/text", method: "POST", body: "te\u00e9xt" },
  { path: "/text", method: "POST", body: Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff]) },
  { path: "/form", method: "POST", headers: FORM_TYPE, body: FORM },
  { path: "/form", method: "POST", headers: MULTIPART_TYPE, body: MULTIPART },
  { path: "/bytes", method: "POST", body: Buffer.from([0, 255, 128]) },
  { path: "/blob", method: "POST", headers: { "content-type": "image/x-made-up" }, body: "blob" },
  { path: "/echo", method: "POST", body: BIG },
  { path: "/echo", method: "POST", body: [BIG.subarray(0, 100_000), BIG.subarray(0, 5)] },
  { path: "/digest", method: "POST", body: BIG },
  { path: "/twice", method: "POST", body: "again" },
  { path: "/unread", method: "POST", body: "x".repeat(50_000) },
  { path: "/large" },
  { path: "/large", method: "HEAD" },
  { path: "/stream" },
  { path: "/pipe" },
  { path: "/sse" },
  { path: "/pulled" },
  { path: "/throw" },
  { path: "/reject" },
  { path: "/exception" },
  { path: "/nothing" },
  { path: "/not-modified" },
  { path: "/empty" },
  { path: "/empty-text" },
  { path: "/status/299" },
  { path: "/status/599" },
  { path: "/status/600" },
  { path: "/bare" },
  { path: "/static-json" },
  { path: "/bytes" },
  { path: "/search" },
  { path: "/missing/%C3%A9" },
];

const H3: readonly Ask[] = [
  { path: "/" },
  { path: "/", method: "HEAD" },
  { path: "/json/7/a/b?x=1&x=2" },
  { path: "/url?q=a%20b" },
  { path: "/headers", headers: { "x-one": "1", "X-Two": ["a", "b"] } },
  { path: "/cookies", headers: { cookie: "x=1; y=%20z" } },
  { path: "/html" },
  { path: "/redirect" },
  { path: "/nothing" },
  { path: "/cors", headers: { origin: "https://example.com" } },
  { path: "/body", method: "POST", headers: { "content-type": "application/json" }, body: '{"a":1}' },
  { path: "/body", method: "POST", headers: { "content-type": "application/json" }, body: "{broken" },
  { path: "/body", method: "POST", headers: FORM_TYPE, body: FORM },
  { path: "/text", method: "POST", body: "text" },
  { path: "/bytes", method: "POST", body: Buffer.from([0, 255, 128]) },
  { path: "/form", method: "POST", headers: MULTIPART_TYPE, body: MULTIPART },
  { path: "/echo", method: "POST", body: BIG },
  { path: "/echo", method: "POST", body: ["a", "b"] },
  { path: "/iterable" },
  { path: "/stream" },
  { path: "/sse" },
  { path: "/status" },
  { path: "/http-error" },
  { path: "/throw" },
  { path: "/response" },
  { path: "/handler" },
  { path: "/null" },
  { path: "/missing" },
  { path: "/", method: "DELETE" },
];

/** How each server frames an answer, and says that it keeps the connection, is its own business; what is said is not. */
const OF_THE_CONNECTION = ["date", "connection", "keep-alive", "transfer-encoding", "content-length"];
/** `text/plain; charset=UTF-8` of an answer for which its application named no type: @hono/node-server adds it, we add nothing. */
const UNTYPED = new Set(["/bytes", "/pipe", "/pulled"]);

/**
 * Without the reason phrase, which is for people only: @hono/node-server leaves out `statusText`, h3's adapter the usual phrases. With
 * media types in one spelling: h3's adapter writes a space after the semicolon.
 */
function said({ status, fields, body }: Answer, port: number, { path }: Ask) {
  const left = UNTYPED.has(path) ? [...OF_THE_CONNECTION, "content-type"] : OF_THE_CONNECTION;
  const kept = Object.entries(fields)
    .filter(([name]) => !left.includes(name))
    .map(([name, values]) => [name, name === "content-type" ? values.map((type) => type.replace(/; /g, ";")) : values]);
  // The application may tell its own address.
  return { status, fields: Object.fromEntries(kept), body: body.replaceAll(String(port), "PORT") };
}

function nameOf({ method = "GET", path, body }: Ask): string {
  return `${method} ${path}${body === undefined ? "" : Array.isArray(body) ? " with chunks" : ` with ${body.length} bytes`}`;
}

async function listening(server: NodeServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function portOf(server: Server): number {
  return server.address.port ?? 0;
}

describe.each([false, true])("hono, lightweightGlobals: %s", (lightweightGlobals) => {
  let own: NodeServer;
  let ours: Server;
  let ports: { own: number; ours: number };

  beforeAll(async () => {
    // Its own lighter globals would be ours as well: one process has one `Response`.
    own = createAdaptorServer({ fetch: honoApplication().fetch, overrideGlobalObjects: false }) as NodeServer;
    ours = await serve(honoApplication(), { lightweightGlobals, host: "127.0.0.1", port: 0 });
    ports = { own: await listening(own), ours: portOf(ours) };
  });
  afterAll(async () => {
    await ours.close({ grace: 0 });
    own.close();
  });

  test.each(HONO.map((ask) => [nameOf(ask), ask] as const))(
    "%s is answered as on @hono/node-server",
    async (_name, ask) => {
      const [theirs, our] = await Promise.all([answerOf(ports.own, ask), answerOf(ports.ours, ask)]);
      expect(said(our, ports.ours, ask)).toEqual(said(theirs, ports.own, ask));
    },
  );
});

describe.each([false, true])("on ours, lightweightGlobals: %s", (lightweightGlobals) => {
  test("a request can be made of the request, which @hono/node-server can do with its own globals only", async () => {
    const ours = await serve(honoApplication(), { lightweightGlobals, host: "127.0.0.1", port: 0 });
    try {
      const answer = await answerOf(portOf(ours), { path: "/rewrapped", method: "POST", body: "wrapped" });
      expect(JSON.parse(answer.body)).toEqual({ text: "wrapped", inner: "1", method: "POST" });
    } finally {
      await ours.close({ grace: 0 });
    }
  });

  test("a status text is sent, and so is the usual phrase where there is none", async () => {
    const ours = await serve(honoApplication(), { lightweightGlobals, host: "127.0.0.1", port: 0 });
    try {
      expect((await answerOf(portOf(ours), { path: "/pulled" })).reason).toBe("Passed Along");
      expect((await answerOf(portOf(ours), { path: "/" })).reason).toBe("OK");
    } finally {
      await ours.close({ grace: 0 });
    }
  });
});

describe.each([false, true])("h3, lightweightGlobals: %s", (lightweightGlobals) => {
  let own: NodeServer;
  let ours: Server;
  let ports: { own: number; ours: number };

  beforeAll(async () => {
    own = createServer(toNodeHandler(h3Application()) as never);
    ours = await serve(h3Application(), { lightweightGlobals, host: "127.0.0.1", port: 0 });
    ports = { own: await listening(own), ours: portOf(ours) };
  });
  afterAll(async () => {
    await ours.close({ grace: 0 });
    own.close();
  });

  test.each(H3.map((ask) => [nameOf(ask), ask] as const))(
    "%s is answered as on h3's Node adapter",
    async (_name, ask) => {
      const [theirs, our] = await Promise.all([answerOf(ports.own, ask), answerOf(ports.ours, ask)]);
      expect(said(our, ports.ours, ask)).toEqual(said(theirs, ports.own, ask));
    },
  );
});
