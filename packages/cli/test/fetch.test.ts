/** `sluice fetch` against a server of node:http, in this process: what it sends, takes, reports, and when. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { runProgram } from "../src/program.js";
import { FakeIo, type FakeIoOptions } from "./support/fake-io.js";
import { emptyFolder } from "./support/folder.js";
import { bodyOf, serve } from "./support/server.js";
import { jsonLines } from "./support/sluice-process.js";

async function fetchIn(args: readonly string[], options?: FakeIoOptions) {
  const io = new FakeIo(options);
  const code = await runProgram(["fetch", ...args], io);
  expect(io.listening, "listeners to signals").toBe(0);
  return { code, out: io.out.text, err: io.err.text };
}

/** The records in the order of the input. */
function records(out: string): Record<string, unknown>[] {
  return jsonLines(out).sort((one, other) => Number(one["index"]) - Number(other["index"]));
}

/** The control characters in a text that a terminal would act on. */
const escapes = (text: string): string[] => text.match(/(?!\n)\p{Cc}/gu) ?? [];

const numbered = (url: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${url}/${at}`);

describe("outcomes", () => {
  test("come as JSON lines in a pipe, failures among them, and a summary on standard error", async () => {
    const { url } = await serve((request, response) => {
      response.statusCode = request.url === "/missing" ? 404 : 200;
      response.setHeader("content-type", "text/plain");
      response.end("hello");
    });
    const { code, out, err } = await fetchIn([`${url}/a`, `${url}/missing`, "http://127.0.0.1:1/", "nope", `${url}/a`]);
    expect(code).toBe(1);
    const found = records(out);
    expect(found.map(({ ok }) => ok)).toEqual([true, false, false, false, true]);
    expect(found[0]).toMatchObject({ url: `${url}/a`, status: 200, size: 5, contentType: "text/plain", sends: 1 });
    expect(found[1]).toMatchObject({ status: 404, size: 5 });
    expect(found[2]).toMatchObject({ error: { code: "connect/refused" } });
    expect(found[3]).toMatchObject({ url: "nope", error: { code: "url/invalid" } });
    expect(err).toContain("5 done in ");
    expect(err).toContain("2 fine, 3 failed");
    expect(err).toMatch(/latency {3}p50 .* p90 .* p99 .* max /);
    expect(err).toContain("statuses  2xx 2  4xx 1");
    expect(err).toMatch(/errors {4}.*connect\/refused 1/);
    expect(escapes(out + err)).toEqual([]);
  });

  test("below 400 are fine: exit code 0, and nothing on standard error with --quiet", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(302, { location: "/elsewhere" });
      response.end();
    });
    const { code, out, err } = await fetchIn([url, "--no-follow", "-q"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(records(out)[0]).toMatchObject({ status: 302, ok: true });
  });

  test("of redirects say where they led, and count every send", async () => {
    const { url } = await serve((request, response) => {
      if (request.url === "/from") response.writeHead(302, { location: "/to", "set-cookie": "a=b" });
      response.end();
    });
    const { out } = await fetchIn([`${url}/from`]);
    expect(records(out)[0]).toMatchObject({ url: `${url}/from`, finalUrl: `${url}/to`, sends: 2 });
  });

  test("on a terminal are rows of a table, and progress is out of their way", async () => {
    const { url } = await serve((_request, response) => void setTimeout(() => response.end("x"), 150));
    const { out, err } = await fetchIn([`${url}/a`, `${url}/b`, "-c", "1"], { terminal: true, env: { TERM: "xterm" } });
    expect(out).toContain("STATUS");
    expect(out).toContain("\u001b[32m200   \u001b[39m");
    expect(err).toMatch(/\r\d\/2 done {2}1 in flight/);
    expect(err).toMatch(/\r +\r/);
    const plain = await fetchIn([url], { terminal: true, env: { TERM: "xterm", NO_COLOR: "1" } });
    expect(plain.out + plain.err).not.toContain("\u001b");
    const dumb = await fetchIn([url], { terminal: true, env: { TERM: "dumb" } });
    expect(escapes(dumb.out + dumb.err)).toEqual([]);
  });

  test("do not show query values in errors, but those that --show-query names", async () => {
    const target = "http://127.0.0.1:1/?token=secret&page=open";
    const hidden = records((await fetchIn([target])).out)[0];
    expect(JSON.stringify(hidden?.["error"])).not.toMatch(/secret|open/);
    const shown = records((await fetchIn([target, "--show-query", "page"])).out)[0];
    expect(JSON.stringify(shown?.["error"])).toContain("page=open");
    expect(JSON.stringify(shown?.["error"])).not.toContain("secret");
    expect(shown?.["url"]).toBe(target);
  });

  test("have bodies where that is asked for, as text or base64", async () => {
    const { url } = await serve((request, response) =>
      response.end(request.url === "/text" ? "ü" : Uint8Array.of(0xff, 0)),
    );
    const { out } = await fetchIn([`${url}/text`, `${url}/bytes`, "--body"]);
    expect(records(out)).toMatchObject([{ body: "ü" }, { body: "/wA=", bodyEncoding: "base64" }]);
  });
});

describe("inputs", () => {
  test("come from a file, and from standard input", async () => {
    const { url, seen } = await serve((_request, response) => response.end());
    const file = join(await emptyFolder(), "urls.txt");
    await writeFile(file, `# two\n\n${url}/1\n  ${url}/2  \n`);
    expect((await fetchIn(["-i", file])).code).toBe(0);
    expect((await fetchIn(["-i", "-"], { stdin: `${url}/3\n${url}/3\n` })).code).toBe(0);
    expect(seen.map(({ path }) => path).sort()).toEqual(["/1", "/2", "/3", "/3"]);
  });

  test("that are too long for a URL fail alone", async () => {
    const { url } = await serve((_request, response) => response.end());
    const { code, out } = await fetchIn(["-i", "-"], { stdin: `${"x".repeat(70_000)}\n${url}/2\n` });
    expect(code).toBe(1);
    expect(records(out)).toMatchObject([{ error: { code: "input/line-too-long" } }, { ok: true }]);
    expect(JSON.stringify(records(out)[0]?.["error"]).length).toBeLessThan(300);
  });
});

describe("requests", () => {
  test("have the method, fields and body that were asked for", async () => {
    const bodies: string[] = [];
    const { url, seen } = await serve(async (request, response) => {
      bodies.push(await bodyOf(request));
      response.end();
    });
    await fetchIn([
      url,
      "-H",
      "x-a: 1",
      "-H",
      "x-b:2",
      "--user-agent",
      "me/1",
      "-X",
      "put",
      "--json",
      '{"n":12345678901234567890}',
    ]);
    expect(seen[0]).toMatchObject({
      method: "PUT",
      headers: { "x-a": "1", "x-b": "2", "user-agent": "me/1", "content-type": "application/json" },
    });
    await fetchIn([url, "-d", "text"]);
    expect(seen[1]?.method).toBe("POST");
    const file = join(await emptyFolder(), "body.bin");
    await writeFile(file, "from a file");
    await fetchIn([url, url, "-d", `@${file}`, "-H", "content-type: text/x"]);
    expect(seen[2]?.headers["content-type"]).toBe("text/x");
    expect(bodies).toEqual(['{"n":12345678901234567890}', "text", "from a file", "from a file"]);
  });

  test("carry no cookie that an earlier answer has set", async () => {
    const { url, seen } = await serve((_request, response) => {
      response.setHeader("set-cookie", "a=b");
      response.end();
    });
    await fetchIn([url, url, "-c", "1"]);
    expect(seen.map(({ headers }) => headers.cookie)).toEqual([undefined, undefined]);
  });

  test("that cannot be made for any input end the command with 2 and one line", async () => {
    const { url, seen } = await serve((_request, response) => response.end());
    const { code, out, err } = await fetchIn([url, url, "-H", "transfer-encoding: chunked"]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^sluice: [^\n]*transfer-encoding[^\n]*\n$/);
    expect(seen).toEqual([]);
  });

  test("that one URL or its server makes impossible fail alone", async () => {
    const { url } = await serve((request, response) => {
      if (request.url === "/redirect") response.writeHead(302, { location: "ftp://example.com/" });
      response.end();
    });
    const badCredentials = url.replace("//", "//a%3Ab:c@");
    const { code, out } = await fetchIn([`${url}/redirect`, badCredentials, "ftp://example.com/", `${url}/fine`]);
    expect(code).toBe(1);
    expect(records(out)).toMatchObject([
      { error: { code: "redirect/invalid-location" } },
      { error: { code: "auth/username" } },
      { error: { code: "url/scheme" } },
      { ok: true },
    ]);
  });

  test("believe authorities as told", async () => {
    const tls = (name: string): string =>
      fileURLToPath(new URL(`../../sluice/test/fixtures/tls/${name}`, import.meta.url));
    const options = { cert: await readFile(tls("server-cert.pem")), key: await readFile(tls("server-key.pem")) };
    const server = createTlsServer(options, (_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const refused = await fetchIn([url]);
    expect(refused.code).toBe(1);
    expect(JSON.stringify(records(refused.out)[0]?.["error"])).toContain("tls/");
    expect((await fetchIn([url, "--insecure"])).code).toBe(0);
    expect((await fetchIn([url, "--cacert", tls("authority-cert.pem")])).code).toBe(0);
  });
});

describe("limits", () => {
  /**
   * Counts how many run at once, by the Host they were sent to. The first answers wait until `expected` are there, or until it is clear
   * that they won't be; the others take 20 ms.
   */
  async function counting(expected: number) {
    const running = new Map<string, number>();
    const most = new Map<string, number>();
    let allAreThere: () => void = () => undefined;
    const there = new Promise<void>((resolve) => {
      allAreThere = resolve;
    });
    const tired = setTimeout(allAreThere, 5_000);
    onTestFinished(() => clearTimeout(tired));
    const { url } = await serve((request, response) => {
      for (const key of ["all", request.headers.host ?? ""]) {
        const now = (running.get(key) ?? 0) + 1;
        running.set(key, now);
        most.set(key, Math.max(now, most.get(key) ?? 0));
      }
      if (running.get("all") === expected) allAreThere();
      const answer = (): void => {
        for (const key of ["all", request.headers.host ?? ""]) running.set(key, (running.get(key) ?? 0) - 1);
        response.end();
      };
      void there.then(() => setTimeout(answer, 20));
    });
    return { url, most };
  }

  test("--concurrency is reached and kept", async () => {
    const { url, most } = await counting(7);
    expect((await fetchIn([...numbered(url, 30), "-c", "7"])).code).toBe(0);
    expect(most.get("all")).toBe(7);
  });

  test("--per-host is kept for each host, and a list sorted by host still keeps them all busy", async () => {
    const { url, most } = await counting(6);
    const other = url.replace("127.0.0.1", "localhost");
    const code = (await fetchIn([...numbered(url, 20), ...numbered(other, 20), "-c", "8", "--per-host", "3"])).code;
    expect(code).toBe(0);
    expect(most.get(new URL(url).host)).toBe(3);
    expect(most.get(new URL(other).host)).toBe(3);
    expect(most.get("all")).toBe(6);
  });

  test("--rate spaces requests evenly, and time spent waiting is not on the time limit", async () => {
    const arrivals: number[] = [];
    const { url } = await serve((_request, response) => {
      arrivals.push(performance.now());
      response.end();
    });
    // From before the first: that one may be late, and those behind it are not late with it.
    const begun = performance.now();
    const { code } = await fetchIn([...numbered(url, 9), "--rate", "4/s", "--timeout", "1500ms"]);
    expect(code).toBe(0);
    expect(arrivals).toHaveLength(9);
    expect((arrivals.at(-1) ?? 0) - begun).toBeGreaterThan(1_900);
  });

  test("--delay holds every request back", async () => {
    const { url } = await serve((_request, response) => response.end());
    const { out } = await fetchIn([url, "--delay", "400-420"]);
    const [record] = records(out);
    const [elapsed, latency] = [Number(record?.["elapsed"]), Number(record?.["latency"])];
    expect(elapsed).toBeGreaterThanOrEqual(395);
    expect(elapsed - latency).toBeGreaterThanOrEqual(395);
  });

  test("--timeout ends a try that stands still, in its head or in its body", async () => {
    const { url } = await serve((request, response) => {
      if (request.url === "/body") response.write("half");
    });
    const { code, out } = await fetchIn([`${url}/head`, `${url}/body`, "--timeout", "150ms"]);
    expect(code).toBe(1);
    for (const record of records(out)) expect(record["error"]).toMatchObject({ code: "timeout.attempt" });
  });

  test("--max-size takes a body of that size and refuses one byte more, whether its length is declared or not", async () => {
    const { url, server } = await serve((request, response) => {
      const body = "x".repeat(Number(request.url?.split("/")[2]));
      if (request.url?.startsWith("/declared")) response.setHeader("content-length", body.length);
      else response.flushHeaders();
      response.end(body);
    });
    const paths = ["declared/100", "declared/101", "chunked/100", "chunked/101"];
    const { out } = await fetchIn([...paths.map((path) => `${url}/${path}`), "--max-size", "100"]);
    expect(records(out).map(({ ok }) => ok)).toEqual([true, false, true, false]);
    expect(records(out)[1]?.["error"]).toMatchObject({ code: "body/too-large" });
    expect(records(out)[3]?.["error"]).toMatchObject({ code: "body/too-large" });
    expect((await fetchIn([`${url}/declared/101`, "--max-size", "100", "-X", "HEAD"])).code).toBe(0);
    expect((await fetchIn([`${url}/declared/1000000`])).code).toBe(0);
    expect(server.listening).toBe(true);
  });
});

describe("retries", () => {
  test("are made for statuses that ask for patience, as often as allowed", async () => {
    const { url, seen } = await serve((request, response) => {
      const failing = request.url === "/always" || seen.filter(({ path }) => path === request.url).length <= 2;
      response.statusCode = failing ? 503 : 200;
      response.setHeader("retry-after", "0");
      response.end();
    });
    const { code, out } = await fetchIn([`${url}/twice`, `${url}/always`, "--retries", "2"]);
    expect(code).toBe(1);
    expect(records(out)).toMatchObject([
      { ok: true, status: 200, sends: 3 },
      { ok: false, status: 503, sends: 3 },
    ]);
  });

  test("are not made unless asked for", async () => {
    const { url, seen } = await serve((_request, response) => {
      response.statusCode = 503;
      response.end();
    });
    await fetchIn([url]);
    expect(seen).toHaveLength(1);
  });

  test("are made for a body that broke off, of methods that may be sent again", async () => {
    const { url, seen } = await serve((request, response) => {
      const times = seen.filter(({ path }) => path === request.url).length;
      response.setHeader("content-length", 10);
      if (times > 1 && request.url !== "/always") response.end("0123456789");
      else response.write("01234", () => setTimeout(() => response.destroy(), 10));
    });
    const folder = await emptyFolder();
    const args = [`${url}/once`, `${url}/always`, "--retries", "1", "--output-dir", folder];
    expect(records((await fetchIn(args)).out)).toMatchObject([
      { ok: true, size: 10, sends: 2 },
      { ok: false, sends: 2 },
    ]);
    const files = await readdir(folder);
    expect(files).toHaveLength(1);
    expect(await readFile(join(folder, files[0] ?? ""), "utf8")).toBe("0123456789");
    await fetchIn([`${url}/post`, "--retries", "3", "-X", "POST"]);
    expect(seen.filter(({ path }) => path === "/post")).toHaveLength(1);
  });
});

describe("files", () => {
  test("have one answer each, under safe names; errors are not saved", async () => {
    const { url } = await serve((request, response) => {
      response.statusCode = request.url === "/missing" ? 404 : 200;
      response.setHeader("content-type", "text/html");
      response.end(request.url);
    });
    const folder = join(await emptyFolder(), "new");
    const args = [
      `${url}/a.html`,
      `${url}/%2e%2e%2f%2e%2e%2fx`,
      `${url}/?q=1`,
      `${url}/missing`,
      "--output-dir",
      folder,
    ];
    const { code, out } = await fetchIn(args);
    expect(code).toBe(1);
    const names = records(out).map(({ file }) => file);
    expect(names[3]).toBeUndefined();
    expect((await readdir(folder)).sort()).toEqual(names.slice(0, 3).sort());
    expect(await readFile(join(folder, String(names[2])), "utf8")).toBe("/?q=1");
    await fetchIn(args);
    expect(await readdir(folder)).toHaveLength(6);
    await fetchIn([...args, "--overwrite"]);
    expect(await readdir(folder)).toHaveLength(6);
  });
});

describe("a run that is stopped", () => {
  test("by its first failure says so, and keeps what is left", async () => {
    const { url, seen } = await serve((request, response) => {
      if (request.url === "/0") response.statusCode = 500;
      if (request.url !== "/1") response.end();
    });
    const left = join(await emptyFolder(), "left.txt");
    const { code, out, err } = await fetchIn([...numbered(url, 20), "-c", "2", "--fail-fast", "--remaining", left]);
    expect(code).toBe(1);
    expect(records(out)).toMatchObject([{ index: 0, ok: false }]);
    expect(err).toContain(`left, in ${left}: go on with -i ${left}`);
    const kept = (await readFile(left, "utf8")).trim().split("\n");
    expect(kept.sort()).toEqual(numbered(url, 20).slice(1).sort());
    expect(seen.length).toBeLessThan(5);
  });

  test("by a signal lets what is in flight finish, and begins nothing more", async () => {
    const { url, seen } = await serve((_request, response) => void setTimeout(() => response.end(), 200));
    const folder = await emptyFolder();
    const file = join(folder, "urls.txt");
    await writeFile(file, numbered(url, 50).join("\n"));
    const io = new FakeIo();
    const running = runProgram(["fetch", "-i", file, "-c", "4", "--remaining", join(folder, "left.txt")], io);
    await until(() => seen.length === 4);
    io.signal();
    expect(await running).toBe(130);
    expect(seen).toHaveLength(4);
    expect(records(io.out.text).map(({ ok }) => ok)).toEqual([true, true, true, true]);
    const kept = (await readFile(join(folder, "left.txt"), "utf8")).trim().split("\n");
    expect(kept).toEqual(numbered(url, 50).slice(4));
    expect(io.err.text).toContain("Stopping: waiting for 4 in flight");
    expect(io.err.text).toContain("46 left");
  });

  test("does not begin those that still wait for their host", async () => {
    const { url, seen } = await serve((_request, response) => void setTimeout(() => response.end(), 100));
    const io = new FakeIo();
    const running = runProgram(["fetch", ...numbered(url, 10), "-c", "4", "--per-host", "1"], io);
    await until(() => seen.length === 1);
    io.signal();
    expect(await running).toBe(130);
    expect(seen).toHaveLength(1);
    expect(io.err.text).toContain("Stopped; 9 left.");
  });

  test("without --remaining counts what is left", async () => {
    const { url, seen } = await serve((_request, response) => void setTimeout(() => response.end(), 100));
    const io = new FakeIo();
    const running = runProgram(["fetch", ...numbered(url, 10), "-c", "2"], io);
    await until(() => seen.length === 2);
    io.signal("SIGTERM");
    expect(await running).toBe(143);
    expect(io.err.text).toContain("Stopped; 8 left. With --remaining FILE");
  });

  test("with all begun, and so all done, offers no way to go on", async () => {
    const { url, seen } = await serve((_request, response) => void setTimeout(() => response.end(), 100));
    const io = new FakeIo();
    const running = runProgram(["fetch", url], io);
    await until(() => seen.length === 1);
    io.signal();
    expect(await running).toBe(130);
    expect(io.err.text).toMatch(/\nStopped; nothing is left\.\n$/);
  });

  test("a second time ends at once", async () => {
    const { url, seen, server } = await serve(() => undefined);
    const io = new FakeIo();
    const running = runProgram(["fetch", url], io);
    await until(() => seen.length === 1);
    io.signal();
    io.signal();
    expect(io.exits).toEqual([130]);
    // The process would be gone; here it goes on, and needs an end.
    server.closeAllConnections();
    expect(await running).toBe(130);
  });

  test("waiting for standard input does not wait any longer", async () => {
    const io = new FakeIo();
    const { Readable } = await import("node:stream");
    Object.defineProperty(io, "stdin", { value: new Readable({ read: () => undefined }) });
    const running = runProgram(["fetch", "-i", "-"], io);
    await until(() => io.listening === 1);
    io.signal();
    expect(await running).toBe(130);
    expect(io.err.text).toContain("0 left, and the rest of the input, which was not read");
  });

  test("after the last input leaves an empty file", async () => {
    const { url } = await serve((_request, response) => response.end());
    const left = join(await emptyFolder(), "left.txt");
    await writeFile(left, `${url}/1\n${url}/2\n`);
    const { code } = await fetchIn(["-i", left, "--remaining", left]);
    expect(code).toBe(0);
    expect(await readFile(left, "utf8")).toBe("");
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
