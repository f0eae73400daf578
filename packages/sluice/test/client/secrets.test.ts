/**
 * One secret, planted wherever requests and answers have a place for one, must not be found in anything that people print, log or
 * keep: errors of every class that a request can end with, traces, warnings, inspected and serialised objects, access logs.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClientMiddleware } from "../../src/client/middleware.js";
import type { AuthOptions, RequestOptions, SessionOptions } from "../../src/client/options.js";
import type { ClientResponse } from "../../src/client/response.js";
import { ResponseError } from "../../src/client/response-error.js";
import { ClientSession } from "../../src/client/session.js";
import type { ClientTrace } from "../../src/client/tracing.js";
import {
  ConnectError,
  ConnectionLostError,
  ContentTypeError,
  InvalidUrlError,
  PayloadError,
  ProtocolError,
  RequestTimeoutError,
  ResponseTooLargeError,
  SessionClosedError,
  type SluiceError,
  TooManyRedirectsError,
  UsageError,
} from "../../src/errors.js";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import { answer, closeAfter, FakeNet, ok, redirect, rejection, type Seen, turns } from "./fake-net.js";

const SECRET = "pl4nted";
const ENCODED = [
  SECRET,
  Buffer.from(`ada:${SECRET}`).toString("base64"),
  Buffer.from(SECRET).toString("hex"),
  Buffer.from(SECRET).toString("base64"),
];

const said: string[] = [];
const note = (...things: unknown[]): void => {
  for (const thing of things) said.push(...everyFormOf(thing));
};

/** Whatever somebody might print of it. */
function everyFormOf(thing: unknown): string[] {
  const forms = [String(thing), inspect(thing), inspect(thing, { depth: 20, getters: true, showHidden: false })];
  forms.push(JSON.stringify(thing) ?? "");
  if (thing instanceof Error) {
    forms.push(thing.message, thing.stack ?? "", JSON.stringify({ ...thing }), inspect(thing.cause, { depth: 20 }));
    for (let cause = thing.cause; cause instanceof Error; cause = cause.cause)
      forms.push(cause.message, String(cause.stack));
  }
  return forms;
}

const onWarning = (warning: Error): void => note(warning);
const onPublished = (message: unknown): void => note(message);
const CHANNELS = ["requestStart", "requestHeadersSent", "requestRedirect", "responseHeaders", "requestException"].map(
  (name) => `sluice:client:${name}`,
);

beforeAll(() => {
  process.on("warning", onWarning);
  for (const name of CHANNELS) subscribe(name, onPublished);
});
afterAll(() => {
  process.off("warning", onWarning);
  for (const name of CHANNELS) unsubscribe(name, onPublished);
});

function expectNothingSaid(): void {
  const all = said.splice(0);
  expect(all.length).toBeGreaterThan(0);
  for (const form of all) for (const secret of ENCODED) expect(form).not.toContain(secret);
}

// Everywhere a request has a place for a secret.

const URL_S = `http://ada:${SECRET}@a.test/path?key=${SECRET}&${SECRET}#${SECRET}`;

const HEADERS = {
  authorization: `Bearer ${SECRET}`,
  cookie: `sid=${SECRET}`,
  "proxy-authorization": `Basic ${SECRET}`,
  "x-api-key": SECRET,
};

const trace = Object.fromEntries(
  [
    "requestStart",
    "queueStart",
    "queueEnd",
    "connectionReuse",
    "requestHeadersSent",
    "requestBodySent",
    "informational",
    "responseHeaders",
    "connectionUpgraded",
    "responseBodyReceived",
    "requestRedirect",
    "requestRetry",
    "requestThrottled",
    "requestEnd",
    "requestException",
  ].map((name) => [name, (event: unknown) => note(event)]),
) as ClientTrace;

const SESSION: SessionOptions = {
  headers: HEADERS,
  params: { token: SECRET },
  auth: { username: "ada", password: SECRET },
  secretHeaders: ["X-Api-Key", "X-Answer-Key"],
  trace,
  retry: { attempts: 2, baseDelay: 0, methods: ["POST"] },
  throttle: { requests: 1_000, burst: 100, jitter: [1, 1] },
};

const REQUEST: RequestOptions = {
  json: { password: SECRET },
  params: { also: SECRET },
  cookies: { own: SECRET },
  headers: { "x-api-key": SECRET },
};

const ANSWERED = `set-cookie: sid=${SECRET}; Path=/\r\nx-answer-key: ${SECRET}\r\nproxy-authenticate: Basic\r\n`;

async function run<T>(net: FakeNet, promise: PromiseLike<T>): Promise<T> {
  let pending = true;
  const settled = Promise.resolve(promise).finally(() => {
    pending = false;
  });
  settled.catch(() => undefined);
  for (let step = 0; pending && step < 100; step += 1) await net.clock.advanceAsync(100);
  return settled;
}

const noting: ClientMiddleware = (request, next) => {
  note(request);
  return next(request);
};

test("inspected and serialised: session, connector, promise, request, response, headers, jar and body", async () => {
  const net = new FakeNet(() => [`HTTP/1.1 103 Early\r\nset-cookie: x=${SECRET}\r\n\r\n`, ok(SECRET, ANSWERED)]);
  const session = net.session({ ...SESSION, middleware: [noting] });
  const promise = session.post(URL_S, REQUEST);
  const response = await run(net, promise);
  expect(net.seen[0]?.head).toContain(SECRET);
  expect(net.seen[0]?.target).toContain(SECRET);
  note(session, session.connector, session.connector.stats(), promise, response, response.headers, response.request);
  note(response.request.headers, response.request.target, response.timings, response.body, session.extend({}));
  note({ nested: [response, { session }] }, session.with({ signal: new AbortController().signal }));
  expect(response.headers.get("set-cookie")).toContain(SECRET);
  expect(response.headers.get("x-answer-key")).toBe(SECRET);
  await response.text();
  await turns();
  expectNothingSaid();
});

// Every class that a request can end with.

type Case = readonly [
  type: { readonly kind: string; new (...given: never[]): SluiceError },
  answer: (seen: Seen, net: FakeNet) => string | string[] | undefined,
  ask: (session: ClientSession, net: FakeNet) => PromiseLike<unknown>,
];

const post = (session: ClientSession): PromiseLike<unknown> => session.post(URL_S, REQUEST).text();
const redirecting = (to: string) => (): string => redirect(302, to, ANSWERED);

const CASES: Case[] = [
  [
    UsageError,
    () => ok(""),
    (session) => session.post(URL_S, { ...REQUEST, headers: { "x-api-key": `${SECRET}\r\n` } }),
  ],
  [UsageError, () => ok(""), (session) => session.post(URL_S, { ...REQUEST, headers: { cookie: `${SECRET}\0` } })],
  [UsageError, () => ok(""), (session) => session.post(URL_S, { ...REQUEST, body: SECRET })],
  [UsageError, () => ok(""), (session) => session.post(URL_S, { ...REQUEST, cookies: { own: `${SECRET};` } })],
  [UsageError, () => ok(""), (session) => session.post(URL_S, { auth: { username: "a:b", password: SECRET } })],
  [
    UsageError,
    () => ok(""),
    (session) =>
      session
        .extend({ headers: { authorization: undefined } })
        .post("http://a.test/", { auth: { bearer: `${SECRET}\nx` } }),
  ],
  [
    UsageError,
    redirecting(`http://x:${SECRET}@a.test/?${SECRET}`),
    (session) => session.get(URL_S, { redirect: "error" }),
  ],
  [InvalidUrlError, () => ok(""), (session) => session.get(`http://ada:${SECRET}@:0/?x=${SECRET}`)],
  [InvalidUrlError, () => ok(""), (session) => session.get(`ftp://ada:${SECRET}@a.test/?x=${SECRET}#${SECRET}`)],
  [InvalidUrlError, () => ok(""), (session) => session.get(`ada:${SECRET}@a.test`)],
  [InvalidUrlError, redirecting(`ftp://ada:${SECRET}@b.test/?x=${SECRET}`), post],
  [ConnectError, () => ok(""), (session) => session.post(`http://ada:${SECRET}@refused.test/?${SECRET}`, REQUEST)],
  [RequestTimeoutError, () => undefined, (session) => session.post(URL_S, { ...REQUEST, timeout: 200 }).text()],
  [
    ConnectionLostError,
    ({ connection }) => {
      connection.reset();
      return undefined;
    },
    post,
  ],
  [ProtocolError, () => `HTTP/1.1 200 ${SECRET}\nx: y`, post],
  [ProtocolError, () => `${SECRET}\r\n\r\n`, post],
  [ProtocolError, () => `HTTP/1.1 200 OK\r\nset-cookie : ${SECRET}\r\n\r\n`, post],
  [ProtocolError, () => `HTTP/1.1 200 OK\r\ncontent-length: ${SECRET}\r\n\r\n`, post],
  [ProtocolError, () => `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${SECRET}\r\n`, post],
  [PayloadError, () => ok(SECRET, `content-encoding: gzip\r\n${ANSWERED}`), post],
  [
    PayloadError,
    () => ok(`{"a": ${SECRET}`, "content-type: application/json\r\n"),
    (session) => session.get(URL_S).json(),
  ],
  [
    ResponseTooLargeError,
    () => ok(SECRET.repeat(9), ANSWERED),
    (session) => session.get(URL_S, { maxResponseSize: 9 }).text(),
  ],
  [ResponseError, () => answer(401, SECRET, ANSWERED), post],
  [ResponseError, () => answer(500, SECRET, ANSWERED), (session) => session.get(URL_S, { raiseForStatus: true })],
  [
    ContentTypeError,
    () => ok(SECRET, `content-type: text/html\r\n${ANSWERED}`),
    (session) => session.get(URL_S).json(),
  ],
  [TooManyRedirectsError, redirecting(`/next?x=${SECRET}`), post],
  [
    SessionClosedError,
    () => undefined,
    (session) => {
      const lost = session.post(URL_S, REQUEST).text();
      void turns(2).then(() => session.close());
      return lost;
    },
  ],
];

const NUMBERED = CASES.map(([type, ...rest], at) => [at, type.kind, type, ...rest] as const);

describe.each(NUMBERED)("%i: %s", (_at, _kind, type, answerer, ask) => {
  test("has nothing of the secret in message, stack, cause, inspect or JSON", async () => {
    const net = new FakeNet(answerer);
    net.dialing = ({ host }) => {
      if (host === "refused.test") throw new Error("refused");
    };
    const session = net.session(SESSION);
    const error = await run(net, rejection<SluiceError>(ask(session, net)));
    expect(error).toBeInstanceOf(type);
    expect(error.method).toBeDefined();
    note(error, session);
    if (error instanceof ResponseError) note(error.headers);
    await turns();
    expectNothingSaid();
  });
});

test("the queue's own refusals, and errors of bodies read later, are as clean", async () => {
  const net = new FakeNet(({ connection }) => {
    connection.send(`HTTP/1.1 200 ${SECRET}\r\ncontent-length: 1000000\r\n${ANSWERED}\r\n${SECRET}`);
    return undefined;
  });
  const session = net.session(SESSION, { limit: 1, maxQueue: 1 });
  const response = (await run(net, session.get(URL_S))) as ClientResponse;
  const queued = rejection(session.get(URL_S, { timeout: { queue: 200 } }));
  await net.clock.advanceAsync(10);
  note(await run(net, rejection(session.get(URL_S))));
  note(await run(net, queued));
  net.connections[0]?.reset();
  note(await rejection(response.text()));
  note(await rejection(response.json()));
  await turns();
  expectNothingSaid();
});

// Whatever authenticates.

const CHALLENGE = 'www-authenticate: Digest realm="r", nonce="n", qop="auth"\r\n';
const AUTHS: readonly (readonly [string, AuthOptions, answers: string])[] = [
  ["Basic", { username: SECRET, password: SECRET }, answer(401, SECRET)],
  ["bearer", { bearer: SECRET }, answer(401, SECRET)],
  ["refused bearer", { bearer: { refresh: () => SECRET, token: SECRET, minRefreshInterval: 0 } }, answer(401, SECRET)],
  [
    "failing bearer",
    { bearer: { refresh: () => Promise.reject(new Error("down")), token: SECRET, minRefreshInterval: 0 } },
    answer(401, SECRET),
  ],
  ["bad bearer", { bearer: { refresh: () => `${SECRET}\r\n` } }, ok("")],
  ["Digest", { digest: { username: SECRET, password: SECRET } }, answer(401, SECRET, CHALLENGE)],
  [
    "unproven Digest",
    { digest: { username: SECRET, password: SECRET, serverProof: "required" } },
    ok("", `authentication-info: nextnonce="${SECRET}"\r\n`),
  ],
];

test.each(AUTHS)("%s: nothing in responses, errors, sessions, traces or middleware", async (_name, auth, answers) => {
  const net = new FakeNet(() => answers);
  const session = net.session({ auth, trace, hopMiddleware: [noting] });
  const outcome = await run(
    net,
    session
      .get("http://a.test/")
      .text()
      .catch((error: unknown) => error),
  );
  expect(outcome).toSatisfy((value) => value === "" || value instanceof Error);
  if (outcome instanceof Error) note(outcome);
  const response = await run(
    net,
    session.get("http://a.test/", { auth }).catch((error: unknown) => error),
  );
  if (!(response instanceof Error))
    note((response as ClientResponse).request, (response as ClientResponse).request.headers);
  note(response, session, session.extend({}), { auth: inspect(session) });
  await turns();
  expectNothingSaid();
});

test("options that are refused do not repeat their secrets", () => {
  const bad: object[] = [
    { baseUrl: `http://ada:${SECRET}@a.test/no-slash?${SECRET}` },
    { baseUrl: `ftp://ada:${SECRET}@a.test/` },
    { headers: { authorization: `${SECRET}\r\n` } },
    { headers: { cookie: `${SECRET}\0` } },
    { auth: { username: "a:b", password: SECRET } },
    { auth: { username: `${SECRET}\n`, password: SECRET } },
    { auth: { username: `${SECRET}€`, password: SECRET, charset: "latin1" } },
    { auth: { bearer: `${SECRET} ` } },
    { auth: { bearer: { refresh: SECRET } } },
    { auth: { bearer: { refresh: () => SECRET, token: `${SECRET}\0` } } },
    { auth: { digest: { username: "a", password: `${SECRET}\0` } } },
    { auth: { username: SECRET, password: undefined } },
    { headers: HEADERS, timeout: -1 },
  ];
  for (const options of bad) {
    let thrown: unknown;
    try {
      new FakeNet().session(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UsageError);
    note(thrown);
  }
  expectNothingSaid();
});

test("development warnings name places and URLs, and no secrets", async () => {
  const net = new FakeNet(({ target }) =>
    target.startsWith("/large") ? `HTTP/1.1 200 \r\ncontent-length: 999999\r\n\r\n${SECRET}` : ok(""),
  );
  const session = net.session({ ...SESSION, unreadTimeout: 50 });
  await run(net, session.get(`http://ada:${SECRET}@a.test/large?x=${SECRET}`));
  await net.clock.advanceAsync(100);
  await turns();
  expectNothingSaid();
});

describe("the server's access log", () => {
  test.each(["common", "combined", "json"] as const)("%s", async (format) => {
    const app = new Application({
      accessLog: { format, write: (line: string) => note(line) },
      onError: (error: unknown) => note(error),
    });
    app.get("/path", () => ({ secret: SECRET }));
    app.post("/path", () => {
      throw new HttpError(422, "unprocessable");
    });
    const server = await app.listen({ port: 0, host: "127.0.0.1" });
    const session = closeAfter(new ClientSession({ ...SESSION, retry: 1, throttle: { requests: 1_000_000 } }));
    const base = `http://ada:${SECRET}@127.0.0.1:${new URL(server.url).port}`;
    const headers = { referer: `http://ada:${SECRET}@a.test/?${SECRET}` };
    await session.get(`${base}/path?key=${SECRET}`, { headers }).text();
    await session.get(`${base}/none?key=${SECRET}`, { headers });
    await session.post(`${base}/path?key=${SECRET}`, { json: { password: SECRET }, headers });
    await session.close();
    await server.close();
    await turns();
    expectNothingSaid();
  });
});
