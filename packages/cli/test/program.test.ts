import { describe, expect, test } from "vitest";
import { runProgram } from "../src/program.js";
import { version } from "../src/version.js";
import { FakeIo, type FakeIoOptions } from "./support/fake-io.js";

async function command(args: readonly string[], options?: FakeIoOptions) {
  const io = new FakeIo(options);
  const code = await runProgram(args, io);
  return { code, out: io.out.text, err: io.err.text };
}

describe("wrong usage", () => {
  test.each([
    [["fetch"], "Nothing to fetch: name URLs, or a file of them with --input (- for standard input)"],
    [["fetch", "-c", "0", "http://a/"], 'Cannot use --concurrency: expected a whole number, 1 to 10000, received "0"'],
    [
      ["fetch", "-c", "1e3", "http://a/"],
      'Cannot use --concurrency: expected a whole number, 1 to 10000, received "1e3"',
    ],
    [
      ["fetch", "--timeout", "soon", "http://a/"],
      'Cannot use --timeout: expected a time such as 10s or 500ms, received "soon"',
    ],
    [
      ["fetch", "--rate", "fast", "http://a/"],
      'Cannot use --rate: expected a rate such as 10/s or 600/m, received "fast"',
    ],
    [["fetch", "--output", "xml", "http://a/"], "Cannot use --output: Allowed choices are table, jsonl, files."],
    [["fetch", "--output", "files", "http://a/"], "Cannot save files without a folder: give --output-dir"],
    [["fetch", "--overwrite", "http://a/"], "Cannot use --overwrite without --output-dir or --output-file"],
    [["fetch", "--output", "table", "--output-dir", "x", "http://a/"], "Cannot use --output-dir with --output table"],
    [["fetch", "--body", "--output", "table", "http://a/"], "Cannot use --body with --output table"],
    [["fetch", "--body", "--output-dir", "x", "http://a/"], "Cannot use --body with --output-dir"],
    [
      ["fetch", "-d", "x", "--json", "1", "http://a/"],
      "Cannot send more than one body: --data, --json, --form, --multipart and items make one each",
    ],
    [["fetch", "-d", "@-", "http://a/"], "Cannot send standard input with every request: put it into a file"],
    [["fetch", "-d", "@/no/such/file", "http://a/"], "Cannot send /no/such/file: there is no such file"],
    [["fetch", "-i", "/no/such/file"], "Cannot read /no/such/file: there is no such file"],
    [["fetch", "--cacert", "/no/such/file", "http://a/"], "Cannot read /no/such/file: there is no such file"],
    [["fetch", "--concurency", "3", "http://a/"], "Unknown option '--concurency' (Did you mean --concurrency?)"],
    [["ftch", "http://a/"], "Unknown command 'ftch' (Did you mean fetch?)"],
    [["get"], "Missing required argument 'url'"],
    [["get", "http://a/", "http://b/"], "Cannot make one request to several URLs: sluice fetch takes many"],
    [["get", "http://a/", "name=x"], "Cannot send fields with GET: a query parameter is written as name==value"],
    [["post", "http://a/", "name"], "expected name=value, name:=json, name==query, name@file or Header:value"],
    [["post", "http://a/", "n=1", "--json", "1"], "Cannot send more than one body"],
    [["post", "http://a/", "n=1", "@file"], "Cannot send more than one body"],
    [["post", "http://a/", "@one", "@two"], "Cannot send more than one file as the body"],
    [["post", "http://a/", "n=1", "n=2"], "Cannot send n twice in one JSON object"],
    [["post", "http://a/", "n:=1", "--form", "a=b"], "Cannot send n in a form"],
    [["post", "http://a/", "n=@/no/such/file"], "Cannot send /no/such/file: there is no such file"],
    [["post", "http://a/", "f@x", "--form", "a=b"], "Cannot send --form with files or --multipart"],
    [["post", "http://a/", "f@/no/such/file"], "Cannot send /no/such/file: there is no such file"],
    [["post", "http://a/", "--multipart", "a"], "Cannot use --multipart: "],
    [["post", "http://a/", "--multipart", "a==b"], 'Cannot use --multipart: expected "name=value" or "name@file"'],
    [["post", "http://a/", "--compress", "gzip"], "Cannot use --compress without a body"],
    [["fetch", "http://a/", "--compress", "gzip"], "Cannot use --compress without a body"],
    [["post", "http://a/", "a=b", "--compress", "lzma"], "Cannot use --compress: Allowed choices are gzip, deflate"],
    [["fetch", "--resume", "http://a/"], "Cannot use --resume without --output-file"],
    [["fetch", "-o", "x", "--output", "table", "http://a/"], "Cannot use --output table with --output-file"],
    [["fetch", "-o", "-", "http://a/"], "Cannot use - as --output-file: without it, JSON lines go there"],
    [["fetch", "-o", "/no/such/folder/x", "http://a/"], "Cannot write to /no/such/folder/x: there is no such file"],
    [["fetch", "-o", "/dev/null", "--resume", "http://a/"], "Cannot go on with /dev/null: it is no regular file"],
    [["fetch", "--rate-scope", "host", "http://a/"], "Cannot use --rate-scope without --rate"],
    [
      ["fetch", "--rate", "1", "--rate-scope", "all", "--adaptive", "http://a/"],
      "Cannot use --rate-scope all with --ad",
    ],
    [["fetch", "--retry-on", "429", "http://a/"], "Cannot use --retry-on without --retries"],
    [["get", "--backoff", "1s", "http://a/"], "Cannot use --backoff without --retries"],
    [["get", "--max-retry-after", "1s", "http://a/"], "Cannot use --max-retry-after without --retries"],
    [["post", "--idempotency-key", "http://a/"], "Cannot use --idempotency-key without --retries"],
    [
      ["get", "--retries", "1", "--retry-on", "6xx", "http://a/"],
      'Cannot use --retry-on: expected statuses such as 429,503 or 5xx, received "6xx"',
    ],
    [["get", "--retries", "101", "http://a/"], 'expected a whole number, 0 to 100, received "101"'],
    [["get", "--user", "a:b", "--bearer", "x", "http://a/"], "Cannot authenticate in two ways: give one of --user and"],
    [["get", "--user", "a:b", "--user-from", "x", "http://a/"], "give one of --user and --user-from"],
    [["get", "--digest", "http://a/"], "Cannot use --digest without a password"],
    [["get", "--bearer", "x", "--digest", "http://a/"], "Cannot use --digest without a password"],
    [["get", "--auth-for", "https://a/", "http://a/"], "Cannot use --auth-for without credentials"],
    [["get", "--auth-for", "a", "-u", "a:b", "http://a/"], "expected an origin such as https://api.example.com"],
    [["get", "--bearer-from", "env:SLUICE_NO_SUCH", "http://a/"], "Cannot use env:SLUICE_NO_SUCH: there is nothing"],
    [["get", "--bearer-from", "/no/such/file", "http://a/"], "Cannot read /no/such/file: there is no such file"],
    [
      ["get", "--proxy", "ftp://a/", "http://a/"],
      "Cannot use --proxy: expected a URL such as http://proxy.example:3128",
    ],
    [["get", "--proxy", "http://a/path", "http://a/"], "Cannot use --proxy: expected a URL such as"],
    [["get", "--proxy", "a:1", "--unix-socket", "x", "http://a/"], "Cannot use --proxy with --unix-socket"],
    [["get", "--pinned", "abc", "http://a/"], "sluice: "],
    [["get", "--key", "x", "http://a/"], "Cannot use --key without --cert"],
    [["get", "--cert", "/no/such/file", "http://a/"], "Cannot read /no/such/file: there is no such file"],
    [["get", "--tls-min", "1.1", "http://a/"], "Cannot use --tls-min: Allowed choices are 1.2, 1.3."],
    [["get", "--trace-format", "json", "http://a/"], "Cannot use --trace-format without --trace"],
    [["get", "--cookie", "a", "http://a/"], 'Cannot use --cookie: expected "name=value"'],
    [["get", "--cookie", "a b=c", "http://a/"], "Cannot use --cookie: the name of a cookie is"],
    [["get", "--cookie-file", "/dev/null/x", "http://a/"], "Cannot read /dev/null/x: a part of its path is not a dir"],
    [["get", "--max-size", "0", "http://a/"], "Cannot use --max-size: expected a size such as 64KiB or 10MB"],
    [["get", "nope"], "it is not a valid URL"],
    [["get", "ftp://a/"], "its scheme must be http or https"],
    [["get", "--download", "http://a/"], "Unknown option '--download'"],
    [["post", "http://a/", "--json", "{"], "Cannot use --json: the value is not JSON"],
    [["httpbin", "--port", "65536"], 'Cannot use --port: expected a whole number, 0 to 65535, received "65536"'],
    [["serve", "--port", "x"], 'Cannot use --port: expected a whole number, 0 to 65535, received "x"'],
    [["serve", "a", "b"], "Too many arguments for 'serve'"],
    [["serve", "--max-age", "soon"], 'Cannot use --max-age: expected a time such as 10s or 500ms, received "soon"'],
    [["dev"], "Missing required argument 'program'"],
    [
      ["dev", "--grace", "0", "app.ts"],
      'Cannot use --grace: expected a time above 0 such as 10s or 500ms, received "0"',
    ],
    [["dev", "--port", "x", "app.ts"], 'Cannot use --port: expected a whole number, 0 to 65535, received "x"'],
    [["httpbin", "extra"], "Too many arguments for 'httpbin'"],
  ])("%j is told in one line and ends with 2", async (args, said) => {
    const { code, out, err } = await command(args);
    expect(err).toContain(said);
    expect(err).toMatch(/^sluice: [^\n]+\n$/);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  });

  test.each([
    [["get", "http://a/", "-u", "secret"]],
    [["get", "http://a/", "-H", "authorization secret"]],
    [["post", "http://a/", "--json", '{"password":"secret"']],
    [["post", "http://a/", "--form", "secret"]],
    [["get", "http://ada:secret@[/?token=secret"]],
    [["get", "http://a/", "--token=secret"]],
    [["get", "http://a/", "--proxy", "ftp://ada:secret@a/"]],
    [["get", "http://a/", "--proxy", "http://ada:secret@:1/"]],
    [["get", "http://a/", "--proxy", "http://ada:secret@127.0.0.1:1/", "--unix-socket", "x"]],
    [["get", "http://a/", "--bearr=secret"]],
    [["get", "http://a/", "--bearer", "\u00fcsecret"]],
    [["get", "http://a/", "--cookie", "secret"]],
    [["get", "http://a/", "--cookie", "a=b;secret"]],
    [["get", "http://a/", "--auth-for", "secret"]],
    [["post", "http://a/", "secret"]],
    [["serve", "--basic", "secret"]],
    [["serve", "--cors", "secret"]],
    [["post", "http://a/", "=secret"]],
    [["post", "http://a/", 'password:="secret']],
    [["post", "http://a/", "bad name:secret"]],
    [["post", "http://a/", "Authorization:secret\u0000"]],
  ])("of %j does not repeat what may be secret", async (args) => {
    const { code, err } = await command(args);
    expect(code).toBe(2);
    expect(err).not.toContain("secret");
  });

  test("without a command shows what commands there are, on standard error", async () => {
    const { code, out, err } = await command([]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("Usage: sluice");
  });
});

const COMMANDS = [
  "fetch",
  "get",
  "head",
  "post",
  "put",
  "patch",
  "delete",
  "options",
  "query",
  "request",
  "ws",
  "sse",
  "download",
  "upload",
  "serve",
  "dev",
  "httpbin",
];

describe("help", () => {
  test("names every command there is, and none that is not", async () => {
    const { code, out } = await command(["--help"]);
    expect(code).toBe(0);
    const section = out.slice(out.indexOf("Commands:"), out.indexOf("Examples:"));
    const names = [...section.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
    expect(names).toEqual([...COMMANDS, "help"]);
  });

  test.each(COMMANDS)("of %s has examples, which parse", async (name) => {
    const { code, out, err } = await command([name, "--help"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const examples = [...out.matchAll(/^ {2}.*\bsluice (\w+.*)$/gm)].map(([, line]) => line ?? "");
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(example.startsWith(name)).toBe(true);
      for (const [option] of example.matchAll(/(?<= )--?[a-z][\w-]*/g))
        expect(out.slice(0, out.indexOf("Examples:"))).toContain(option);
    }
  });

  test("does not speak of what is not there yet", async () => {
    for (const name of ["", ...COMMANDS]) {
      const { out } = await command([...(name === "" ? [] : [name]), "--help"]);
      expect(out).not.toMatch(/\b(crawl|bench|(?<!--)inspect|http\/2|cache)\b/i);
    }
  });

  test("fits a terminal of 80 columns, but for examples and notes", async () => {
    for (const name of COMMANDS) {
      const { out } = await command([name, "--help"], { terminal: true, columns: 80 });
      const options = out.slice(0, out.indexOf("Examples:")).split("\n");
      expect(Math.max(...options.map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(out).not.toContain("\u001b");
    }
  });
});

test("the version is the package's", async () => {
  expect(await command(["--version"])).toEqual({ code: 0, out: `${version()}\n`, err: "" });
  expect(version()).toMatch(/^\d+\.\d+\.\d+/);
});

test("a folder that cannot be made for --output-dir is told in one line", async () => {
  const { code, err } = await command(["fetch", "http://127.0.0.1:9/", "--output-dir", "/dev/null/x"]);
  expect(code).toBe(2);
  expect(err).toMatch(/^sluice: Cannot save to \/dev\/null\/x: [^\n]+\n$/);
});
