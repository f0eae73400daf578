/** The command against folders of its own: in the test's process where that is enough, in its own where signals and pipes count. */
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { runProgram } from "../../src/program.js";
import { FakeIo, type FakeIoOptions } from "../support/fake-io.js";
import { emptyFolder } from "../support/folder.js";
import { run } from "../support/in-process.js";
import { jsonLines, start } from "../support/sluice-process.js";

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await emptyFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const tlsFile = (name: string): string =>
  fileURLToPath(new URL(`../../../sluice/test/fixtures/tls/${name}`, import.meta.url));

const FILES = { "a.txt": "a", "sub/b.html": "<p>b", ".secret": "s", "app/index.html": "<title>app</title>" };

/** Serves on a free port of loopback until the test is over. */
async function serving(args: readonly string[], options?: FakeIoOptions) {
  const io = new FakeIo(options);
  const ended = runProgram(["serve", "--port", "0", ...args], io);
  const early = ended.then((code) => Promise.reject(new Error(`It ended with ${code}: ${io.err.text}`)));
  early.catch(() => undefined);
  while (io.listening === 0) await Promise.race([early, new Promise((resolve) => setTimeout(resolve, 5))]);
  const stop = async (): Promise<number> => {
    io.signal();
    return ended;
  };
  onTestFinished(() => void stop());
  const [url = ""] = /https?:\/\/\S+/.exec(stripVTControlCharacters(io.out.text)) ?? [];
  return { io, url, stop };
}

test("in a pipe it says its URL and a JSON line for each answer, and ends with 0 when asked to", async () => {
  const folder = await folderWith(FILES);
  const { firstLine, line, child, ended } = start(["serve", "--port", "0", folder]);
  const url = await firstLine();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const answer = await fetch(`${url}/a.txt?token=secret`);
  expect([answer.status, await answer.text()]).toEqual([200, "a"]);
  await line("/a.txt", "stderr");
  child.kill("SIGTERM");
  const { code, stdout, stderr } = await ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${url}\n` });
  expect(jsonLines(stderr)).toMatchObject([{ method: "GET", target: "/a.txt?token=…", status: 200, bytes: 1 }]);
});

test("on a terminal it says what, where and for whom, and a line for each answer", async () => {
  const folder = await folderWith(FILES);
  const { io, url, stop } = await serving([folder], { terminal: true, env: { NO_COLOR: "1" } });
  expect(io.out.text).toBe(`Serving ${folder}\n  ${url}\n  for this machine alone; --host 0.0.0.0 lets others in\n`);
  await (await fetch(`${url}/none`)).text();
  expect(await stop()).toBe(0);
  expect(io.err.text).toMatch(/^\d\d:\d\d:\d\d {2}GET {3}\/none {2}404 {2}\d+ B {2}[\d.]+ m?s\n$/);
});

test("uploads into the folder that is served: said, for they may be pages with scripts", async () => {
  const folder = await folderWith(FILES);
  const said = "what is uploaded is served, too";
  const asTerminal = { terminal: true, env: { NO_COLOR: "1" } } as const;
  expect((await serving([folder, "--uploads", join(folder, "in")], asTerminal)).io.out.text).toContain(said);
  expect((await serving([folder, "--uploads", await emptyFolder()], asTerminal)).io.out.text).not.toContain(said);
});

test("bound to all addresses it names those of the network, and says that a password is not hidden", async () => {
  const folder = await folderWith(FILES);
  const args = [folder, "--host", "0.0.0.0", "--basic", "ada:pw"];
  const { io, url } = await serving(args, { terminal: true, env: { NO_COLOR: "1" } });
  expect(url).toMatch(/^http:\/\/localhost:\d+$/);
  expect(io.out.text).toContain("the password goes over the network in clear");
  expect(io.out.text).not.toContain("for this machine alone");
});

describe("options", () => {
  test("folders show what is in them, unless they have an index or are not to be looked into", async () => {
    const folder = await folderWith(FILES);
    const [open, closed] = [await serving([folder]), await serving([folder, "--no-listing"])];
    const listing = await fetch(`${open.url}/`);
    expect(listing.headers.get("content-type")).toMatch(/^text\/html/);
    const page = await listing.text();
    expect(page).toContain("a.txt");
    expect(page).not.toContain(".secret");
    expect(await (await fetch(`${open.url}/app/`)).text()).toBe("<title>app</title>");
    expect((await fetch(`${closed.url}/`)).status).toBe(404);
    expect((await fetch(`${open.url}/.secret`)).status).toBe(404);
    const all = await serving([folder, "--dotfiles"]);
    expect(await (await fetch(`${all.url}/.secret`)).text()).toBe("s");
  });

  test("--spa answers visits to unknown paths, and nothing else", async () => {
    const { url } = await serving([await folderWith({ "main.html": "<title>m</title>" }), "--spa", "main.html"]);
    const visit = ["get", `${url}/users/1`, "--fail", "Accept:text/html"];
    expect(await run(visit)).toMatchObject({ code: 0, stdout: "<title>m</title>" });
    expect((await fetch(`${url}/users/1.js`)).status).toBe(404);
  });

  test("--compress compresses what gets smaller by it", async () => {
    const folder = await folderWith({ "long.txt": "tea ".repeat(10_000) });
    const [plain, small] = [await serving([folder]), await serving([folder, "--compress"])];
    const headers = { "accept-encoding": "gzip" };
    expect((await fetch(`${plain.url}/long.txt`, { headers })).headers.get("content-encoding")).toBeNull();
    const answer = await fetch(`${small.url}/long.txt`, { headers });
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    expect((await answer.text()).length).toBe(40_000);
  });

  test("--cors lets pages of all origins read, or of one; --max-age spares questions", async () => {
    const folder = await folderWith(FILES);
    const all = await serving([folder, "--cors", "--max-age", "2m"]);
    const one = await serving([folder, "--cors", "https://app.example.com/"]);
    const ask = async (url: string, origin: string) => (await fetch(`${url}/a.txt`, { headers: { origin } })).headers;
    const anybody = await ask(all.url, "https://example.com");
    expect(anybody.get("access-control-allow-origin")).toBe("*");
    expect(anybody.get("cache-control")).toBe("max-age=120");
    expect((await ask(one.url, "https://example.com")).get("access-control-allow-origin")).toBeNull();
    const known = await ask(one.url, "https://app.example.com");
    expect(known.get("access-control-allow-origin")).toBe("https://app.example.com");
  });

  test("--basic-from lets in who has name and password, which stand in no line", async () => {
    const args = [await folderWith(FILES), "--basic-from", "env:LOGIN"];
    const { io, url, stop } = await serving(args, { env: { LOGIN: "ada:p:w\n" } });
    const denied = await fetch(`${url}/a.txt`);
    expect([denied.status, denied.headers.get("www-authenticate")]).toEqual([
      401,
      expect.stringContaining('Basic realm="sluice"'),
    ]);
    const headers = { authorization: `Basic ${Buffer.from("ada:p:w").toString("base64")}` };
    expect((await fetch(`${url}/a.txt`, { headers })).status).toBe(200);
    await stop();
    expect(io.out.text + io.err.text).not.toContain("p:w");
  });

  test("--tls makes a certificate whose fingerprint is told; --cert and --key bring one", async () => {
    const folder = await folderWith(FILES);
    const { io, url } = await serving([folder, "--tls"]);
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const [fingerprint = ""] = /(?:[0-9A-F]{2}:){31}[0-9A-F]{2}/.exec(io.err.text) ?? [];
    const pinned = ["--insecure", "--pinned", fingerprint];
    expect(await run(["get", `${url}/a.txt`, ...pinned])).toMatchObject({ code: 0, stdout: "a" });
    expect((await run(["get", `${url}/a.txt`])).code).toBe(1);

    const ours = await serving([folder, "--cert", tlsFile("server-cert.pem"), "--key", tlsFile("server-key.pem")]);
    const trusting = ["get", ours.url.replace("127.0.0.1", "localhost"), "--cacert", tlsFile("authority-cert.pem")];
    expect((await run(trusting)).code).toBe(0);
    expect(ours.io.err.text).not.toContain("certificate");
    const both = await serving([
      folder,
      "--tls",
      "--cert",
      tlsFile("server-cert.pem"),
      "--key",
      tlsFile("server-key.pem"),
    ]);
    expect(both.url).toMatch(/^https:/);
    expect(both.io.err.text).not.toContain("certificate");
  });

  test("--quiet has nothing said of answers", async () => {
    const { io, url, stop } = await serving([await folderWith(FILES), "--quiet"]);
    await (await fetch(`${url}/a.txt`)).text();
    await stop();
    expect(io.err.text).toBe("");
  });
});

describe("what cannot be is told in one line", () => {
  test("a port that is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const { code, stdout, stderr } = await run(["serve", "--port", String(port), await emptyFolder()]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^sluice: [^\n]*taken[^\n]*\n$/);
  });

  test.each([
    [["/no/such/folder"], "Cannot serve /no/such/folder: there is no such file"],
    [["/dev/null"], "Cannot serve /dev/null: it is no folder"],
    [["--key", "x"], "Cannot use --key without --cert"],
    [["--cert", "/no/such/file"], "Cannot read /no/such/file: there is no such file"],
    [["--basic", "a:b", "--basic-from", "x"], "Cannot use --basic with --basic-from"],
    [["--basic-from", "/dev/null"], "Cannot use /dev/null: there is nothing in it"],
    [["--cors", "example.com"], "Cannot use --cors: expected an origin such as https://api.example.com"],
    [["--cors", "https://example.com/app"], "Cannot use --cors: an origin has no path"],
    [["--cors", "https://ada:pw@example.com"], "Cannot use --cors: an origin has no path, query and user"],
    [
      ["--cert", tlsFile("server-cert.pem")],
      "there is no private key in it (PEM); name the file that has it with --key",
    ],
    [["--spa", "none.html"], "none.html: there is no such file"],
    [["--spa", "."], "it is no file"],
  ])("%j", async (args, said) => {
    const { code, stdout, stderr } = await run(["serve", "--port", "0", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(said);
    expect(stderr).toMatch(/^sluice: [^\n]+\n$/);
  });
});
