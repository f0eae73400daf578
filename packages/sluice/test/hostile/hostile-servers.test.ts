/** What servers do to hurt a client, over real sockets: the request fails with the right error, and nothing is left behind. */
import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isSluiceError } from "../../src/errors.js";
import { endAll, eventually, failureOf, hostileServer, newSession } from "./hostile-places.js";

const OK = "HTTP/1.1 200 OK\r\n";
const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
});

afterEach(async () => {
  expect(await endAll()).toEqual({ deadlines: 0 });
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

/** Repeats `more` until the socket is gone or will take no more for now. */
function pour(socket: Socket, more: string | Uint8Array): void {
  const step = (): void => {
    if (socket.destroyed) return;
    if (socket.write(more)) setImmediate(step);
    else socket.once("drain", step);
  };
  step();
}

test.each<[what: string, answer: string, code: string | RegExp]>([
  ["both lengths", `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /^http1\//],
  ["two lengths", `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`, /^http1\//],
  ["a length that is no number", `${OK}Content-Length: +2\r\n\r\nab`, /^http1\//],
  ["a bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", /^http1\//],
  ["a folded line", `${OK}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`, /^http1\//],
  ["a chunk size that is none", `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, /^http1\//],
  ["no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n", /^http1\//],
  ["less than announced, then FIN", `${OK}Content-Length: 10\r\n\r\nhalf`, "body/incomplete"],
  ["chunks without an end, then FIN", `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`, "body/incomplete"],
  ["a corrupt gzip body", `${OK}Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope`, /^body\//],
  ["an unknown coding", `${OK}Content-Encoding: rot13\r\nContent-Length: 4\r\n\r\nnope`, "body/unknown-coding"],
  ["half a head, then FIN", "HTTP/1.1 200 OK\r\nContent-", /^(connection|http1)\//],
  ["nothing, then FIN", "", "connection/closed"],
])("an answer with %s is an error that says so", async (_what, answer, code) => {
  const url = await hostileServer((socket) => socket.end(Buffer.from(answer, "latin1")));
  const error = await failureOf(newSession().post(url).text());
  expect(isSluiceError(error)).toBe(true);
  expect(error.code).toMatch(typeof code === "string" ? new RegExp(`^${code}$`) : code);
});

test.each([
  "",
  "HTTP/1.1 20",
  `${OK}Content-`,
  `${OK}Content-Length: 10\r\n\r\nhalf`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nha`,
])("a reset after %j fails the request", async (begin) => {
  const url = await hostileServer((socket) => {
    if (begin === "") socket.resetAndDestroy();
    else socket.write(begin, () => setTimeout(() => socket.resetAndDestroy(), 20));
  });
  const error = await failureOf(newSession().post(url).text());
  expect(isSluiceError(error)).toBe(true);
});

test("interim responses without end are cut off", async () => {
  const url = await hostileServer((socket) =>
    pour(socket, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(10)),
  );
  expect((await failureOf(newSession().get(url).text())).code).toMatch(/^http1\//);
});

test.each([
  ["one field without end", `${OK}A: `, "x".repeat(1_000)],
  ["fields without end", OK, "A: b\r\n".repeat(100)],
  ["a reason without end", "HTTP/1.1 200 ", "x".repeat(1_000)],
  ["chunk extensions without end", `${OK}Transfer-Encoding: chunked\r\n\r\n1;`, "x".repeat(1_000)],
  ["trailers without end", `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n`, "A: b\r\n".repeat(100)],
])("%s is cut off at its limit", async (_what, begin, more) => {
  const url = await hostileServer((socket) => {
    socket.write(begin);
    pour(socket, more);
  });
  expect((await failureOf(newSession().get(url).text())).code).toMatch(/^http1\//);
});

test("a gzip bomb stops at maxResponseSize, whole or streamed", async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const url = await hostileServer((socket) => {
    socket.write(`${OK}Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: ${bomb.byteLength}\r\n\r\n`);
    socket.write(bomb);
  });
  const session = newSession({ maxResponseSize: 1024 * 1024 });
  expect((await failureOf(session.get(url).bytes())).code).toBe("body/too-large");
  const response = await session.get(url);
  let received = 0;
  const error = await failureOf(
    (async () => {
      for await (const piece of response.body) received += piece.byteLength;
    })(),
  );
  expect([error.code, received <= 1024 * 1024]).toEqual(["body/too-large", true]);
});

test("a body without end stops at maxResponseSize", async () => {
  const url = await hostileServer((socket) => {
    socket.write(`${OK}\r\n`);
    pour(socket, Buffer.alloc(60_000));
  });
  const error = await failureOf(newSession({ maxResponseSize: 500_000 }).get(url).bytes());
  expect(error.code).toBe("body/too-large");
});

test("a body that drips ends at total, a head that does not come at headers, a body that stops at read", async () => {
  const url = await hostileServer((socket, request) => {
    if (request.startsWith("GET /silent")) return;
    socket.write(`${OK}Content-Length: 1000\r\n\r\nbegin`);
    if (request.startsWith("GET /stops")) return;
    const dripping = setInterval(() => (socket.destroyed ? clearInterval(dripping) : socket.write("x")), 20);
    socket.on("close", () => clearInterval(dripping));
  });
  const session = newSession();
  const codes = await Promise.all([
    failureOf(session.get(`${url}/drips`, { timeout: { total: 400, read: 5_000 } }).text()),
    failureOf(session.get(`${url}/silent`, { timeout: { headers: 200 } }).text()),
    failureOf(session.get(`${url}/stops`, { timeout: { read: 200 } }).text()),
  ]);
  expect(codes.map(({ code }) => code)).toEqual(["timeout.total", "timeout.headers", "timeout.read"]);
});

test("a server that never reads an upload ends it at write", async () => {
  const url = await hostileServer((socket) => void socket.pause());
  const body = Buffer.alloc(64 * 1024 * 1024);
  const error = await failureOf(
    newSession()
      .post(url, { body, timeout: { write: 300 } })
      .text(),
  );
  expect(error.code).toBe("timeout.write");
});

test("bytes after the end of an answer are nobody's answer: the connection is not used again", async () => {
  let connections = 0;
  const url = await hostileServer((socket) => {
    connections += 1;
    socket.write(`${OK}Content-Length: 4\r\n\r\nfine${OK}Content-Length: 6\r\n\r\npoison`);
  });
  const session = newSession();
  expect(await session.get(url).text()).toBe("fine");
  expect(await session.get(url).text()).toBe("fine");
  expect(connections).toBe(2);
});

test("an answer sent before it was asked for, on an idle connection, is nobody's answer either", async () => {
  let connections = 0;
  const url = await hostileServer((socket) => {
    connections += 1;
    socket.write(`${OK}Content-Length: 4\r\n\r\nfine`);
    setTimeout(() => socket.write(`${OK}Content-Length: 6\r\n\r\npoison`), 50);
  });
  const session = newSession();
  expect(await session.get(url).text()).toBe("fine");
  await eventually(() => Object.values(session.connector.stats()).every((stats) => stats.open === 0));
  expect(await session.get(url).text()).toBe("fine");
  expect(connections).toBe(2);
});

test("redirects without end stop at maxRedirects", async () => {
  const url = await hostileServer((socket) => {
    const answer = "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n";
    socket.write(answer);
    socket.on("data", () => socket.write(answer));
  });
  expect((await failureOf(newSession().get(url).text())).name).toBe("TooManyRedirectsError");
});

test("two hundred requests to a server that resets all leave no listener on the signal they share", async () => {
  let count = 0;
  const url = await hostileServer((socket) => {
    count += 1;
    if (count % 2 === 0) socket.resetAndDestroy();
    else socket.write(`${OK}Content-Length: 10\r\n\r\nhalf`, () => socket.resetAndDestroy());
  });
  const { signal } = new AbortController();
  const session = newSession({ connector: { limit: 10 } });
  const outcomes = await Promise.allSettled(Array.from({ length: 200 }, () => session.get(url, { signal }).text()));
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  expect(getEventListeners(signal, "abort")).toEqual([]);
  expect(session.toJSON()).toMatchObject({ running: 0 });
});
