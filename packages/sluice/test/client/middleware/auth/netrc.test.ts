import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type NetrcOptions, netrcAuth } from "../../../../src/client/middleware/auth/netrc.js";
import { entryFor, parseNetrc } from "../../../../src/client/middleware/auth/netrc-file.js";
import { UsageError } from "../../../../src/errors.js";
import { answer, FakeNet, ok, redirect, rejection } from "../../fake-net.js";

const entries = (text: string) =>
  parseNetrc(text, "file").map(({ machine, login, password }) => [machine ?? "default", login, password]);

describe("the grammar", () => {
  test.each([
    ["nothing", "", []],
    ["one line", "machine a.test login ada password pw", [["a.test", "ada", "pw"]]],
    [
      "many lines, tabs, other line ends and a byte order mark",
      "\ufeffmachine A.test\r\n\tlogin ada\r\n\tpassword pw\r\nmachine b.test login b password q\n",
      [
        ["a.test", "ada", "pw"],
        ["b.test", "b", "q"],
      ],
    ],
    [
      "default, account, and the other words for login and password",
      "machine a.test user ada account acc passwd pw default login anonymous password me@",
      [
        ["a.test", "ada", "pw"],
        ["default", "anonymous", "me@"],
      ],
    ],
    [
      "quotes and what is escaped in them",
      'machine a.test login "a b" password "\\"q\\\\\\n\\t\\r#\\x"',
      [["a.test", "a b", '"q\\\n\t\r#x']],
    ],
    ["an empty quoted password", 'machine a.test login ada password ""', [["a.test", "ada", ""]]],
    [
      "a backslash, a hash and a quote outside of quotes",
      'machine a.test login a\\b password #p"w',
      [["a.test", "a\\b", '#p"w']],
    ],
    [
      "words of the grammar as values",
      "machine machine login login password password",
      [["machine", "login", "password"]],
    ],
    [
      "comments, whole lines and behind entries",
      "# machine x\nmachine a.test # login x\n login ada\n#password x\npassword pw # end",
      [["a.test", "ada", "pw"]],
    ],
    [
      "macros, up to an empty line",
      "machine a.test login ada password pw\nmacdef init\nmachine evil login x\n  password y\n\nmachine b.test login b",
      [
        ["a.test", "ada", "pw"],
        ["b.test", "b", undefined],
      ],
    ],
    ["a macro up to the end", "macdef m\nmachine x\nlogin y", []],
    ["no password", "machine a.test login ada", [["a.test", "ada", undefined]]],
  ])("%s", (_what, text, expected) => {
    expect(entries(text)).toEqual(expected);
  });

  test.each([
    ["machine a.test login ada passwrd pl4nted", 1, "a word that is none"],
    ["\n\nmachine a.test\nlogin", 4, "login without"],
    ["machine", 1, "machine without"],
    ["login pl4nted", 1, "before any machine"],
    ['machine a.test\npassword "pl4nted', 2, "does not end"],
    ['machine a.test\npassword "pl4nted"x', 2, "behind a quote"],
    ["macdef", 1, "macdef without"],
  ])("%j is refused: the line is named, and nothing of it", (text, line, what) => {
    const thrown = expect.objectContaining({
      code: "auth/netrc-invalid",
      message: expect.stringMatching(new RegExp(`^Cannot read file: (?!.*pl4nted).*${what}.* in line ${line}$`)),
    });
    expect(() => parseNetrc(text, "file")).toThrow(thrown);
  });

  test("whatever is written in quotes is read, and nothing throws anything else", () => {
    const word = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word)), (pairs) => {
        const written = pairs.map(
          ([login, password]) => `machine m login ${quoted(login)} password ${quoted(password)}`,
        );
        expect(entries(written.join("\n"))).toEqual(pairs.map(([login, password]) => ["m", login, password]));
      }),
    );
    const soup = fc.array(
      fc.constantFrom("machine", "login", "password", "macdef", "default", '"', "\\", "\n", " ", "#", "x"),
    );
    fc.assert(
      fc.property(soup, (pieces) => {
        try {
          parseNetrc(pieces.join(""), "file");
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });

  test("the first entry of a host with a login counts, default where it is wanted", () => {
    const found = parseNetrc(
      "machine a.test password x machine A.TEST login one machine a.test login two default login d",
      "",
    );
    expect(entryFor(found, "a.test", true)?.login).toBe("one");
    expect(entryFor(found, "b.test", true)?.login).toBe("d");
    expect(entryFor(found, "b.test", false)).toBeUndefined();
    expect(entryFor(found, "sub.a.test", false)).toBeUndefined();
  });
});

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

describe("as middleware", () => {
  const environment = { NETRC: process.env["NETRC"], HOME: process.env["HOME"] };
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-netrc-"));
  });
  afterEach(() => {
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  const TEXT = `
    machine a.test login ada password pw
    machine ::1 login six password pw
    default login anonymous password guest
  `;
  let files = 0;
  async function fileWith(text: string, mode = 0o600): Promise<string> {
    files += 1;
    const path = join(folder, `netrc-${files}`);
    await writeFile(path, text, { mode });
    await chmod(path, mode);
    return path;
  }
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
  const sent = (net: FakeNet): (string | undefined)[] => net.seen.map((seen) => seen.fields.get("authorization"));
  const failure = async (options: NetrcOptions) =>
    rejection(new FakeNet().session({ auth: { netrc: options } }).get("http://a.test/"));

  test("each host gets its own, others get default where the session's defaults go", async () => {
    const net = new FakeNet();
    const path = await fileWith(TEXT);
    const session = net.session({ auth: { netrc: { path } }, baseUrl: "http://c.test/" });
    for (const url of ["http://a.test/", "https://A.test:8443/", "http://[::1]/", "/", "http://b.test/"]) {
      await session.get(url);
    }
    expect(sent(net)).toEqual([basic("ada:pw"), basic("ada:pw"), basic("six:pw"), basic("anonymous:guest"), undefined]);
  });

  test("nobody gets any after a redirect to another origin, not even a host in the file", async () => {
    const net = new FakeNet((seen) => (seen.url === "http://b.test:80/" ? redirect(302, "http://a.test/") : ok("")));
    const path = await fileWith(TEXT);
    for (const place of ["hopMiddleware", "middleware"] as const) {
      net.seen.splice(0);
      await net.session({ [place]: [netrcAuth({ path })] }).get("http://b.test/");
      expect(sent(net)).toEqual([basic("anonymous:guest"), undefined]);
    }
  });

  test("a request with an Authorization keeps it, and the file is not looked for", async () => {
    const net = new FakeNet();
    const session = net.session({ auth: { netrc: { path: join(folder, "missing") } } });
    await session.get("http://a.test/", { headers: { authorization: "Own" } });
    await session.get("http://a.test/", { auth: false });
    await session.get("http://u:p@a.test/");
    expect(sent(net)).toEqual(["Own", undefined, basic("u:p")]);
  });

  test("proves the password by Digest if told to, and remembers the nonce", async () => {
    const net = new FakeNet((seen) =>
      seen.fields.get("authorization")?.startsWith('Digest username="ada"')
        ? ok("in")
        : answer(401, "", "www-authenticate: Digest realm=r, nonce=n\r\n"),
    );
    const session = net.session({ auth: { netrc: { path: await fileWith(TEXT), scheme: "digest" } } });
    for (let count = 0; count < 2; count += 1) expect(await session.get("http://a.test/").text()).toBe("in");
    expect(net.seen.length).toBe(3);
  });

  test("$NETRC names the file, which must be there; the one of the home folder need not", async () => {
    const net = new FakeNet();
    process.env["NETRC"] = await fileWith(TEXT);
    await net.session({ auth: { netrc: true } }).get("http://a.test/");
    process.env["NETRC"] = join(folder, "missing");
    const error = await rejection(net.session({ auth: { netrc: true } }).get("http://a.test/"));
    expect(error).toMatchObject({ code: "auth/netrc-unreadable", cause: { code: "ENOENT" } });
    process.env["NETRC"] = "";
    process.env["HOME"] = folder;
    await net.session({ auth: { netrc: true } }).get("http://a.test/");
    await writeFile(join(folder, ".netrc"), "machine a.test login home password pw", { mode: 0o600 });
    await net.session({ auth: { netrc: true } }).get("http://a.test/");
    expect(sent(net)).toEqual([basic("ada:pw"), undefined, basic("home:pw")]);
  });

  test("the file is read once, by many requests at once; while it cannot be used, each request says so", async () => {
    const net = new FakeNet();
    const path = await fileWith("machine");
    const session = net.session({ auth: { netrc: { path } } });
    expect((await rejection(session.get("http://a.test/"))).code).toBe("auth/netrc-invalid");
    await writeFile(path, TEXT);
    await Promise.all([session.get("http://a.test/"), session.get("http://a.test/")]);
    await writeFile(path, "machine");
    await session.get("http://a.test/");
    expect(sent(net)).toEqual(Array(3).fill(basic("ada:pw")));
  });

  test.each([0o640, 0o604, 0o620, 0o644])(
    "others' rights (%o) are refused, with what to do, or allowed",
    async (mode) => {
      const path = await fileWith(TEXT, mode);
      const error = await failure({ path });
      expect(error).toMatchObject({ code: "files/not-private", message: expect.stringContaining("chmod 600") });
      expect(error.message).not.toContain("pw");
      const net = new FakeNet();
      await net.session({ auth: { netrc: { path, checkPermissions: false } } }).get("http://a.test/");
      expect(sent(net)).toEqual([basic("ada:pw")]);
    },
  );

  test("at its limit a file is read, one byte past it not", async () => {
    const path = await fileWith(TEXT);
    const size = Buffer.byteLength(TEXT);
    const net = new FakeNet();
    for (const maxFileBytes of [size, Number.POSITIVE_INFINITY]) {
      await net.session({ auth: { netrc: { path, maxFileBytes } } }).get("http://a.test/");
    }
    expect(sent(net)).toEqual([basic("ada:pw"), basic("ada:pw")]);
    expect((await failure({ path, maxFileBytes: size - 1 })).code).toBe("files/too-large");
    await truncate(path, 1_024 * 1_024 + 1);
    expect((await failure({ path })).code).toBe("files/too-large");
  });

  test("folders, pipes and devices are no files; nothing hangs", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", ["-m", "600", pipe]);
    for (const path of [folder, pipe, "/dev/zero"]) {
      expect((await failure({ path, checkPermissions: false })).code, path).toBe("files/not-regular");
    }
  });

  test.each([
    [{ scheme: "bearer" }, "options/out-of-range"],
    [{ maxFileBytes: 0 }, "options/out-of-range"],
    [{ file: "x" }, "options/unknown"],
  ])("%j is refused", (options, code) => {
    expect(() => netrcAuth(options as NetrcOptions)).toThrow(expect.objectContaining({ code }));
  });
});
