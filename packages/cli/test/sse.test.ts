/** `sluice sse` against a server of node:http, in this process. */
import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { runProgram } from "../src/program.js";
import { eventLine, eventText, structured } from "../src/sse/event-text.js";
import { ANSI_COLOURS, NO_COLOURS } from "../src/terminal/colours.js";
import { FakeIo, type FakeIoOptions } from "./support/fake-io.js";
import { serve } from "./support/server.js";

const TERMINAL = { terminal: true, env: { TERM: "xterm", NO_COLOR: "1" } };

async function sse(args: readonly string[], options?: FakeIoOptions) {
  const io = new FakeIo(options);
  const code = await runProgram(["sse", ...args], io);
  expect(io.listening, "listeners to signals").toBe(0);
  return { code, out: io.out.text, err: io.err.text };
}

function stream(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(text);
}

describe("in a pipe", () => {
  test("each event is a line of JSON: objects and arrays as they are, anything else as text", async () => {
    const { url } = await serve((_request, response) => {
      stream(response, 'id: 1\nevent: price\ndata: {"eur":1}\n\ndata: 12\n\ndata: [1]\n\ndata: {no\n\n');
    });
    const { code, out, err } = await sse([url, "--no-reconnect"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe(
      [
        '{"event":"price","id":"1","data":{"eur":1}}\n',
        '{"event":"message","id":"1","data":"12"}\n',
        '{"event":"message","id":"1","data":[1]}\n',
        '{"event":"message","id":"1","data":"{no"}\n',
      ].join(""),
    );
  });

  test("-n ends it, and its connection", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: a\n\ndata: b\n\ndata: c\n\n");
    });
    const { code, out } = await sse([url, "-n", "2"]);
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n")).toHaveLength(2);
  });

  test("--event passes others over, which do not count", async () => {
    const { url } = await serve((_request, response) => {
      stream(response, "event: a\ndata: 1\n\nevent: b\ndata: 2\n\nevent: c\ndata: 3\n\nevent: a\ndata: 4\n\n");
    });
    const { out } = await sse([url, "--event", "a", "--event", "c", "-n", "2"]);
    expect(out).toBe('{"event":"a","id":"","data":"1"}\n{"event":"c","id":"","data":"3"}\n');
  });
});

describe("the request", () => {
  test("asks for events, with items, cookies and where to go on", async () => {
    const { url, seen } = await serve((_request, response) => stream(response, "data: 1\n\n"));
    await sse([`${url}/feed`, "room==tea", "X-Test:1", "--cookie", "a=b", "--last-event-id", "7", "-n", "1"]);
    expect(seen[0]).toMatchObject({
      path: "/feed?room=tea",
      headers: { accept: "text/event-stream", "x-test": "1", cookie: "a=b", "last-event-id": "7" },
    });
  });

  test("another connection goes on behind the last event; 204 ends it", async () => {
    let requests = 0;
    const { url, seen } = await serve((_request, response) => {
      requests += 1;
      if (requests === 1) stream(response, "retry: 1\nid: 9\ndata: one\n\n");
      else response.writeHead(204).end();
    });
    const { code, out, err } = await sse([url]);
    expect({ code, err, out }).toEqual({ code: 0, err: "", out: '{"event":"message","id":"9","data":"one"}\n' });
    expect(seen.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "9"]);
  });

  test("on a terminal it is said that it connects again", async () => {
    let requests = 0;
    const { url } = await serve((_request, response) => {
      requests += 1;
      if (requests === 1) stream(response, "retry: 1\ndata: one\n\n");
      else response.writeHead(204).end();
    });
    const { err } = await sse([url], TERMINAL);
    expect(err).toMatch(/^The connection has ended; connecting again in .+\n$/);
  });
});

describe("failures", () => {
  test("an error status ends it with 1, and what was said", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(404, { "content-type": "text/plain" }).end("No such\nchannel\n");
    });
    const { code, out, err } = await sse([url]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^sluice: GET .+: Answered 404 Not Found\nNo such channel\n$/);
  });

  test("what is no event stream ends it with 1", async () => {
    const { url } = await serve((_request, response) => response.end("hello"));
    expect((await sse([url])).code).toBe(1);
  });

  test("the first connection has to succeed", async () => {
    const { code, err } = await sse(["http://127.0.0.1:1/"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^sluice: GET http:\/\/127\.0\.0\.1:1\/: /);
  });

  test.each([
    [["http://a/", "name=x"], "Cannot send a body here: items are name==value and Header:value"],
    [["http://a/", "-n", "0"], 'Cannot use --count: expected a whole number, 1 or more, received "0"'],
    [["http://a/", "--compress", "gzip"], "Unknown option '--compress'"],
    [["http://a/", "--retries", "3"], "Unknown option '--retries'"],
    [[], "Missing required argument 'url'"],
  ])("wrong usage: sse %j", async (args, message) => {
    const { code, err } = await sse(args);
    expect({ code, err: err.slice(0, message.length + 8) }).toEqual({ code: 2, err: `sluice: ${message}` });
  });

  test("Ctrl-C ends it with 130", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    });
    const io = new FakeIo();
    const ended = runProgram(["sse", url], io);
    await expect.poll(() => io.out.text).not.toBe("");
    io.signal();
    expect(await ended).toBe(130);
    expect(io.listening).toBe(0);
  });
});

describe("as text", () => {
  test("on a terminal: type and id, then the data, JSON laid out", () => {
    const event = { event: "price", id: "7", data: '{"eur":1}' };
    expect(eventText(event, NO_COLOURS)).toBe('price id 7\n{\n  "eur": 1\n}\n\n');
    expect(eventText({ ...event, id: "", data: "a\nb" }, NO_COLOURS)).toBe("price\na\nb\n\n");
    expect(eventText(event, ANSI_COLOURS)).toContain("\u001b[36mprice\u001b[39m");
  });

  test("what a server sends cannot act on the terminal", () => {
    const text = eventText({ event: "a\u001b[2J", id: "\u0007", data: "\u009bx\n\u001b]0;x" }, NO_COLOURS);
    expect(text).toBe("a\uFFFD[2J id \uFFFD\n\uFFFDx\n\uFFFD]0;x\n\n");
  });

  test("a line of JSON stays one line", () => {
    expect(eventLine({ event: "m", id: "", data: "a\nb\u2028" })).toBe('{"event":"m","id":"","data":"a\\nb\u2028"}\n');
  });

  test("only objects and arrays are taken for structure", () => {
    expect(["1", '"a"', "null", "true", "{", "[1", " [1]", '{"a":1}'].map(structured)).toEqual([
      ...Array.from({ length: 6 }, () => undefined),
      [1],
      { a: 1 },
    ]);
  });
});
