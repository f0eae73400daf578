/** undici's clients against our server. (Its server side does not exist; the server of Node's own `fetch` is node:http.) */

import { Readable } from "node:stream";
import { Agent, fetch, Pool, request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AUTHORITY } from "../net/certificates.js";
import { GREETING, originApplication, patternBytes, sha256, streamedText, unexpected } from "./origin-application.js";
import { atEnd, closeAll, type Place, SCHEMES, serveOn, serveOnUnixSocket } from "./places.js";

const BODY = patternBytes(700_000);

afterAll(closeAll);

describe.each(SCHEMES)("undici and our server over %s", (scheme) => {
  let place: Place;
  let dispatcher: Agent;

  beforeAll(async () => {
    place = await serveOn(scheme, originApplication());
    dispatcher = new Agent({ connect: { ca: AUTHORITY } });
    atEnd(() => dispatcher.destroy());
  });

  test("request gets and sends all kinds of bodies", async () => {
    const hello = await request(`${place.url}/hello`, { dispatcher });
    expect([hello.statusCode, await hello.body.text()]).toEqual([200, GREETING]);
    const head = await request(`${place.url}/hello`, { dispatcher, method: "HEAD" });
    expect([head.headers["content-length"], await head.body.text()]).toEqual(["14", ""]);
    const streamed = await request(`${place.url}/stream/2000`, { dispatcher });
    expect(await streamed.body.text()).toBe(streamedText(2_000));
    for (const method of ["POST", "PUT", "PATCH", "DELETE"] as const) {
      const { body } = await request(`${place.url}/echo?q`, { dispatcher, method, body: "some text" });
      expect(await body.json()).toMatchObject({ method, target: "/echo?q", length: 9 });
    }
    const chunked = await request(`${place.url}/echo`, { dispatcher, method: "POST", body: Readable.from(pieces()) });
    expect(await chunked.body.json()).toMatchObject({ transferEncoding: "chunked", sha256: sha256(BODY) });
    const nothing = await request(`${place.url}/nothing`, { dispatcher, method: "DELETE" });
    expect([nothing.statusCode, await nothing.body.text()]).toEqual([204, ""]);
    expect(unexpected).toEqual([]);
  });

  test("fetch decodes, streams and sends", async () => {
    expect(await (await fetch(`${place.url}/gzip`, { dispatcher })).text()).toBe(streamedText(500));
    const echo = await fetch(`${place.url}/echo`, { dispatcher, method: "POST", body: BODY });
    expect(await echo.json()).toMatchObject({ sha256: sha256(BODY), contentLength: String(BODY.byteLength) });
    expect((await fetch(`${place.url}/missing`, { dispatcher })).status).toBe(404);
  });

  test("its pipelining gets its answers in order", async () => {
    const pool = new Pool(place.url, { connections: 1, pipelining: 10, connect: { ca: AUTHORITY } });
    const sizes = Array.from({ length: 60 }, (_, index) => index * 997);
    const bodies = await Promise.all(
      sizes.map(async (size) => {
        const { body } = await pool.request({ path: `/bytes/${size}`, method: "GET" });
        return new Uint8Array(await body.arrayBuffer());
      }),
    );
    expect(bodies.map(sha256)).toEqual(sizes.map((size) => sha256(patternBytes(size))));
    await pool.close();
  });
});

test("undici speaks with our server over a Unix socket", async () => {
  const socketPath = await serveOnUnixSocket(originApplication());
  const dispatcher = new Agent({ connect: { socketPath } });
  const { body } = await request("http://localhost/hello", { dispatcher });
  expect(await body.text()).toBe(GREETING);
  await dispatcher.close();
});

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < BODY.byteLength; at += 50_001) yield BODY.subarray(at, at + 50_001);
}
