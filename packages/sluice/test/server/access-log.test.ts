import { afterEach, describe, expect, test, vi } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { ConnectionLostError } from "../../src/errors.js";
import type { AccessLogOptions } from "../../src/server/access-log/access-log.js";
import type { AccessLogEntry } from "../../src/server/access-log/entry.js";
import { Application } from "../../src/server/application.js";
import type { Reply } from "../../src/server/reply.js";
import { ask, FakeExchange, type FakeRequest } from "./fake-exchange.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** The line for one request, at 2026-02-03T04:05:06.789Z, answered after 12.5 ms. */
async function lineFor(
  options: AccessLogOptions,
  target: string,
  given: FakeRequest = {},
  method = "GET",
  trustProxy: readonly string[] = [],
): Promise<string> {
  const lines: string[] = [];
  const clock = new ManualClock({ wallTime: Date.UTC(2026, 1, 3, 4, 5, 6, 789) });
  const app = new Application({
    clock,
    trustProxy,
    onError: () => undefined,
    accessLog: { ...options, write: (line) => lines.push(line) },
  });
  app.get("/a/:b", () => {
    clock.advance(12.5);
    return "hello";
  });
  app.get("/fails", () => {
    throw new Error("x");
  });
  await ask(app.dispatch, method, target, given);
  expect(lines).toHaveLength(1);
  return lines[0] ?? "";
}

describe("Common and Combined", () => {
  test("have the well-known fields", async () => {
    const fields = ["Referer", "http://example.com/from", "User-Agent", "curl/8"];
    const start = '192.0.2.1 - - [03/Feb/2026:04:05:06 +0000] "GET /a/b HTTP/1.1" 200 5';
    expect(await lineFor({ format: "common" }, "/a/b", { fields })).toBe(start);
    expect(await lineFor({ format: "combined" }, "/a/b", { fields })).toBe(
      `${start} "http://example.com/from" "curl/8"`,
    );
    expect(await lineFor({}, "/a/b", { fields: [], version: 10 })).toBe(`${start.replace("1.1", "1.0")} "-" "-"`);
  });

  test("show errors and unknown paths, nothing sent as a dash, and a peer without address", async () => {
    expect(await lineFor({ format: "common" }, "/nowhere")).toMatch(/"GET \/nowhere HTTP\/1\.1" 404 \d+$/);
    expect(await lineFor({ format: "common" }, "/fails")).toMatch(/ 500 \d+$/);
    expect(await lineFor({ format: "common" }, "/a/b", {}, "OPTIONS")).toMatch(/ 204 -$/);
    expect(await lineFor({ format: "common" }, "*", {}, "OPTIONS")).toMatch(/"OPTIONS \* HTTP/);
    expect(await lineFor({ format: "common" }, "/a/b", { remoteAddress: undefined })).toMatch(/^- - - \[/);
  });
});

describe("secrets", () => {
  const fields = [
    "Referer",
    "http://u:pw@example.com/?token=secret#secret",
    "Authorization",
    "secret",
    "Cookie",
    "c=secret",
  ];

  test.each(["common", "combined", "json"] as const)(
    "%s shows no query values, user information, cookies",
    async (format) => {
      const line = await lineFor({ format }, "/a/b?token=secret&x=secret&secret", { fields });
      expect(line).toContain("/a/b?token=…&x=…&…");
      expect(line).not.toMatch(/secret|pw/);
    },
  );

  test("query values that may be shown are", async () => {
    const line = await lineFor({ showQuery: ["page"] }, "/a/b?page=2&token=secret", {
      fields: ["Referer", "http://example.com/?page=1&q=secret"],
    });
    expect(line).toContain("/a/b?page=2&token=… ");
    expect(line).toContain("?page=1&q=…");
    expect(line).not.toContain("secret");
  });

  test("a target that looks like an authority keeps its path", async () => {
    expect(await lineFor({ format: "common" }, "//a@b/c")).toContain('"GET //a@b/c HTTP/1.1"');
    expect(await lineFor({ format: "common" }, "http://u:pw@h/c?d=e")).toContain('"GET http://h/c?d=… HTTP/1.1"');
  });
});

describe("what clients write stays in its place", () => {
  const hostile = 'x" 200 5\\ \r\n\t\u001b[31m\u007f\u0085\u009b\u00e9';

  test("Combined escapes quotes, backslashes, control and non-ASCII characters", async () => {
    const line = await lineFor({}, "/a/b", { fields: ["User-Agent", hostile, "Referer", hostile] });
    expect(line).toMatch(/^[ -~]*$/);
    expect(line).toContain('"x\\" 200 5\\\\ \\x0d\\x0a\\x09\\x1b[31m\\x7f\\x85\\x9b\\xe9"');
    expect(line.match(/(?<!\\)"/g)).toHaveLength(6);
  });

  test("JSON is one line, without characters that terminals obey, and reads back", async () => {
    const line = await lineFor({ format: "json" }, "/a/b", { fields: ["User-Agent", hostile] });
    expect(line).toMatch(/^[ -~\u00a0-\u2027\u202a-\uffff]*$/);
    expect(JSON.parse(line).userAgent).toBe(hostile);
  });

  test("the target is escaped as well", async () => {
    const line = await lineFor({ format: "common" }, '/a/"b\\');
    expect(line).toContain('"GET /a/\\"b\\\\ HTTP/1.1"');
  });
});

test("a JSON line says what there is to say", async () => {
  const fields = ["Host", "h", "User-Agent", "curl/8", "Referer", "http://example.com/", "X-Request-Id", "ignored"];
  expect(JSON.parse(await lineFor({ format: "json" }, "/a/b?c=d", { fields }))).toEqual({
    time: "2026-02-03T04:05:06.789Z",
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    remote: "192.0.2.1",
    method: "GET",
    target: "/a/b?c=…",
    route: "/a/:b",
    version: "1.1",
    status: 200,
    bytes: 5,
    ms: 12.5,
    referer: "http://example.com/",
    userAgent: "curl/8",
  });
});

test("an answer that broke off names its error", async () => {
  const lines: string[] = [];
  const app = new Application({ accessLog: { format: "json", write: (line) => lines.push(line) } });
  app.get("/", () => "hello");
  const reply = app.dispatch(new FakeExchange("GET", "/")) as Reply;
  reply.onSent?.(2, new ConnectionLostError("net/reset", "reset by peer"));
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ status: 200, bytes: 2, error: "net/reset" });
});

test("a sink that throws is reported and hurts nobody", async () => {
  const onError = vi.fn();
  const full = new Error("disk full");
  const write = () => {
    throw full;
  };
  const app = new Application({ onError, accessLog: { write } });
  app.get("/", () => "hello");
  expect((await ask(app.dispatch, "GET", "/")).text).toBe("hello");
  expect(onError.mock.calls[0]?.[0]).toBe(full);
});

test("lines go to standard output unless told otherwise, and an unknown format is refused", async () => {
  const written = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  new Application({ accessLog: false });
  const app = new Application({ accessLog: true });
  await ask(app.dispatch, "GET", "/");
  expect(written.mock.calls[0]?.[0]).toMatch(/ 404 \d+ "-" "-"\n$/);
  const format = "xml" as unknown as "json";
  expect(() => new Application({ accessLog: { format } })).toThrow(
    expect.objectContaining({ code: "options/unknown-value" }),
  );
});

describe("a pattern", () => {
  test.each<[string, string]>([
    ["%a|%m|%U|%H|%s|%b|%B", "192.0.2.1|GET|/a/b|HTTP/1.1|200|5|5"],
    ["%t", "[03/Feb/2026:04:05:06 +0000]"],
    ["%r", "GET /a/b?q=… HTTP/1.1"],
    ["%T %Tf %D", "0 0.012500 12500"],
    ["100%% %P", `100% ${process.pid}`],
    ["%R %L", "/a/:b the-id"],
    ["%{User-Agent}i %{x-none}i %{Content-Type}o", "curl/8 - text/plain; charset=utf-8"],
    ["%{SLUICE_TEST_VALUE}e %{SLUICE_TEST_NONE}e", 'a\\"b -'],
    ["%Tfast%Ts", "0.012500ast0s"],
    [
      '%a %t "%r" %s %b "%{Referer}i" "%{User-Agent}i"',
      "192.0.2.1 [03/Feb/2026:04:05:06 +0000] " + '"GET /a/b?q=… HTTP/1.1" 200 5 "http://example.com/?t=…" "curl/8"',
    ],
  ])("%s", async (format, expected) => {
    vi.stubEnv("SLUICE_TEST_VALUE", 'a"b');
    const fields = ["Referer", "http://example.com/?t=secret", "User-Agent", "curl/8", "X-Request-Id", "the-id"];
    const line = await lineFor({ format: format as `${string}%${string}` }, "/a/b?q=secret", { fields }, "GET", [
      "192.0.2.1",
    ]);
    expect(line).toBe(expected);
    vi.unstubAllEnvs();
  });

  test("shows no credentials, nor fields that are to be hidden, and escapes what clients wrote", async () => {
    const fields = ["Authorization", "Basic secret", "Cookie", "a=secret", "X-Key", "secret", "X-Odd", 'a"\\b\u00e9'];
    const format = "%{authorization}i %{COOKIE}i %{x-key}i %{x-odd}i %{set-cookie}o";
    expect(await lineFor({ format, hideHeaders: ["X-KEY"] }, "/a/b", { fields })).toBe('… … … a\\"\\\\b\\xe9 -');
  });

  test("shows dashes for what there is not", async () => {
    expect(await lineFor({ format: "%a %R %b" }, "/nowhere", { remoteAddress: undefined })).toMatch(/^- - \d+$/);
    expect(await lineFor({ format: "%b %B" }, "/a/b", {}, "OPTIONS")).toBe("- 0");
  });

  test.each(["%y", "%{x}z", "%", "100% of", "%{x"])("with %s is refused", (format) => {
    expect(() => new Application({ accessLog: { format: format as `${string}%${string}` } })).toThrow(
      expect.objectContaining({ code: "options/unknown-value" }),
    );
  });
});

describe("what is logged", () => {
  function logged(options: AccessLogOptions) {
    const lines: [string, AccessLogEntry][] = [];
    const onError = vi.fn();
    const app = new Application({
      onError,
      accessLog: { write: (line, entry) => lines.push([line, entry]), ...options },
    });
    app.get("/", () => "hello");
    app.get("/health", () => "ok");
    return { lines, onError, get: (target: string) => ask(app.dispatch, "GET", target) };
  }

  test("fields of one's own join the object, replace its members and leave them out", async () => {
    const fields = ({ status, reply, request }: AccessLogEntry) => ({
      ok: status < 400,
      type: reply.headers.get("content-type"),
      method: request.method.toLowerCase(),
      id: undefined,
    });
    const { lines, get } = logged({ format: "json", fields });
    await get("/");
    const line = JSON.parse(lines[0]?.[0] ?? "");
    expect(line).toMatchObject({ ok: true, type: "text/plain; charset=utf-8", method: "get", status: 200 });
    expect(line).not.toHaveProperty("id");
  });

  test("what is skipped has no line, and what skip throws is reported", async () => {
    const { lines, get } = logged({ skip: ({ request, status }) => request.path === "/health" && status < 400 });
    await get("/health");
    await get("/");
    expect(lines.map(([line]) => line)).toEqual([expect.stringContaining('"GET / HTTP/1.1" 200 5')]);
    const failing = logged({
      skip: () => {
        throw new Error("x");
      },
    });
    expect((await failing.get("/")).status).toBe(200);
    expect(failing.onError).toHaveBeenCalledOnce();
    expect(failing.lines).toEqual([]);
  });

  test("a sink gets what the line was made of, too", async () => {
    const { lines, get } = logged({});
    await get("/");
    expect(lines[0]?.[1]).toMatchObject({ status: 200, bodyBytes: 5, remoteAddress: "192.0.2.1", error: undefined });
  });

  test.each<[object, string]>([
    [{ fields: () => ({}) }, "options/unknown-value"],
    [{ format: "json", fields: {} }, "options/unknown-value"],
    [{ skip: "health" }, "options/unknown-value"],
    [{ write: "file" }, "options/unknown-value"],
    [{ formt: "json" }, "options/unknown"],
  ])("%j is refused", (accessLog, code) => {
    expect(() => new Application({ accessLog })).toThrow(expect.objectContaining({ code }));
  });
});
