/** What our client does with every server that has the paths of `origin-application.ts`. */
import { expect } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import { AUTHORITY } from "../net/certificates.js";
import { type Echo, GREETING, patternBytes, sha256, streamedText } from "./origin-application.js";

const LARGE = 3 * 1024 * 1024;

/** A session that trusts the test authority. Close it. */
export function newSession(connections = 4): ClientSession {
  return new ClientSession({
    connector: { limit: connections, tls: { ca: AUTHORITY } },
    timeout: 15_000,
  });
}

/** Speaks of everything with the server at `url`, over one connection where that is to be kept. Closes the session. */
export async function converse(url: string, session: ClientSession = newSession()): Promise<void> {
  try {
    await askForContent(session, url);
    await sendContent(session, url);
    await inParallel(session, url);
    await refuseEarly(session, url);
  } finally {
    await session.close();
  }
}

async function askForContent(session: ClientSession, url: string): Promise<void> {
  const hello = await session.get(`${url}/hello`);
  expect(hello.status).toBe(200);
  expect(hello.charset).toBe("utf-8");
  expect(await hello.text()).toBe(GREETING);

  const head = await session.head(`${url}/hello`);
  expect(head.status).toBe(200);
  expect(await head.text()).toBe("");

  expect(sha256(await session.get(`${url}/bytes/${LARGE}`).bytes())).toBe(sha256(patternBytes(LARGE)));
  expect(await session.get(`${url}/bytes/0`).bytes()).toHaveLength(0);
  expect(await session.get(`${url}/stream/2000`).text()).toBe(streamedText(2_000));
  expect(await session.get(`${url}/gzip`).text()).toBe(streamedText(500));
  const nothing = await session.delete(`${url}/nothing`);
  expect([nothing.status, await nothing.text()]).toEqual([204, ""]);
  const large = await session.get(`${url}/large-head`);
  expect(large.headers.get("x-large")).toBe("v".repeat(6_000));
  expect((await session.get(`${url}/missing`)).status).toBe(404);
  // One after the other, all of it on one connection.
  const [stats] = Object.values(session.connector.stats());
  expect(stats).toMatchObject({ open: 1 });
  expect(stats?.reused).toBeGreaterThanOrEqual(7);
}

async function sendContent(session: ClientSession, url: string): Promise<void> {
  const bytes = patternBytes(LARGE);
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const echo = await session.request(method, `${url}/echo?a=b%20c`, { body: "some text" }).json<Echo>();
    expect(echo).toMatchObject({
      method,
      target: "/echo?a=b%20c",
      length: 9,
      contentLength: "9",
      transferEncoding: null,
    });
  }
  const large = await session.post(`${url}/echo`, { body: bytes }).json<Echo>();
  expect(large).toMatchObject({ length: LARGE, sha256: sha256(bytes), contentLength: String(LARGE) });
  const chunked = await session.post(`${url}/echo`, { body: inPieces(bytes) }).json<Echo>();
  expect(chunked).toMatchObject({
    length: LARGE,
    sha256: sha256(bytes),
    contentLength: null,
    transferEncoding: "chunked",
  });
  const empty = await session.post(`${url}/echo`).json<Echo>();
  expect(empty).toMatchObject({ length: 0, transferEncoding: null });
  await session.cookies?.set(url, "name", "value");
  expect(await session.get(`${url}/echo`).json<Echo>()).toMatchObject({ cookie: "name=value" });
}

async function inParallel(session: ClientSession, url: string): Promise<void> {
  const sizes = Array.from({ length: 60 }, (_, index) => index * 997);
  const bodies = await Promise.all(sizes.map((size) => session.get(`${url}/bytes/${size}`).bytes()));
  expect(bodies.map((body) => sha256(body))).toEqual(sizes.map((size) => sha256(patternBytes(size))));
  const [stats] = Object.values(session.connector.stats());
  expect(stats?.open).toBeLessThanOrEqual(4);
}

/** An answer that comes while the request is still being sent, and what comes after it. */
async function refuseEarly(session: ClientSession, url: string): Promise<void> {
  const refused = await session.post(`${url}/refuse`, { body: patternBytes(LARGE) });
  expect(refused.status).toBe(413);
  await refused.text();
  expect(await session.get(`${url}/hello`).text()).toBe(GREETING);
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 50_001) yield bytes.subarray(at, at + 50_001);
}
