/** What all commands that send have in common, each option against httpbin or a small server. What processes add is in `process.test.ts`. */
import { createHash, X509Certificate } from "node:crypto";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { startHttpbin } from "@sluice/httpbin";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { runProgram } from "../src/program.js";
import { FakeIo } from "./support/fake-io.js";
import { emptyFolder } from "./support/folder.js";
import { run } from "./support/in-process.js";
import { bytesOf, serve } from "./support/server.js";
import { type Ended, jsonLines, run as runProcess, start } from "./support/sluice-process.js";

let httpbin: Awaited<ReturnType<typeof startHttpbin>>;
beforeAll(async () => {
  httpbin = await startHttpbin();
});
afterAll(() => httpbin.close());

const at = (path: string): string => `${httpbin.url}${path}`;
const json = ({ stdout }: Ended): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;
const tlsFile = (name: string): string =>
  fileURLToPath(new URL(`../../sluice/test/fixtures/tls/${name}`, import.meta.url));

async function serveTls(options: TlsOptions): Promise<string> {
  const [cert, key] = await Promise.all(["server-cert.pem", "server-key.pem"].map((name) => readFile(tlsFile(name))));
  const server = createTlsServer({ ...options, cert, key }, (_request, response) => response.end("secure"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

describe("items behind the URL", () => {
  test("are JSON fields, query parameters and header fields; files are read", async () => {
    const folder = await emptyFolder();
    const [notes, data] = [join(folder, "notes.txt"), join(folder, "data.json")];
    await Promise.all([writeFile(notes, "größe\n"), writeFile(data, '\uFEFF{"big": 12345678901234567890}\n')]);
    const items = ["name=Ada", "age:=36.0", "q==tea for two", "X-Test:1", `bio=@${notes}`, `data:=@${data}`];
    const echo = json(await run(["post", at("/anything?a=1"), ...items]));
    expect(echo["data"]).toBe('{"name":"Ada","age":36.0,"bio":"größe\\n","data":{"big": 12345678901234567890}}');
    expect(echo["args"]).toEqual({ a: "1", q: "tea for two" });
    expect(echo["headers"]).toMatchObject({ "X-Test": "1", "Content-Type": "application/json" });
  });

  test("are a form with --form, and may stand among options", async () => {
    const args = ["put", at("/anything"), "remember=1", "--form", "user=ada", "tag=a", "tag=b&c", "-q-"];
    const { code, stderr } = await run(args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "sluice: Unknown option '-q-'\n" });
    const echo = json(await run(args.slice(0, -1)));
    expect(echo["form"]).toEqual({ user: "ada", remember: "1", tag: ["a", "b&c"] });
  });

  test("are multipart with a file among them, or with --multipart", async () => {
    const folder = await emptyFolder();
    const [small, large] = [join(folder, "small.txt"), join(folder, "large.bin")];
    await Promise.all([writeFile(small, "small"), writeFile(large, Buffer.alloc(1_100_000, "x"))]);
    const forms: [name: string, value: string, type: string | undefined][][] = [];
    const { url } = await serve(async (request, response) => {
      const headers = { "content-type": request.headers["content-type"] ?? "" };
      const form = await new Response(Uint8Array.from(await bytesOf(request)), { headers }).formData();
      const entries = [...form].map(async ([name, value]): Promise<(typeof forms)[number][number]> => {
        if (typeof value === "string") return [name, value, undefined];
        return [name, `${value.name}, ${(await value.text()).length} bytes`, value.type];
      });
      forms.push(await Promise.all(entries));
      response.end();
    });
    const runs = [
      ["post", url, "title=Tea", "n:=1.0", `doc@${small};type=text/x-tea`, `big@${large}`],
      ["post", url, "b=2", "--multipart", "a=1"],
      ["fetch", `${url}/1`, `${url}/2`, "-q", "-c", "1", "--multipart", `big@${large}`],
    ];
    for (const args of runs) expect((await run(args)).code).toBe(0);
    const big = ["big", "large.bin, 1100000 bytes", "application/octet-stream"];
    expect(forms[0]?.map(([name, value]) => [name, value])).toEqual([
      ["title", "Tea"],
      ["n", "1.0"],
      ["doc", "small.txt, 5 bytes"],
      ["big", big[1]],
    ]);
    expect(forms[0]?.[2]?.[2]).toBe("text/x-tea");
    expect(forms.slice(1)).toEqual([
      [
        ["a", "1", undefined],
        ["b", "2", undefined],
      ],
      [big],
      [big],
    ]);
  });

  test("are sent compressed with --compress", async () => {
    const codings: unknown[] = [];
    const { url } = await serve(async (request, response) => {
      codings.push(request.headers["content-encoding"]);
      response.end(gunzipSync(await bytesOf(request)));
    });
    const text = "tea ".repeat(1_000);
    expect((await run(["post", url, `a=${text}`, "--compress", "gzip"])).stdout).toBe(`{"a":"${text}"}`);
    expect(codings).toEqual(["gzip"]);
  });

  test("may be the whole body, from a file or standard input", async () => {
    const path = join(await emptyFolder(), "body");
    await writeFile(path, "from a file");
    expect(json(await run(["patch", at("/anything"), `@${path}`]))["data"]).toBe("from a file");
    expect(json(await run(["patch", at("/anything"), "@-"], { input: "piped" }))["data"]).toBe("piped");
  });

  test("that begin with a dash stand behind two of them", async () => {
    expect(json(await run(["post", at("/anything"), "--", "-a=b"]))["json"]).toEqual({ "-a": "b" });
  });
});

describe("retries", () => {
  test("are as many as asked for, of the statuses that are named", async () => {
    const { url, seen } = await serve((request, response) => {
      response.statusCode = Number(request.url?.slice(1));
      response.end();
    });
    const options = ["--retries", "2", "--retry-on", "404,418", "--backoff", "1ms-2ms"];
    const [teapot, broken] = await Promise.all([
      run(["get", `${url}/418`, "-i", ...options]),
      run(["fetch", `${url}/503`, `${url}/404`, ...options, "-q"]),
    ]);
    expect(teapot.stdout).toMatch(/^HTTP\/1\.1 418 /);
    expect(
      jsonLines(broken.stdout)
        .map(({ status, sends }) => [status, sends])
        .sort(),
    ).toEqual([
      [404, 3],
      [503, 1],
    ]);
    expect(seen.map(({ path }) => path).sort()).toEqual(["/404", "/404", "/404", "/418", "/418", "/418", "/503"]);
  });

  test("end well, wait no longer than --backoff says, and give a POST its key", async () => {
    const keys: unknown[] = [];
    const { url } = await serve((request, response) => {
      keys.push(request.headers["idempotency-key"]);
      response.statusCode = keys.length < 4 ? 503 : 200;
      response.end("done");
    });
    const startedAt = performance.now();
    const { code, stdout } = await run([
      ...["post", url, "a=1", "--retries", "5", "--backoff", "0-1", "--idempotency-key", "--fail"],
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "done" });
    // The default bounds would allow 250 + 500 + 1,000 ms, and a process takes its time to start.
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[\w-]{36}$/);
  });

  test("obey Retry-After up to --max-retry-after", async () => {
    const { url, seen } = await serve((request, response) => {
      response.writeHead(503, { "retry-after": request.url === "/short" ? "0" : "100" });
      response.end();
    });
    const options = ["--retries", "1", "--max-retry-after", "50s"];
    await Promise.all([run(["get", `${url}/short`, ...options]), run(["get", `${url}/long`, ...options])]);
    expect(seen.map(({ path }) => path).sort()).toEqual(["/long", "/short", "/short"]);
  });
});

describe("the pace", () => {
  test("found by --adaptive keeps within what a server allows", async () => {
    const url = at("/rate-limited?requests=20&per=1&key=adaptive");
    const list = Array.from({ length: 60 }, (_, number) => `${url}&n=${number}`).join("\n");
    const { code, stdout } = await run(["fetch", "-i", "-", "-q", "--adaptive", "--retries", "5"], { input: list });
    expect(code).toBe(0);
    const sends = jsonLines(stdout).reduce((sum, record) => sum + Number(record["sends"]), 0);
    // Without it, fifty at once would be refused thirty times in the first second alone.
    expect(sends - 60).toBeLessThan(10);
  });

  test("of --rate is for all, or for each host", async () => {
    const times: { readonly host: string; readonly at: number }[] = [];
    const { url } = await serve((request, response) => {
      times.push({ host: request.headers.host ?? "", at: performance.now() });
      response.end();
    });
    const other = url.replace("127.0.0.1", "localhost");
    const urls = [1, 2, 3, 4].flatMap((path) => [`${url}/${path}`, `${other}/${path}`]);
    /** How long it took until the last came: from the beginning, and from when the first came, which may be late. */
    const span = async (...args: readonly string[]) => {
      times.length = 0;
      const begun = performance.now();
      expect((await run(["fetch", ...urls, "-q", "--rate", "3/s", ...args])).code).toBe(0);
      const moments = times.map(({ at: moment }) => moment);
      expect(moments).toHaveLength(8);
      return { whole: Math.max(...moments) - begun, apart: Math.max(...moments) - Math.min(...moments) };
    };
    // Seven steps of a third of a second, or three for each host.
    expect((await span()).whole).toBeGreaterThan(2_250);
    const each = await span("--rate-scope", "host");
    expect(each.whole).toBeGreaterThan(950);
    expect(each.apart).toBeLessThan(2_000);
  });
});

describe("credentials", () => {
  test("come from a file or the environment", async () => {
    const folder = await emptyFolder();
    const [login, token] = [join(folder, "login"), join(folder, "token")];
    await Promise.all([writeFile(login, "ada:pass:word\r\nmore\n"), writeFile(token, "t0ken\n")]);
    const env = { SLUICE_TEST_TOKEN: "other", SLUICE_TEST_LOGIN: "ada:pw" };
    const ended = await Promise.all([
      run(["get", at("/basic-auth/ada/pass%3Aword"), "--fail", "--user-from", login]),
      run(["get", at("/basic-auth/ada/pw"), "--fail", "--user-from", "env:SLUICE_TEST_LOGIN"], { env }),
      run(["get", at("/bearer"), "--fail", "--bearer-from", token]),
      run(["fetch", at("/bearer"), "--body", "-q", "--bearer-from", "env:SLUICE_TEST_TOKEN"], { env }),
      run(["get", at("/bearer"), "--fail", "--bearer", "given"]),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(json(ended[2] as Ended)).toMatchObject({ token: "t0ken" });
    expect(String(jsonLines(ended[3]?.stdout ?? "")[0]?.["body"])).toContain('"other"');
  });

  test("are proved by Digest, or found in .netrc", async () => {
    const netrc = join(await emptyFolder(), "netrc");
    await writeFile(netrc, "machine 127.0.0.1 login ada password secret\n");
    await chmod(netrc, 0o600);
    const digest = at("/digest-auth/auth/ada/secret/SHA-256");
    const ended = await Promise.all([
      runProcess(["get", digest, "--fail", "-u", "ada:secret", "--digest"]),
      runProcess(["fetch", digest, digest, "-q", "-u", "ada:secret", "--digest"]),
      runProcess(["get", at("/basic-auth/ada/secret"), "--fail", "--netrc-file", netrc]),
      runProcess(["get", at("/basic-auth/ada/secret"), "--fail", "--netrc"], { env: { NETRC: netrc } }),
      runProcess(["get", digest, "--fail", "--netrc-file", netrc, "--digest"]),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  });

  test("go to the origins of --auth-for alone", async () => {
    const [one, other] = [
      await serve((_request, response) => response.end()),
      await serve((_request, response) => response.end()),
    ];
    await run(["fetch", one.url, other.url, "-q", "-u", "ada:secret", "--auth-for", `${one.url}/some/path`]);
    expect(one.seen[0]?.headers.authorization).toMatch(/^Basic /);
    expect(other.seen[0]?.headers.authorization).toBeUndefined();
  });

  test("of a file without any are told by the file's name alone", async () => {
    const path = join(await emptyFolder(), "login");
    await writeFile(path, "verysecret\n");
    const { code, stdout, stderr } = await run(["get", at("/get"), "--user-from", path]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(`sluice: Cannot use ${path}: expected "user:password"\n`);
  });
});

describe("cookies", () => {
  test("are kept in a file that only its owner can read, in the format it has", async () => {
    const folder = await emptyFolder();
    const [jar, text] = [join(folder, "jar.json"), join(folder, "jar.txt")];
    for (const file of [jar, text]) {
      expect((await run(["get", at("/cookies/set/theme/dark"), "--cookie-file", file])).code).toBe(0);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const seen = await run(["get", at("/cookies"), "--cookie-file", file]);
      expect(json(seen)["cookies"]).toEqual({ theme: "dark" });
    }
    expect(await readFile(jar, "utf8")).toMatch(/^\{/);
    expect(await readFile(text, "utf8")).toMatch(/^# Netscape HTTP Cookie File/);
  });

  test("of a batch are shared by its requests, saved though some fail, and none are kept without a file", async () => {
    const jar = join(await emptyFolder(), "jar.json");
    await writeFile(jar, "");
    const urls = [at("/cookies/set/a/1"), at("/status/500"), at("/cookies")];
    const [kept, none] = [
      await run(["fetch", ...urls, "-c", "1", "-q", "--body", "--cookie-file", jar]),
      await run(["fetch", ...urls, "-c", "1", "-q", "--body"]),
    ];
    const last = ({ stdout }: Ended): unknown => JSON.parse(String(jsonLines(stdout)[2]?.["body"]));
    expect(kept.code).toBe(1);
    expect(last(kept)).toEqual({ cookies: { a: "1" } });
    expect(last(none)).toEqual({ cookies: {} });
    expect(await readFile(jar, "utf8")).toContain('"name": "a"');
  });

  test("of the command line are sent, beside those of the jar", async () => {
    const jar = join(await emptyFolder(), "jar.json");
    await run(["get", at("/cookies/set/a/1"), "--cookie-file", jar]);
    const args = ["--cookie", "b=2", "--cookie", "c=x=y", "--cookie-file", jar];
    expect(json(await run(["get", at("/cookies"), ...args]))["cookies"]).toEqual({ a: "1", b: "2", c: "x=y" });
  });

  test("of a file that is none are not replaced", async () => {
    const jar = join(await emptyFolder(), "jar.json");
    await writeFile(jar, '{"secret":1}');
    const { code, stderr } = await run(["get", at("/get"), "--cookie-file", jar]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^sluice: [^\n]*it is not a cookie file[^\n]*\n$/);
    expect(await readFile(jar, "utf8")).toBe('{"secret":1}');
  });

  test("are neither kept nor lost when something else is wrong with the command line", async () => {
    const jar = join(await emptyFolder(), "jar.json");
    expect((await run(["get", at("/get"), "--cookie-file", jar, "--bearer-from", "env:NO_SUCH"])).code).toBe(2);
    await expect(stat(jar)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("are saved after Ctrl-C, too", async () => {
    const jar = join(await emptyFolder(), "jar.json");
    const { url, seen } = await serve((request, response) => {
      if (request.url === "/slow") return;
      response.writeHead(302, { location: "/slow", "set-cookie": "a=1" });
      response.end();
    });
    const { child, ended } = start(["get", url, "--cookie-file", jar]);
    while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    expect(await readFile(jar, "utf8")).toContain('"name": "a"');
  });

  test("that cannot be saved are a failure told in one line, and the answer was written", async () => {
    const { code, stdout, stderr } = await run(["get", at("/base64/aGk="), "--cookie-file", "/proc/no-jar.json"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "hi" });
    expect(stderr).toMatch(/^sluice: Cannot write \/proc\/no-jar\.json: [^\n]+\n$/);
  });
});

describe("--trace", () => {
  test("is JSON lines in a pipe, with nothing secret, and standard output as ever", async () => {
    const target = at("/redirect-to?url=/get&token=verysecret");
    const { code, stdout, stderr } = await run(["get", target, "--trace", "-u", "ada:verysecret", "X-Key:verysecret"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ headers: { "X-Key": "verysecret" } });
    expect(stderr).not.toContain("verysecret");
    expect(stderr).not.toContain(Buffer.from("ada:verysecret").toString("base64"));
    const events = jsonLines(stderr);
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["requestStart", "connectEnd", "requestRedirect", "responseHeaders", "requestEnd"]),
    );
    expect(events.every(({ id, method, time }) => id === 1 && method === "GET" && Number(time) > 0)).toBe(true);
  });

  test("is text if asked for, a line for each event, also of what fails", async () => {
    const { code, stderr } = await runProcess([
      "fetch",
      "http://127.0.0.1:1/",
      "-q",
      "--trace",
      "--trace-format",
      "text",
    ]);
    expect(code).toBe(1);
    const lines = stderr.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^ *\+\d+\.\d{4}s #1 requestStart +GET http:\/\/127\.0\.0\.1:1\/$/);
    expect(lines.at(-1)).toMatch(/^ *\+\d+\.\d{4}s #1 requestException +.*error=GET http:\/\/127\.0\.0\.1:1\/: /);
  });

  test("is text on a terminal, in the way of neither progress nor table", async () => {
    const { url } = await serve((_request, response) => void setTimeout(() => response.end("x"), 150));
    const io = new FakeIo({ terminal: true, env: { TERM: "xterm", NO_COLOR: "1" } });
    expect(await runProgram(["fetch", url, "--trace"], io)).toBe(0);
    expect(io.err.text).toMatch(/^ *\+\d+\.\d{4}s #\d+ requestStart +GET http/m);
    // A line that was painted is wiped away before an event is written.
    for (const line of io.err.text.split("\n").slice(0, -1)) {
      const shown = line.split("\r").at(-1) ?? "";
      expect(shown).not.toMatch(/in flight.*requestEnd/);
    }
  });
});

describe("limits and redirects", () => {
  test("of size end an answer that is longer, whether that is declared or found", async () => {
    for (const path of ["/bytes/2000", "/stream-bytes/2000"]) {
      const { code, stderr } = await run(["get", at(path), "--max-size", "1999"]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^sluice: [^\n]*1999[^\n]*\n$/);
    }
    expect((await run(["get", at("/bytes/2000?seed=1"), "--max-size", "2000"])).code).toBe(0);
  });

  test("of number end a chain of redirects", async () => {
    const [enough, short] = await Promise.all([
      run(["get", at("/redirect/3"), "--max-redirects", "3"]),
      run(["get", at("/redirect/3"), "--max-redirects", "2"]),
    ]);
    expect([enough.code, short.code]).toEqual([0, 1]);
    expect(short.stderr).toMatch(/^sluice: [^\n]*redirect[^\n]*\n$/i);
  });
});

describe("proxies", () => {
  /** Answers what it was asked for, as one that passes requests on would be asked, and remembers credentials. */
  async function proxy() {
    const asked: (string | undefined)[] = [];
    const { url, server } = await serve((request, response) => {
      asked.push(request.headers["proxy-authorization"]);
      response.end(`by proxy: ${request.url}`);
    });
    return { url, server, asked };
  }

  test("are one for all, with credentials that only it sees, or named without a scheme", async () => {
    const { url, asked } = await proxy();
    const withUser = url.replace("://", "://ada:secret@");
    const [one, many] = await Promise.all([
      run(["get", "http://a.example/x", "--proxy", withUser, "-v"]),
      run(["fetch", "http://a.example/y", "--proxy", url.slice("http://".length), "--body", "-q"]),
    ]);
    expect(one.stdout).toBe("by proxy: http://a.example/x");
    expect(one.stderr).not.toContain("secret");
    expect(jsonLines(many.stdout)[0]?.["body"]).toBe("by proxy: http://a.example/y");
    expect(asked.sort()).toEqual([`Basic ${Buffer.from("ada:secret").toString("base64")}`, undefined]);
  });

  test("are those of the environment unless the command line says otherwise", async () => {
    const { url } = await proxy();
    const direct = await serve((_request, response) => response.end("direct"));
    const env = { http_proxy: url };
    const outs = await Promise.all([
      runProcess(["get", direct.url], { env }),
      runProcess(["get", direct.url, "--proxy", "env"], { env }),
      runProcess(["get", direct.url, "--no-proxy"], { env }),
      runProcess(["get", direct.url], { env: { HTTP_PROXY: url, no_proxy: "127.0.0.1" } }),
      runProcess(["get", direct.url], { env: { HTTPS_PROXY: url } }),
    ]);
    const by = `by proxy: ${direct.url}/`;
    expect(outs.map(({ stdout }) => stdout)).toEqual([by, by, "direct", "direct", "direct"]);
  });

  test("make tunnels for https, which they cannot look into", async () => {
    const { server, url } = await proxy();
    const tunnels: (string | undefined)[] = [];
    const target = await serveTls({});
    server.on("connect", (request, socket) => {
      tunnels.push(request.url);
      const onward = connectTcp(Number(new URL(target).port), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(onward).pipe(socket);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
    });
    const { stdout } = await run(["get", target, "--proxy", url, "--cacert", tlsFile("authority-cert.pem")]);
    expect(stdout).toBe("secure");
    expect(tunnels).toEqual([new URL(target).host]);
  });

  test("may speak SOCKS", async () => {
    const spoken: string[] = [];
    const server = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (greeting: Buffer) => {
        spoken.push(greeting.toString("hex").slice(0, 2));
        socket.write(Uint8Array.of(5, 0));
        socket.once("data", (wanted: Buffer) => {
          spoken.push(wanted.subarray(5, 5 + (wanted[4] ?? 0)).toString());
          socket.write(Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 80));
          socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsocks"));
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { stdout } = await run(["get", "http://a.example/", "--proxy", `socks5h://127.0.0.1:${port}`]);
    expect(stdout).toBe("socks");
    expect(spoken).toEqual(["05", "a.example"]);
  });

  test("that cannot be reached are told without their credentials", async () => {
    const { code, stderr } = await run(["get", "http://a.example/", "--proxy", "http://ada:secret@127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sluice: GET http:\/\/a\.example\/: [^\n]*127\.0\.0\.1:1[^\n]*\n$/);
    expect(stderr).not.toMatch(/secret|ada/);
  });
});

describe("TLS", () => {
  test("may be pinned to a certificate or a key, which stands alone with --insecure", async () => {
    const url = await serveTls({});
    const certificate = new X509Certificate(await readFile(tlsFile("server-cert.pem")));
    const spki = certificate.publicKey.export({ type: "spki", format: "der" });
    const key = `sha256//${createHash("sha256").update(spki).digest("base64")}`;
    const other = `sha256//${createHash("sha256").update("other").digest("base64")}`;
    const [byKey, byCertificate, refused] = await Promise.all([
      run(["get", url, "--insecure", "--pinned", other, "--pinned", key]),
      run(["fetch", url, "-q", "--cacert", tlsFile("authority-cert.pem"), "--pinned", certificate.fingerprint256]),
      run(["get", url, "--insecure", "--pinned", other]),
    ]);
    expect(byKey).toMatchObject({ code: 0, stdout: "secure", stderr: "" });
    expect(byCertificate.code).toBe(0);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^sluice: GET [^\n]*SHA-256[^\n]*\n$/);
  });

  test("shows the client's certificate, which may have its key beside it or in its file", async () => {
    const authority = await readFile(tlsFile("authority-cert.pem"));
    const url = await serveTls({ ca: authority, requestCert: true, rejectUnauthorized: true });
    const [cert, key] = [tlsFile("client-cert.pem"), tlsFile("client-key.pem")];
    const both = join(await emptyFolder(), "both.pem");
    await writeFile(both, Buffer.concat([await readFile(cert), await readFile(key)]));
    const trust = ["--cacert", tlsFile("authority-cert.pem")];
    const [known, one, unknown] = await Promise.all([
      run(["get", url, ...trust, "--cert", cert, "--key", key]),
      run(["fetch", url, ...trust, "-q", "--cert", both]),
      run(["get", url, ...trust]),
    ]);
    expect(known).toMatchObject({ code: 0, stdout: "secure", stderr: "" });
    expect(one.code).toBe(0);
    expect(unknown.code).toBe(1);
  });

  test("by files that will not do is told before anything is sent, in our words", async () => {
    const text = join(await emptyFolder(), "text.pem");
    await writeFile(text, "no PEM");
    for (const [options, said] of [
      [["--cacert", text], `Cannot use ${text}: there is no certificate in it (PEM)`],
      [["--cert", text], `Cannot use ${text}: there is no certificate in it (PEM)`],
      [
        ["--cert", tlsFile("client-cert.pem")],
        "there is no private key in it (PEM); name the file that has it with --key",
      ],
      [["--cert", tlsFile("client-cert.pem"), "--key", tlsFile("server-key.pem")], "is not that of the certificate in"],
    ] as const) {
      const { code, stderr } = await run(["get", "https://127.0.0.1:1/", ...options]);
      expect(code).toBe(2);
      expect(stderr).toContain(said);
      expect(stderr).toMatch(/^sluice: [^\n]+\n$/);
    }
  });

  test("is of no older version than --tls-min says", async () => {
    const url = await serveTls({ maxVersion: "TLSv1.2" });
    const [old, refused] = await Promise.all([
      run(["get", url, "--insecure", "--tls-min", "1.2"]),
      run(["get", url, "--insecure", "--tls-min", "1.3"]),
    ]);
    expect(old).toMatchObject({ code: 0, stdout: "secure" });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^sluice: [^\n]*TLS[^\n]*\n$/);
  });
});
