/** Digest over time: what is sent when, how often, to whom, and what is remembered. The server here is a strict one in memory. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type DigestOptions, digestAuth } from "../../../../src/client/middleware/auth/digest.js";
import { AuthenticationError } from "../../../../src/errors.js";
import { parseChallenges } from "../../../../src/http/challenges.js";
import { answer, FakeNet, ok, redirect, rejection, type Seen } from "../../fake-net.js";

const md5 = (text: string): string => createHash("md5").update(text, "latin1").digest("hex");

interface StrictServer {
  readonly net: FakeNet;
  /** Nonces that are good, and the counts seen with them. */
  readonly nonces: Map<string, Set<string>>;
  /** Fields of the next answers. */
  info: (given: ReadonlyMap<string, string>, target: string) => string;
  challenge: string;
  stale: boolean;
  password: string;
}

/** Wants ada's password for everything but /open; forgets nothing unless the test makes it. */
function strictServer(more = 'realm="r", qop="auth"'): StrictServer {
  let issued = 0;
  const server: StrictServer = {
    nonces: new Map(),
    info: () => "",
    challenge: more,
    stale: false,
    password: "pw",
    net: new FakeNet((seen) => (seen.target === "/open" ? ok("open") : server.nonces && reply(seen))),
  };
  function refuse(stale: boolean): string {
    issued += 1;
    server.nonces.set(`n${issued}`, new Set());
    const field = `Digest ${server.challenge}, nonce="n${issued}"${stale ? ", stale=true" : ""}`;
    return answer(401, "no", `www-authenticate: ${field}\r\n`);
  }
  function reply(seen: Seen): string {
    const given = parametersOf(seen);
    if (given === undefined) return refuse(false);
    const { nonce = "", nc = "", cnonce = "", qop = "", uri = "", realm = "" } = Object.fromEntries(given);
    const secret = md5(`ada:${realm}:${server.password}`);
    const body = qop === "auth-int" ? `:${md5(seen.body)}` : "";
    const subject = md5(`${seen.method}:${seen.target}${body}`);
    const right = md5(`${secret}:${nonce}:${nc}:${cnonce}:${qop}:${subject}`) === given.get("response");
    if (!right || uri !== seen.target) return refuse(false);
    const counts = server.nonces.get(nonce);
    if (counts === undefined || counts.has(nc)) return refuse(server.stale);
    counts.add(nc);
    return ok("in", server.info(given, seen.target));
  }
  return server;
}

function parametersOf({ fields }: Seen): ReadonlyMap<string, string> | undefined {
  const field = fields.get("authorization");
  return field === undefined ? undefined : parseChallenges(field)[0]?.parameters;
}

const counts = (net: FakeNet): (string | undefined)[] => net.seen.map((seen) => parametersOf(seen)?.get("nc"));
const nonces = (net: FakeNet): (string | undefined)[] => net.seen.map((seen) => parametersOf(seen)?.get("nonce"));

const URL_A = "http://a.test/x";
const hops = (options: DigestOptions = {}, password = "pw") => ({
  hopMiddleware: [digestAuth("ada", password, { cnonce: () => "c", ...options })],
});

describe("a challenge", () => {
  test("is answered, once; later requests carry credentials unasked and count", async () => {
    const { net } = strictServer();
    const session = net.session(hops());
    for (let count = 0; count < 3; count += 1) expect(await session.get(URL_A).text()).toBe("in");
    expect(counts(net)).toEqual([undefined, "00000001", "00000002", "00000003"]);
  });

  test("each time anew without `preemptive`", async () => {
    const { net } = strictServer();
    const session = net.session(hops({ preemptive: false }));
    for (let count = 0; count < 2; count += 1) expect(await session.get(URL_A).text()).toBe("in");
    expect(nonces(net)).toEqual([undefined, "n1", undefined, "n2"]);
  });

  test("of another scheme is the answer", async () => {
    const net = new FakeNet(() => answer(401, "", 'www-authenticate: Basic realm="r"\r\n'));
    expect((await net.session(hops()).get(URL_A)).status).toBe(401);
    const bare = new FakeNet(() => answer(401));
    expect((await bare.session(hops()).get(URL_A)).status).toBe(401);
    expect([net.seen.length, bare.seen.length]).toEqual([1, 1]);
  });

  test("what a caller has set is left alone", async () => {
    const { net } = strictServer();
    expect((await net.session(hops()).get(URL_A, { headers: { authorization: "Own" } })).status).toBe(401);
    expect(net.seen.map((seen) => seen.fields.get("authorization"))).toEqual(["Own"]);
  });

  test("a wrong password is tried once a request, and never unasked", async () => {
    const { net } = strictServer();
    const session = net.session(hops({}, "wrong"));
    for (let count = 0; count < 2; count += 1) expect((await session.get(URL_A)).status).toBe(401);
    expect(counts(net)).toEqual([undefined, "00000001", undefined, "00000001"]);
  });

  test("a password that has been changed is noticed, and the old one not insisted on", async () => {
    const server = strictServer();
    const session = server.net.session(hops());
    await session.get(URL_A).text();
    server.password = "new";
    expect((await session.get(URL_A)).status).toBe(401);
    expect((await session.get(URL_A)).status).toBe(401);
    expect(nonces(server.net)).toEqual([undefined, "n1", "n1", "n2", undefined, "n4"]);
  });

  test("a server that has forgotten its nonces is answered again, whether it says stale or not", async () => {
    for (const stale of [true, false]) {
      const server = strictServer();
      server.stale = stale;
      const session = server.net.session(hops());
      await session.get(URL_A).text();
      server.nonces.clear();
      expect(await session.get(URL_A).text()).toBe("in");
      expect(nonces(server.net)).toEqual([undefined, "n1", "n1", "n2"]);
    }
  });

  test("one that says stale for ever gets three sends, no more", async () => {
    const net = new FakeNet((_seen, { seen }) =>
      answer(401, "", `www-authenticate: Digest realm=r, nonce=n${seen.length}, stale=true\r\n`),
    );
    expect((await net.session(hops()).get(URL_A)).status).toBe(401);
    expect(net.seen.length).toBe(3);
  });

  test("many at once: each gets in, and no count is used twice", async () => {
    const server = strictServer();
    const session = server.net.session(hops());
    const texts = await Promise.all(Array.from({ length: 30 }, () => session.get(URL_A).text()));
    expect(new Set(texts)).toEqual(new Set(["in"]));
    const more = await Promise.all(Array.from({ length: 30 }, () => session.get(URL_A).text()));
    expect(new Set(more)).toEqual(new Set(["in"]));
    expect(server.net.seen.length).toBe(90);
  });

  test("a nonce that is always the same goes on being counted", async () => {
    const net = new FakeNet((seen) =>
      seen.fields.has("authorization") && !seen.target.startsWith("/again")
        ? ok("in")
        : answer(401, "", 'www-authenticate: Digest realm="r", nonce="same", qop="auth"\r\n'),
    );
    const session = net.session(hops());
    await session.get(URL_A).text();
    await session.get("http://a.test/again");
    expect(counts(net)).toEqual([undefined, "00000001", "00000002", "00000003"]);
  });
});

describe("the next nonce", () => {
  test("of Authentication-Info is used from then on, counted anew", async () => {
    const server = strictServer();
    server.info = (given) => {
      const next = `${given.get("nonce")}+`;
      server.nonces.set(next, new Set());
      return `authentication-info: nextnonce="${next}"\r\n`;
    };
    const session = server.net.session(hops());
    for (let count = 0; count < 3; count += 1) expect(await session.get(URL_A).text()).toBe("in");
    expect(nonces(server.net)).toEqual([undefined, "n1", "n1+", "n1++"]);
    expect(counts(server.net)).toEqual([undefined, "00000001", "00000001", "00000001"]);
  });

  test("that is beyond all measure is not kept", async () => {
    const server = strictServer();
    server.info = () => `authentication-info: nextnonce="${"n".repeat(4_097)}"\r\n`;
    const session = server.net.session(hops());
    for (let count = 0; count < 2; count += 1) expect(await session.get(URL_A).text()).toBe("in");
    expect(nonces(server.net)).toEqual([undefined, "n1", "n1"]);
  });
});

describe("the server's proof", () => {
  const proofOf = (given: ReadonlyMap<string, string>, target: string, password = "pw"): string => {
    const counted = ["nonce", "nc", "cnonce", "qop"].map((name) => given.get(name)).join(":");
    return md5(`${md5(`ada:r:${password}`)}:${counted}:${md5(`:${target}`)}`);
  };
  const withProof = (password: string) => {
    const server = strictServer();
    server.info = (given, target) =>
      `authentication-info: rspauth="${proofOf(given, target, password).toUpperCase()}"\r\n`;
    return server.net;
  };

  test("is checked if it is given, and may be required", async () => {
    for (const serverProof of ["if-given", "required", "ignore"] as const) {
      expect(await withProof("pw").session(hops({ serverProof })).get(URL_A).text()).toBe("in");
    }
  });

  test("a wrong one is an error, without password and proof, and is not trusted again", async () => {
    const net = withProof("guess");
    const session = net.session(hops());
    const error = await rejection(session.get(URL_A));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ code: "auth/server-unproven", method: "GET", url: URL_A });
    expect(error.message).not.toMatch(/pw|[0-9a-f]{32}/);
    await rejection(session.get(URL_A));
    expect(counts(net)).toEqual([undefined, "00000001", undefined, "00000001"]);
    expect(
      await withProof("guess")
        .session(hops({ serverProof: "ignore" }))
        .get(URL_A)
        .text(),
    ).toBe("in");
  });

  test("a missing one is an error where it is required", async () => {
    const { net } = strictServer();
    const session = net.session(hops({ serverProof: "required" }));
    expect((await rejection(session.get(URL_A))).code).toBe("auth/server-unproven");
  });
});

describe("bodies", () => {
  test("go again with the answer; those that can be sent once do not, and get in unasked the next time", async () => {
    const { net } = strictServer();
    const session = net.session(hops());
    const stream = () => new Blob(["abc"]).stream();
    expect((await session.post(URL_A, { body: stream() })).status).toBe(401);
    expect(await session.post(URL_A, { body: stream() }).text()).toBe("in");
    expect(await session.post(URL_A, { json: { a: 1 } }).text()).toBe("in");
    expect(await session.post(URL_A, { body: stream }).text()).toBe("in");
    expect(net.seen.map((seen) => seen.body)).toEqual(["abc", "abc", '{"a":1}', "abc"]);
  });

  test("are protected by auth-int where the server wants nothing else, streams that can be made again too", async () => {
    const { net } = strictServer('realm="r", qop="auth-int"');
    const session = net.session(hops());
    expect(await session.post(URL_A, { body: "grün" }).text()).toBe("in");
    expect(await session.post(URL_A, { body: new Uint8Array([1, 2, 255]) }).text()).toBe("in");
    expect(await session.post(URL_A, { body: () => new Blob(["a", "b"]).stream() }).text()).toBe("in");
    expect(await session.get(URL_A).text()).toBe("in");
    expect((await session.post(URL_A, { body: new Blob(["once"]).stream() })).status).toBe(401);
  });

  test("auth-int is chosen when offered only if asked for", async () => {
    const qops = async (options: DigestOptions, body: string | ReadableStream) => {
      const { net } = strictServer('realm="r", qop="auth,auth-int"');
      const session = net.session(hops(options));
      await session.get(URL_A).text();
      expect((await session.post(URL_A, { body })).status).toBe(200);
      return net.seen.map((seen) => parametersOf(seen)?.get("qop"));
    };
    const int = { integrity: "when-offered" } as const;
    expect(await qops({}, "a")).toEqual([undefined, "auth", "auth"]);
    expect(await qops(int, "a")).toEqual([undefined, "auth-int", "auth-int"]);
    expect(await qops(int, new Blob(["a"]).stream())).toEqual([undefined, "auth-int", "auth"]);
  });
});

describe("the protection space", () => {
  test("is the origin, unless domain names paths; below them, and by whole segments", async () => {
    const { net } = strictServer('realm="r", qop="auth", domain="/x /deep/er?q=1 http://b.test/ nonsense://"');
    const session = net.session(hops());
    await session.get(URL_A).text();
    net.seen.splice(0);
    for (const path of ["/x/y", "/x?z", "/xy", "/open", "/deep/er?q=1", "/deep/er"]) {
      await session.get(`http://a.test${path}`).text();
    }
    const asked = net.seen.filter((seen) => !seen.fields.has("authorization")).map((seen) => seen.target);
    expect(asked).toEqual(["/xy", "/open", "/deep/er"]);
  });

  test("two realms of one origin are kept apart, the longer path first", async () => {
    const net = new FakeNet((seen) => {
      const realm = seen.target.startsWith("/b") ? "b" : "a";
      if (parametersOf(seen)?.get("realm") === realm) return ok(realm);
      const domain = realm === "b" ? "/b" : "/";
      return answer(401, "", `www-authenticate: Digest realm=${realm}, nonce=n${realm}, domain="${domain}"\r\n`);
    });
    const session = net.session(hops());
    for (const path of ["/a", "/b", "/a", "/b/c", "/c"]) {
      expect(await session.get(`http://a.test${path}`).text()).toBe(path.startsWith("/b") ? "b" : "a");
    }
    // The first of each is asked for; what is known of "/" is tried on "/b" and makes room for the better.
    expect(net.seen.length).toBe(7);
  });

  test("no more than 64 are remembered", async () => {
    const net = new FakeNet((seen) =>
      seen.fields.has("authorization")
        ? ok("")
        : answer(
            401,
            "",
            `www-authenticate: Digest realm=r${seen.target.slice(1)}, nonce=n, domain="${seen.target}"\r\n`,
          ),
    );
    const session = net.session(hops());
    for (let count = 0; count < 65; count += 1) await session.get(`http://a.test/${count}`);
    net.seen.splice(0);
    await session.get("http://a.test/64");
    await session.get("http://a.test/0");
    expect(net.seen.map((seen) => seen.fields.has("authorization"))).toEqual([true, false, true]);
  });
});

describe("other origins", () => {
  test("get nothing by a redirect, and their challenge no answer, whoever shares the middleware", async () => {
    const evil = 'www-authenticate: Digest realm="r", nonce="evil", qop="auth"\r\n';
    const net = new FakeNet((seen) => {
      if (seen.url.startsWith("http://evil.test")) return answer(401, "", evil);
      if (!seen.fields.has("authorization"))
        return answer(401, "", 'www-authenticate: Digest realm="r", nonce="good"\r\n');
      return seen.target === "/away" ? redirect(302, "http://evil.test/") : ok("in");
    });
    const shared = digestAuth("ada", "pw");
    const first = net.session({ hopMiddleware: [shared], baseUrl: "http://a.test/" });
    const outside = net.session({ middleware: [shared], baseUrl: "http://a.test/" });
    for (const session of [first, outside]) {
      expect(await session.get("in").text()).toBe("in");
      expect((await session.get("away")).status).toBe(401);
      expect((await session.get("http://evil.test/")).status).toBe(401);
      expect(await session.get("in").text()).toBe("in");
    }
    const toEvil = net.seen.filter((seen) => seen.url.startsWith("http://evil.test"));
    expect(toEvil.length).toBe(4);
    expect(toEvil.filter((seen) => seen.fields.has("authorization"))).toEqual([]);
    expect(nonces(net).filter((nonce) => nonce === "evil")).toEqual([]);
  });

  test("another port or scheme is another origin; what one knows is not sent to the other unasked", async () => {
    const { net } = strictServer();
    const session = net.session(hops());
    for (const url of [URL_A, "http://a.test:81/x", "https://a.test/x"]) await session.get(url).text();
    expect(nonces(net)).toEqual([undefined, "n1", undefined, "n2", undefined, "n3"]);
  });

  test("`origins` names the only ones", async () => {
    const { net } = strictServer();
    const session = net.session(hops({ origins: ["http://a.test"] }));
    expect(await session.get(URL_A).text()).toBe("in");
    expect((await session.get("http://b.test/")).status).toBe(401);
  });
});

describe("options", () => {
  test.each([
    [{ algorithms: [] }, "options/out-of-range"],
    [{ algorithms: ["SHA-1"] }, "options/out-of-range"],
    [{ integrity: "always" }, "options/out-of-range"],
    [{ serverProof: true }, "options/out-of-range"],
    [{ cnonce: "c" }, "options/unknown-value"],
    [{ cnounce: () => "c" }, "options/unknown"],
    [{ origins: ["ftp://a.test"] }, "options/out-of-range"],
    [{ origins: ["a.test"] }, "url/invalid"],
  ])("%j is refused", (options, code) => {
    expect(() => digestAuth("ada", "pw", options as DigestOptions)).toThrow(expect.objectContaining({ code }));
  });

  test("names and passwords that cannot be are refused, unsaid", () => {
    for (const [name, password, code] of [
      ["a:b", "secret", "auth/username"],
      ["a\n", "secret", "auth/username"],
      ["a", "secret\0", "auth/password"],
      [undefined, "secret", "auth/username"],
      ["a", undefined, "auth/password"],
    ] as [string, string, string][]) {
      const thrown = expect.objectContaining({ code, message: expect.not.stringContaining("secret") });
      expect(() => digestAuth(name, password)).toThrow(thrown);
    }
  });

  test("a cnonce is different each time unless handed in", async () => {
    const { net } = strictServer();
    const session = net.session({ auth: { digest: { username: "ada", password: "pw" } } });
    for (let count = 0; count < 3; count += 1) await session.get(URL_A).text();
    const cnonces = net.seen.slice(1).map((seen) => parametersOf(seen)?.get("cnonce") ?? "");
    expect(new Set(cnonces).size).toBe(3);
    for (const cnonce of cnonces) expect(cnonce).toMatch(/^[0-9a-f]{32}$/);
  });
});
