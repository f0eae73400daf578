import { describe, expect, test } from "vitest";
import { type LogEntry, type LoggerOptions, logger } from "../../../src/client/middleware/logger.js";
import type { ClientSession } from "../../../src/client/session.js";
import { answer, FakeNet, ok, redirect, rejection, turns } from "../fake-net.js";

const URL_A = "http://user:secret@a.test/x?token=secret&page=2";
const SHOWN = "http://a.test/x?token=…&page=2";

interface Logged {
  readonly lines: string[];
  readonly entries: LogEntry[];
  readonly session: ClientSession;
}

function logged(net: FakeNet, options: LoggerOptions = {}, more: object = {}): Logged {
  const lines: string[] = [];
  const entries: LogEntry[] = [];
  const write = (line: string, entry: LogEntry): void => {
    lines.push(line);
    entries.push(entry);
  };
  const session = net.session({ middleware: [logger(write, options)], showQuery: ["page"], ...more });
  return { lines, entries, session };
}

const ALL = { events: ["start", "retry", "end", "failed"] } as const;

test("one line for each request: when, how much it matters, what was asked, what came of it", async () => {
  const net = new FakeNet((_seen, { clock }) => {
    clock.advance(12);
    return ok("");
  });
  const { lines, session } = logged(net);
  await session.get(URL_A).text();
  expect(lines).toEqual([`2026-01-01T00:00:00.012Z info #1 GET ${SHOWN} 200 in 12 ms`]);
});

test("as JSON it is the entry, on one line", async () => {
  const { lines, entries, session } = logged(new FakeNet(), { format: "json" });
  await session.post(URL_A, { json: { a: "secret" } });
  expect(JSON.parse(lines[0] ?? "")).toEqual(entries[0]);
  expect(entries[0]).toEqual({
    time: "2026-01-01T00:00:00.000Z",
    level: "info",
    event: "end",
    id: 1,
    method: "POST",
    url: SHOWN,
    ms: 0,
    sends: 1,
    status: 200,
  });
});

test("a start, each retry and the end are told where they are asked for", async () => {
  const net = new FakeNet((_seen, { seen }) => (seen.length < 3 ? answer(503) : ok("")));
  const { lines, session } = logged(net, ALL, { retry: { attempts: 3, baseDelay: 100, random: () => 0.5 } });
  const asked = session.get("http://a.test/").text();
  for (let step = 0; step < 20; step += 1) await net.clock.advanceAsync(10);
  await asked;
  expect(lines.map((line) => line.slice(25))).toEqual([
    "debug #1 GET http://a.test/ begins",
    "warn #1 GET http://a.test/ is tried again in 50 ms, attempt 2: status 503",
    "warn #1 GET http://a.test/ is tried again in 100 ms, attempt 3: status 503 after 2 sends",
    "info #1 GET http://a.test/ 200 in 150 ms after 3 sends",
  ]);
});

test("a failure tells its code, and is thrown as it was", async () => {
  const net = new FakeNet((seen) => {
    seen.connection.reset();
    return undefined;
  });
  const { lines, entries, session } = logged(net);
  const error = await rejection(session.get(URL_A));
  expect(entries[0]).toMatchObject({
    event: "failed",
    level: "error",
    code: error.code,
    error: `${error.name}: ${error.message}`,
  });
  expect(lines[0]).toContain(
    "failed in 0 ms (connection/lost): ConnectionLostError: GET http://a.test/x?token=…&page=2:",
  );
});

test("an abort is a failure without a code", async () => {
  const net = new FakeNet(() => undefined);
  const { entries, session } = logged(net);
  const controller = new AbortController();
  const lost = rejection(session.get(URL_A, { signal: controller.signal }));
  await turns();
  controller.abort(new Error("enough"));
  await lost;
  await turns();
  expect(entries).toMatchObject([{ event: "failed", error: "Error: enough" }]);
  expect(entries[0]).not.toHaveProperty("code");
});

describe("levels", () => {
  test("5xx is an error, 4xx a warning, the rest information", async () => {
    const statuses = [200, 304, 404, 500];
    const net = new FakeNet((_seen, { seen }) => answer(statuses[seen.length - 1] ?? 0));
    const { entries, session } = logged(net);
    for (const _ of statuses) await session.get(URL_A);
    expect(entries.map(({ level }) => level)).toEqual(["info", "info", "warn", "error"]);
  });

  test("level decides otherwise, or against the line", async () => {
    const net = new FakeNet(({ target }) => answer(target === "/health" ? 200 : 404));
    const { entries, session } = logged(net, {
      level: ({ status, url, level }) => (url.endsWith("/health") ? undefined : status === 404 ? "debug" : level),
    });
    await session.get("http://a.test/health");
    await session.get("http://a.test/other");
    expect(entries.map(({ url, level }) => [url, level])).toEqual([["http://a.test/other", "debug"]]);
  });
});

describe("secrets", () => {
  test("headers are shown where asked for, without those that are secret", async () => {
    const net = new FakeNet(() => ok("", "set-cookie: a=secret\r\nx-answer: 1\r\n"));
    const options = { headers: true, format: "json" } as const;
    const { lines, entries, session } = logged(net, options, { secretHeaders: ["x-key"] });
    await session.get("http://a.test/", {
      headers: { authorization: "Bearer secret", "x-key": "secret", "x-ok": "1" },
    });
    expect(lines.join()).not.toContain("secret");
    expect(JSON.stringify(entries[0]?.requestHeaders)).toContain("x-ok");
    expect(JSON.stringify(entries[0]?.responseHeaders)).toContain("x-answer");
  });

  test("neither user information nor query values stand in any line", async () => {
    const net = new FakeNet((_seen, { seen }) => (seen.length === 1 ? answer(503) : "garbage\r\n\r\n"));
    const { lines, session } = logged(net, { ...ALL, headers: true }, { retry: { attempts: 2, baseDelay: 0 } });
    const lost = rejection(session.get(URL_A));
    for (let step = 0; step < 5; step += 1) await net.clock.advanceAsync(1);
    await lost;
    expect(lines.length).toBe(3);
    expect(lines.join("\n")).not.toContain("secret");
  });
});

test("a line stays one line, whatever stands in an error", async () => {
  const { lines, session } = logged(
    new FakeNet(),
    {},
    {
      hopMiddleware: [() => Promise.reject(new Error("two\nlines\u001b[31m\u2028"))],
    },
  );
  await rejection(session.get(URL_A));
  expect(lines[0]).toContain("Error: two\\u000alines\\u001b[31m\\u2028");
});

test("in the hop stage each send is told", async () => {
  const net = new FakeNet(({ target }) => (target === "/y" ? ok("") : redirect(302, "/y")));
  const lines: string[] = [];
  const session = net.session({ hopMiddleware: [logger((line) => lines.push(line))] });
  await session.get("http://a.test/x");
  expect(lines.map((line) => line.split(" ").slice(4, 6).join(" "))).toEqual([
    "http://a.test/x 302",
    "http://a.test/y 200",
  ]);
});

test("of several loggers the outermost tells of retries, once", async () => {
  const net = new FakeNet((_seen, { seen }) => (seen.length === 1 ? answer(503) : ok("")));
  const outer: string[] = [];
  const inner: string[] = [];
  const session = net.session({
    middleware: [logger((_line, { event }) => outer.push(event))],
    hopMiddleware: [logger((_line, { event }) => inner.push(event))],
    retry: { attempts: 2, baseDelay: 0 },
  });
  const asked = session.get("http://a.test/").text();
  for (let step = 0; step < 3; step += 1) await net.clock.advanceAsync(1);
  await asked;
  expect([outer, inner]).toEqual([
    ["retry", "end"],
    ["end", "end"],
  ]);
});

test("a sink that throws does not touch the request", async () => {
  const thrown: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.once("uncaughtException", (error) => thrown.push(error));
  try {
    const fault = (): never => {
      throw new RangeError("mine");
    };
    const session = new FakeNet().session({ middleware: [logger(fault)] });
    expect((await session.get("http://a.test/")).status).toBe(200);
    await turns();
    expect(thrown).toMatchObject([{ message: "mine" }]);
  } finally {
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
});

test("options that are unknown or of the wrong kind are refused", () => {
  const sink = (): void => undefined;
  for (const bad of [{ sink }, { format: "xml" }, { events: ["begin"] }, { level: "info" }]) {
    expect(() => logger(sink, bad as unknown as LoggerOptions), JSON.stringify(bad)).toThrow(/Cannot use logger/);
  }
  expect(() => logger(undefined as never)).toThrow("Cannot use logger.sink: expected a function, received undefined");
});
