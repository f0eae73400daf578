/** `sluice get` and its siblings against a server of node:http, in this process: what is sent, and what is shown where. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { runProgram } from "../src/program.js";
import { FakeIo, type FakeIoOptions } from "./support/fake-io.js";
import { emptyFolder } from "./support/folder.js";
import { bodyOf, serve } from "./support/server.js";

const TERMINAL = { terminal: true, env: { TERM: "xterm", NO_COLOR: "1" } };

async function sluice(args: readonly string[], options?: FakeIoOptions) {
  const io = new FakeIo(options);
  const code = await runProgram(args, io);
  expect(io.listening, "listeners to signals").toBe(0);
  return { code, out: io.out.text, err: io.err.text, bytes: Buffer.concat(io.out.chunks) };
}

describe("in a pipe", () => {
  test("there are the bytes of the body and nothing else", async () => {
    const body = Uint8Array.of(0, 0xff, 0x1b, 0x0a);
    const { url } = await serve((_request, response) => response.end(body));
    const { code, bytes, err } = await sluice(["get", url]);
    expect({ code, err, body: [...bytes] }).toEqual({ code: 0, err: "", body: [...body] });
  });

  test("JSON is not laid out, and a content coding is undone", async () => {
    const { gzipSync } = await import("node:zlib");
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
      response.end(gzipSync('{"a":[1,2]}'));
    });
    expect((await sluice(["get", url])).out).toBe('{"a":[1,2]}');
  });

  test("--include puts the head before it, and HEAD has nothing but its head", async () => {
    const { url } = await serve((_request, response) => {
      response.setHeader("x-test", "1");
      response.end("body");
    });
    const { out } = await sluice(["get", "-i", url]);
    expect(out).toMatch(/^HTTP\/1\.1 200 OK\n(?:[^\n]+\n)*x-test: 1\n(?:[^\n]+\n)*\nbody$/i);
    expect((await sluice(["head", url])).out).toMatch(/^HTTP\/1\.1 200 OK\n[\s\S]*\n\n$/);
  });
});

describe("on a terminal", () => {
  test("the head is shown, JSON is laid out and in colour", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(404, { "content-type": "application/json" });
      response.end('{"a":1}');
    });
    const plain = await sluice(["get", url], TERMINAL);
    expect(plain.code).toBe(0);
    expect(plain.out).toMatch(
      /^HTTP\/1\.1 404 Not Found\n[\s\S]*content-type: application\/json\n[\s\S]*\n\n\{\n {2}"a": 1\n\}\n$/i,
    );
    expect(plain.out).not.toContain("\u001b");
    const coloured = await sluice(["get", url], { terminal: true, env: { TERM: "xterm" } });
    expect(coloured.out).toContain('\u001b[36m"a"\u001b[39m: \u001b[33m1\u001b[39m');
    expect(coloured.out.startsWith("\u001b[31m")).toBe(true);
  });

  test("what a server sends cannot act on the terminal", async () => {
    const { url } = await serve((_request, response) => {
      response.setHeader("content-type", "text/plain");
      response.end("a\u001b]52;c;ZXZpbA==\u0007b\u009b2J\n");
    });
    const { out } = await sluice(["get", url], TERMINAL);
    expect(out.endsWith("a\uFFFD]52;c;ZXZpbA==\uFFFDb\uFFFD2J\n")).toBe(true);
  });

  test("a body that is no text is refused with a hint, and is a failure", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "image/png", "content-length": 4 });
      response.end(Uint8Array.of(0x89, 0x50, 0, 0));
    });
    const { code, out, err } = await sluice(["get", url], TERMINAL);
    expect(code).toBe(1);
    expect(out).toMatch(/\n\n$/);
    expect(err).toBe("The body is not text (image/png, 4 B): save it with -o FILE, or send it through a pipe\n");
  });
});

describe("what is sent", () => {
  test.each([
    ["get", [], "GET", "", undefined],
    ["post", ["-d", "text"], "POST", "text", "text/plain;charset=UTF-8"],
    ["post", ["--json", '{"n":1.0}'], "POST", '{"n":1.0}', "application/json"],
    ["post", ["--json", "1", "-H", "Content-Type: application/x+json"], "POST", "1", "application/x+json"],
    [
      "put",
      ["--form", "a=1", "--form", "b=x&y"],
      "PUT",
      "a=1&b=x%26y",
      "application/x-www-form-urlencoded;charset=UTF-8",
    ],
    ["patch", ["-d", "@-"], "PATCH", "from stdin", undefined],
    ["delete", [], "DELETE", "", undefined],
    ["options", [], "OPTIONS", "", undefined],
    ["query", ["-d", "q"], "QUERY", "q", "text/plain;charset=UTF-8"],
    ["request", ["-X", "purge"], "PURGE", "", undefined],
    ["request", [], "GET", "", undefined],
  ])("by %s %j is %s with the body %j", async (command, args, method, body, type) => {
    const got: string[] = [];
    // QUERY is younger than the parser of node:http in some versions: an own look at the bytes.
    const { createServer: createTcpServer } = await import("node:net");
    let wire = "";
    const server = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (piece) => {
        wire += piece.toString("latin1");
        const headEnd = wire.indexOf("\r\n\r\n");
        if (headEnd === -1) return;
        const chunked = /transfer-encoding: chunked/i.test(wire);
        const length = Number(/content-length: (\d+)/i.exec(wire)?.[1] ?? 0);
        if (chunked ? !wire.endsWith("0\r\n\r\n") : wire.length < headEnd + 4 + length) return;
        got.push(wire.slice(headEnd + 4));
        socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const { code, err } = await sluice([command, ...args, `http://127.0.0.1:${port}/x`], { stdin: "from stdin" });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(wire.split(" ")[0]).toBe(method);
    expect(/^content-type: (.*)\r$/im.exec(wire)?.[1]).toBe(type);
    expect(got.join("").replace(/^[0-9a-f]+\r\n([\s\S]*)\r\n0\r\n\r\n$/, "$1")).toBe(body);
  });

  test("has a file's content, small or large, and its credentials in the field they belong to", async () => {
    const sizes: number[] = [];
    const { url, seen } = await serve(async (request, response) => {
      sizes.push((await bodyOf(request)).length);
      response.end();
    });
    const folder = await emptyFolder();
    await writeFile(join(folder, "small"), "x".repeat(1_000));
    await writeFile(join(folder, "large"), "x".repeat(1_100_000));
    await sluice(["put", url, "-d", `@${join(folder, "small")}`, "-u", "ada:pass:word"]);
    await sluice(["put", url, "-d", `@${join(folder, "large")}`]);
    expect(sizes).toEqual([1_000, 1_100_000]);
    expect(seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from("ada:pass:word").toString("base64")}`);
  });

  test("goes through a Unix socket if told so", async () => {
    const path = join(await emptyFolder(), "socket");
    const server = createServer((request, response) => response.end(`host ${request.headers.host}`));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    expect((await sluice(["get", "--unix-socket", path, "http://example.com/x"])).out).toBe("host example.com");
  });
});

describe("the outcome", () => {
  test("is fine for any answer, and with --fail only below 400", async () => {
    const { url } = await serve((request, response) => {
      response.statusCode = Number(request.url?.slice(1));
      response.end("body");
    });
    const codes = async (...args: string[]) =>
      Promise.all(
        ["399", "400", "503"].map(async (status) => (await sluice(["get", ...args, `${url}/${status}`])).code),
      );
    expect(await codes()).toEqual([0, 0, 0]);
    expect(await codes("--fail")).toEqual([0, 1, 1]);
  });

  test("without an answer is one line and 1, without secrets", async () => {
    const { code, out, err } = await sluice(["get", "http://ada:secret@127.0.0.1:1/?token=secret"]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^sluice: GET http:\/\/127\.0\.0\.1:1\/\?token=…: [^\n]+\n$/);
  });

  test("of a request that takes too long is 1, whether head or body is late", async () => {
    const { url } = await serve((request, response) => {
      if (request.url === "/body") response.write("half");
    });
    for (const path of ["head", "body"]) {
      const { code, err } = await sluice(["get", "--timeout", "150ms", `${url}/${path}`]);
      expect(code).toBe(1);
      expect(err).toMatch(/^sluice: [^\n]*150 ms[^\n]*\(timeout\.total\)\n$/);
    }
  });

  test("of redirects is where they lead, or the redirect itself with --no-follow", async () => {
    const { url } = await serve((request, response) => {
      if (request.url === "/from") response.writeHead(302, { location: "/to" });
      response.end(request.url);
    });
    expect((await sluice(["get", `${url}/from`])).out).toBe("/to");
    expect((await sluice(["get", "-L", `${url}/from`])).out).toBe("/to");
    expect((await sluice(["get", "--no-follow", `${url}/from`])).out).toBe("/from");
  });

  test("of a redirect that leads nowhere is a failure, not wrong usage", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(302, { location: "ftp://example.com/" });
      response.end();
    });
    const { code, err } = await sluice(["get", url]);
    expect(code).toBe(1);
    expect(err).toMatch(/^sluice: [^\n]+\n$/);
  });

  test("of a signal is 130, and nothing is left of a file that was being saved", async () => {
    const { url, seen } = await serve((_request, response) => void response.write("half"));
    const folder = await emptyFolder();
    const io = new FakeIo();
    const running = runProgram(["get", url, "-o", join(folder, "file")], io);
    while (seen.length === 0 || (await readdir(folder)).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    io.signal();
    expect(await running).toBe(130);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("--output", () => {
  test("saves the body, whatever it is, and says so on a terminal", async () => {
    const { url } = await serve((_request, response) => response.end(Uint8Array.of(0, 1, 2)));
    const path = join(await emptyFolder(), "file");
    const piped = await sluice(["get", url, "-o", path]);
    expect([piped.out, piped.err]).toEqual(["", ""]);
    expect([...(await readFile(path))]).toEqual([0, 1, 2]);
    const { code, out, err } = await sluice(["get", url, "-o", path], TERMINAL);
    expect({ code, err }).toEqual({ code: 0, err: `Saved 3 B to ${path}\n` });
    expect(out).toMatch(/^HTTP\/1\.1 200 OK\n/);
  });

  test("where no file can be is told before anything is asked for", async () => {
    const { url, seen } = await serve((_request, response) => response.end());
    const folder = await emptyFolder();
    await writeFile(join(folder, "file"), "");
    for (const [path, said] of [
      [folder, `Cannot save to ${folder}: it is a directory`],
      [join(folder, "none", "file"), `Cannot save into ${join(folder, "none")}: there is no such file`],
      [join(folder, "file", "b"), `Cannot save to ${join(folder, "file", "b")}: ${join(folder, "file")} is no folder`],
    ] as const) {
      expect(await sluice(["get", url, "-o", path])).toMatchObject({ code: 2, err: `sluice: ${said}\n` });
    }
    expect(seen).toEqual([]);
  });

  test("saves no error with --fail", async () => {
    const { url } = await serve((_request, response) => {
      response.statusCode = 500;
      response.end("oops");
    });
    const folder = await emptyFolder();
    const { code, out } = await sluice(["get", url, "--fail", "-o", join(folder, "file")]);
    expect({ code, out }).toEqual({ code: 1, out: "oops" });
    expect(await readdir(folder)).toEqual([]);
  });
});

test("--verbose shows every request line, and where the time went, on standard error", async () => {
  const { url } = await serve((request, response) => {
    if (request.url === "/from?a=b") response.writeHead(302, { location: "/to" });
    response.end("body");
  });
  const { out, err } = await sluice(["get", "-v", `${url}/from?a=b`, "-H", "x-a: 1", "-u", "ada:secret"]);
  expect(out).toBe("body");
  expect(err).toContain("> GET /from?a=b HTTP/1.1\n");
  expect(err).toContain("> x-a: 1\n");
  expect(err).toContain("< HTTP/1.1 302, to /to\n");
  expect(err).toContain("> GET /to HTTP/1.1\n");
  expect(err).toContain("< HTTP/1.1 200 OK\n");
  expect(err).not.toContain("sends in all");
  expect(err).not.toContain(Buffer.from("ada:secret").toString("base64"));
  for (const phase of ["queued", "dns", "connect", "tls", "send", "wait", "receive", "total"]) {
    expect(err).toMatch(new RegExp(`^${phase} +(?:–|[\\d.]+ m?s)$`, "m"));
  }
});

test("--verbose counts the sends that it does not show, and has no status where the head is shown anyway", async () => {
  let asked = 0;
  const { url } = await serve((_request, response) => {
    asked += 1;
    if (asked < 3) response.writeHead(503, { "retry-after": "0" });
    response.end();
  });
  const { err } = await sluice(["get", "-v", url, "--retries", "2"]);
  expect(err).toContain("> 3 sends in all: --trace shows each\n< HTTP/1.1 200 OK\n");
  for (const shown of [await sluice(["get", "-v", "-i", url]), await sluice(["get", "-v", url], TERMINAL)]) {
    expect(shown.out).toMatch(/^HTTP\/1\.1 200 OK\n/);
    expect(shown.err).not.toContain("< HTTP/1.1");
  }
});

test("a URL of this machine needs no scheme", async () => {
  const { url } = await serve((request, response) => response.end(request.url));
  const { host, port } = new URL(url);
  expect(await sluice(["get", `${host}/a`])).toMatchObject({ code: 0, out: "/a" });
  expect(await sluice(["post", `:${port}/b`])).toMatchObject({ code: 0, out: "/b" });
});
