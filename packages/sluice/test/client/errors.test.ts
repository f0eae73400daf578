import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { retry } from "../../src/client/middleware/retry.js";
import { ClientSession } from "../../src/client/session.js";
import { ConnectError, ConnectionLostError, DnsError, isSluiceError, SluiceError } from "../../src/errors.js";
import { answer, closeAfter, FakeNet, ok, rejection, turns } from "./fake-net.js";

const URL_A = "http://user:pw@a.test/path?page=2&token=s3cret#frag";
const closes = new FakeNet(({ connection }) => {
  connection.end();
  return undefined;
});

test("an error says method, URL, phase, attempt and elapsed time, and is recognised by its brand", async () => {
  const net = new FakeNet(() => undefined);
  const failed = rejection<SluiceError>(net.session({ timeout: { headers: 250 } }).put(URL_A));
  await turns();
  net.clock.advance(250);
  const error = await failed;
  expect(error.message).toBe(
    "PUT http://a.test/path?page=…&token=…: Timed out after 250 ms waiting for the head of the answer (timeout.headers)",
  );
  expect(error).toMatchObject({
    name: "RequestTimeoutError",
    code: "timeout.headers",
    method: "PUT",
    url: "http://a.test/path?page=…&token=…",
    phase: "headers",
    attempt: 1,
    elapsed: 250,
  });
  expect(isSluiceError(error)).toBe(true);
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: "timeout.headers", phase: "headers" });
});

test("showQuery lets the named values be seen, in messages, traces and nowhere else", async () => {
  const urls: string[] = [];
  const session = closes.session({ showQuery: ["page"], trace: { requestStart: ({ url }) => urls.push(url) } });
  const error = await rejection(session.post(URL_A));
  expect(error.message).toContain("http://a.test/path?page=2&token=…");
  expect(urls).toEqual(["http://a.test/path?page=2&token=…"]);
});

test("an error from before the request was understood says what was asked for", async () => {
  const session = new FakeNet().session();
  const error = await rejection<SluiceError>(session.get("ftp://user:pw@a.test/?s3cret"));
  expect(error).toMatchObject({ method: "GET", phase: "options" });
  expect(error.message).toContain("GET ftp://a.test/");
  expect(error.message).not.toMatch(/s3cret|pw@/);
});

// The caller's own line.

const HERE = /errors\.test\.ts/;

describe("the stack shows the caller's own line", () => {
  const WAYS: [string, (session: ClientSession) => PromiseLike<unknown>][] = [
    ["awaited", (session) => session.post(URL_A)],
    ["text", (session) => session.post(URL_A).text()],
    ["json", (session) => session.post(URL_A).json()],
    ["bytes", (session) => session.post(URL_A).bytes()],
  ];
  const SESSIONS: [string, () => ClientSession][] = [
    ["plain", () => closes.session()],
    ["middleware", () => closes.session({ middleware: [(request, next) => next(request), retry(1)] })],
    ["async middleware", () => closes.session({ middleware: [async (request, next) => await next(request)] })],
    ["auth", () => closes.session({ auth: { bearer: "t" } })],
    ["both stages", () => closes.session({ auth: { bearer: "t" }, retry: { attempts: 2, baseDelay: 0 } })],
  ];
  describe.each(SESSIONS)("%s", (_kind, make) => {
    test.each(WAYS)("%s", async (_way, ask) => {
      async function theCaller(): Promise<unknown> {
        return await ask(make());
      }
      const error = await rejection(theCaller());
      expect(error).toBeInstanceOf(ConnectionLostError);
      expect(error.stack).toMatch(/theCaller/);
      expect(error.stack).toMatch(HERE);
      expect(error.stack?.split("\n")[0]).toContain(error.message);
    });
  });

  test("for option errors, error statuses, broken bodies, aborted connections and content types", async () => {
    const net = new FakeNet(({ target, connection }) => {
      if (target === "/500") return answer(500, "x");
      if (target === "/html") return ok("x", "content-type: text/html\r\n");
      if (target === "/notjson") return ok("x", "content-type: application/json\r\n");
      connection.send("HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\nhalf");
      connection.end();
      return undefined;
    });
    const session = net.session();
    const cases: (() => PromiseLike<unknown>)[] = [
      () => session.get("nonsense"),
      () => session.get("http://a.test/", { timeout: -1 }),
      () => session.get("http://a.test/500").text(),
      () => session.get("http://a.test/500", { raiseForStatus: true }),
      () => session.get("http://a.test/html").json(),
      () => session.get("http://a.test/notjson").json(),
      () => session.get("http://a.test/half").text(),
      async () => await (await session.get("http://a.test/half")).text(),
      async () => await (await session.get("http://a.test/half")).json({ checkType: false }),
    ];
    for (const ask of cases) {
      async function theCaller(): Promise<unknown> {
        return await ask();
      }
      const error = await rejection(theCaller());
      expect(error, String(ask)).toBeInstanceOf(SluiceError);
      expect(error.stack, String(ask)).toMatch(/theCaller/);
      expect(error.message, String(ask)).toMatch(/^GET /);
    }
  });
});

// Real faults.

async function listening(onConnection: (socket: Socket) => void): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test("over real sockets: refused, reset and unknown hosts are told apart", async () => {
  const { port, close } = await listening((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const session = closeAfter(new ClientSession());
  const reset = await rejection(session.post(`http://127.0.0.1:${port}/`));
  expect(reset).toBeInstanceOf(ConnectionLostError);
  expect(reset.message).toContain("ECONNRESET");
  close();
  await turns();
  const refused = await rejection(session.get(`http://127.0.0.1:${port}/?s3cret=1`));
  expect(refused).toBeInstanceOf(ConnectError);
  expect([refused.code, refused.phase]).toEqual(["connect/refused", "connect"]);
  expect(refused.message).toContain(`GET http://127.0.0.1:${port}/?s3cret=…`);
  const lookup = () => Promise.reject(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }));
  const lost = closeAfter(new ClientSession({ connector: { dns: { lookup } } }));
  const unknown = await rejection(lost.get("http://nowhere.test/"));
  expect(unknown).toBeInstanceOf(DnsError);
  expect(unknown.code).toBe("dns/not-found");
});

test("what a user's connect throws is the cause of a ConnectError", async () => {
  const cause = new Error("tunnel");
  const net = new FakeNet();
  net.dialing = () => Promise.reject(cause);
  const error = await rejection(net.session().get("http://a.test/"));
  expect(error).toBeInstanceOf(ConnectError);
  expect(error.cause).toBe(cause);
});

test("errors of middleware reach the caller as they are", async () => {
  const own = new TypeError("mine");
  const session = new FakeNet().session({
    middleware: [
      () => {
        throw own;
      },
    ],
  });
  expect(await rejection(session.get("http://a.test/"))).toBe(own);
  expect(await rejection(session.get("http://a.test/").text())).toBe(own);
});
