/** node:http's client against our server, and our client against its server. */
import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import { request as requestTls, Agent as TlsAgent } from "node:https";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AUTHORITY } from "../net/certificates.js";
import { converse, newSession } from "./client-conversation.js";
import { nodeOrigin } from "./node-origin.js";
import {
  type Echo,
  GREETING,
  originApplication,
  patternBytes,
  sha256,
  streamedText,
  unexpected,
} from "./origin-application.js";
import { closeAll, type Place, SCHEMES, type Scheme, serveOn } from "./places.js";

interface Seen {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  readonly port: number | undefined;
  readonly continued: boolean;
}

interface Asked extends RequestOptions {
  readonly body?: Uint8Array | string;
}

/** One request by node:http, and all of its answer. */
function asked(scheme: Scheme, agent: Agent, place: Place, { body, ...options }: Asked): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const send = scheme === "https" ? requestTls : request;
    let continued = false;
    const sent = send({ host: "localhost", port: place.port, agent, ca: AUTHORITY, ...options }, (response) => {
      const port = response.socket.localPort;
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode: status, headers } = response;
        resolve({ status, headers, body: Buffer.concat(pieces), port, continued });
      });
    });
    sent.on("continue", () => {
      continued = true;
      sent.end(body);
    });
    sent.on("error", reject);
    if (options.headers !== undefined && "Expect" in options.headers) sent.flushHeaders();
    else sent.end(body);
  });
}

function newAgent(scheme: Scheme, maxSockets: number): Agent {
  const options = { keepAlive: true, maxSockets };
  return scheme === "https" ? new TlsAgent(options) : new Agent(options);
}

afterAll(closeAll);

describe.each(SCHEMES)("node:http over %s", (scheme) => {
  let place: Place;

  beforeAll(async () => {
    place = await serveOn(scheme, originApplication());
  });

  test("its client gets and sends all kinds of bodies on one connection to our server", async () => {
    const agent = newAgent(scheme, 1);
    const ask = (options: Asked) => asked(scheme, agent, place, options);
    const hello = await ask({ path: "/hello" });
    expect([hello.status, hello.body.toString()]).toEqual([200, GREETING]);
    expect((await ask({ method: "HEAD", path: "/hello" })).headers["content-length"]).toBe("14");
    const streamed = await ask({ path: "/stream/500" });
    expect(streamed.headers["transfer-encoding"]).toBe("chunked");
    expect(streamed.body.toString()).toBe(streamedText(500));
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"]) {
      const body = "some text";
      const { body: answer } = await ask({ method, path: "/echo", body, headers: { "Content-Length": body.length } });
      expect(JSON.parse(answer.toString()) as Echo).toMatchObject({ method, length: 9, contentLength: "9" });
    }
    const chunked = await ask({
      method: "POST",
      path: "/echo",
      body: patternBytes(300_000),
      headers: { "Transfer-Encoding": "chunked" },
    });
    expect(JSON.parse(chunked.body.toString())).toMatchObject({
      transferEncoding: "chunked",
      sha256: sha256(patternBytes(300_000)),
    });
    const expecting = await ask({
      method: "POST",
      path: "/echo",
      body: "0123456789",
      headers: { Expect: "100-continue", "Content-Length": 10 },
    });
    expect(expecting.continued).toBe(true);
    expect(JSON.parse(expecting.body.toString())).toMatchObject({ length: 10 });
    expect((await ask({ method: "DELETE", path: "/nothing" })).status).toBe(204);
    expect((await ask({ path: "/hello" })).port).toBe(hello.port);
    agent.destroy();
    expect(unexpected).toEqual([]);
  });

  test("its client shares eight connections among a hundred requests to our server", async () => {
    const agent = newAgent(scheme, 8);
    const sizes = Array.from({ length: 100 }, (_, index) => index * 613);
    const answers = await Promise.all(sizes.map((size) => asked(scheme, agent, place, { path: `/bytes/${size}` })));
    expect(answers.map(({ body }) => body.byteLength)).toEqual(sizes);
    expect(new Set(answers.map(({ port }) => port)).size).toBeLessThanOrEqual(8);
    agent.destroy();
  });

  test("its server answers our client", async () => {
    await converse((await nodeOrigin(scheme)).url);
  });

  test("its server's early hints, connection: close and bodies until the end of the connection reach our client", async () => {
    const origin = await nodeOrigin(scheme);
    const session = newSession();
    const hints: number[] = [];
    const traced = session.extend({ trace: { informational: ({ status }) => hints.push(status) } });
    expect(await traced.get(`${origin.url}/hints`).text()).toBe(GREETING);
    expect(hints).toEqual([103]);
    expect(await session.get(`${origin.url}/close`).text()).toBe(GREETING);
    expect(await session.get(`${origin.url}/until-close`).text()).toBe(streamedText(200));
    expect(await session.get(`${origin.url}/hello`).text()).toBe(GREETING);
    expect(origin.connections()).toBe(3);
    const cut = await session.get(`${origin.url}/cut`);
    await expect(cut.bytes()).rejects.toMatchObject({
      code: expect.stringMatching(/^(body\/incomplete|connection\/lost)$/),
    });
    await traced.close();
    await session.close();
  });
});

test("pipelined requests are answered in order, as node:http's parser sees them", async () => {
  const place = await serveOn("http", originApplication());
  const socket = connect(place.port, "127.0.0.1");
  const count = 40;
  const requests = Array.from({ length: count }, (_, index) => `GET /stream/${index} HTTP/1.1\r\nHost: a\r\n\r\n`);
  socket.end(requests.join(""));
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  const whole = Buffer.concat(pieces).toString("latin1");
  expect(whole.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(count);
  const starts = Array.from({ length: count - 1 }, (_, index) => whole.indexOf(`line ${index} `));
  expect([...starts].sort((one, other) => one - other)).toEqual(starts);
});
