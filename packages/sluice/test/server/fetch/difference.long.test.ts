/** Requests that nobody would have thought of: one hono application on its own server and on ours must say the same. */
import { once } from "node:events";
import type { Server as NodeServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "../../../src/server/fetch/serve.js";
import type { Server } from "../../../src/server/server.js";
import { honoApplication } from "./hono-application.js";
import { type Answer, type Ask, answerOf } from "./http-answer.js";

const RUNS = 300;
const PATHS = [
  ...["/", "/query", "/url", "/method", "/headers", "/cookies", "/etag", "/html", "/redirect", "/sub/deep", "/stream"],
  ...["/throw", "/exception", "/nothing", "/empty-text", "/static-json", "/missing", "/users/1/a", "/status/201"],
];
const BODIES = ["/json", "/text", "/form", "/blob", "/echo", "/digest", "/twice", "/unread", "/method"];
/** How each server frames an answer, and that it keeps the connection, is its own business. */
const OF_THE_CONNECTION = new Set(["date", "connection", "keep-alive", "transfer-encoding", "content-length"]);

const segment = fc.stringMatching(/^[A-Za-z0-9._~!$&'()*+,;=:@%"<>^`{|}[\]-]{0,8}$/);
/** Escapes that are none are every server's own business. */
const target = fc
  .tuple(fc.constantFrom(...PATHS), fc.array(segment, { maxLength: 2 }), fc.option(segment, { nil: undefined }))
  .map(([path, more, query]) => [path, ...more].join("/") + (query === undefined ? "" : `?a=${query}&b=${query}`))
  .filter((path) => !/%(?![0-9A-Fa-f]{2})/.test(path));
const headers = fc.dictionary(
  fc.stringMatching(/^x-[a-z]{1,4}$/),
  fc.oneof(
    fc.stringMatching(/^[!-~\xa1-\xff]{0,10}$/),
    fc.array(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 2, maxLength: 3 }),
  ),
  { maxKeys: 4 },
);
const withoutBody = fc.record({ method: fc.constantFrom("GET", "HEAD", "OPTIONS", "DELETE"), path: target, headers });
/** With bytes in them: where nothing was sent, `body` is null on ours, and a stream of nothing on theirs, which can be used up. */
const withBody = fc
  .record({
    method: fc.constantFrom("POST", "PUT", "PATCH", "post"),
    path: fc.constantFrom(...BODIES),
    headers,
    type: fc.constantFrom("text/plain", "application/json", "application/x-www-form-urlencoded", "image/x-made-up"),
    pieces: fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.constant('{"a":[1,2]}'), fc.constant("a=1&b=%20")), {
      maxLength: 3,
    }),
    chunked: fc.boolean(),
  })
  .filter(({ path, pieces }) => path !== "/twice" || pieces.some((piece) => piece !== ""))
  .map(({ method, path, headers: given, type, pieces, chunked }): Ask => {
    const sent = pieces.map((piece) => Buffer.from(piece)).filter(({ length }) => length > 0);
    const body = chunked && sent.length > 0 ? sent : Buffer.concat(sent);
    return { method, path, headers: { ...given, "content-type": type }, body };
  });

function said({ status, fields, body }: Answer, port: number) {
  const kept = Object.entries(fields).filter(([name]) => !OF_THE_CONNECTION.has(name));
  return { status, fields: Object.fromEntries(kept), body: body.replaceAll(String(port), "PORT") };
}

describe.each([false, true])("lightweightGlobals: %s", (lightweightGlobals) => {
  let own: NodeServer;
  let ours: Server;

  beforeAll(async () => {
    own = createAdaptorServer({ fetch: honoApplication().fetch, overrideGlobalObjects: false }) as NodeServer;
    ours = await serve(honoApplication(), { lightweightGlobals, host: "127.0.0.1", port: 0 });
    own.listen(0, "127.0.0.1");
    await once(own, "listening");
  });
  afterAll(async () => {
    await ours.close({ grace: 0 });
    own.close();
  });

  test(`${RUNS} requests are answered alike`, async () => {
    const ports = { own: (own.address() as AddressInfo).port, ours: ours.address.port ?? 0 };
    await fc.assert(
      fc.asyncProperty(fc.oneof(withoutBody, withBody), async (ask: Ask) => {
        const [theirs, our] = await Promise.all([answerOf(ports.own, ask), answerOf(ports.ours, ask)]);
        expect(said(our, ports.ours)).toEqual(said(theirs, ports.own));
      }),
      { numRuns: RUNS },
    );
  }, 240_000);
});
