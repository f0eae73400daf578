/** The arithmetic and the wording of Digest answers, by the examples of the RFCs and by hand. */
import { describe, expect, test } from "vitest";
import {
  type DigestRequest,
  responseOf,
  secretOf,
  writeCredentials,
} from "../../../../src/client/middleware/auth/digest-answer.js";
import {
  type DigestAlgorithm,
  type DigestChallenge,
  strongestChallenge,
} from "../../../../src/client/middleware/auth/digest-challenge.js";
import { parseChallenges } from "../../../../src/http/challenges.js";

const ALL: ReadonlySet<DigestAlgorithm> = new Set([
  "MD5",
  "MD5-sess",
  "SHA-256",
  "SHA-256-sess",
  "SHA-512-256",
  "SHA-512-256-sess",
]);

function challengeOf(field: string): DigestChallenge {
  const challenge = strongestChallenge(field, ALL);
  if (challenge === undefined) throw new Error(`${field} has no challenge to answer`);
  return challenge;
}

const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const userOf = (name: string, password: string) => ({ nameBytes: bytes(name), passwordBytes: bytes(password) });

/** What a server reads of the answer. */
function answer(field: string, user: ReturnType<typeof userOf>, request: Partial<DigestRequest>): Map<string, string> {
  const challenge = challengeOf(field);
  const complete: DigestRequest = {
    method: "GET",
    uri: "/",
    qop: challenge.qops[0],
    nonceCount: 1,
    cnonce: "c",
    bodyHash: undefined,
    ...request,
  };
  const written = writeCredentials(challenge, user, secretOf(challenge, user, complete.cnonce), complete);
  const [parsed] = parseChallenges(written);
  expect(parsed?.scheme).toBe("digest");
  return new Map(parsed?.parameters);
}

const MUFASA = userOf("Mufasa", "Circle of Life");
const EXAMPLE = [
  'realm="http-auth@example.org"',
  'qop="auth, auth-int"',
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
  'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
];
const EXAMPLE_REQUEST = { uri: "/dir/index.html", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ" };

describe("the examples of the RFCs", () => {
  test.each([
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ])("RFC 7616 §3.9.1, %s", (algorithm, response) => {
    const field = `Digest ${[...EXAMPLE, `algorithm=${algorithm}`].join(", ")}`;
    expect(Object.fromEntries(answer(field, MUFASA, EXAMPLE_REQUEST))).toEqual({
      username: "Mufasa",
      realm: "http-auth@example.org",
      uri: "/dir/index.html",
      algorithm,
      nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
      nc: "00000001",
      cnonce: EXAMPLE_REQUEST.cnonce,
      qop: "auth",
      response,
      opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    });
  });

  test("RFC 7616 §3.9.2: SHA-512-256, userhash, UTF-8; the values of erratum 4897", () => {
    const field =
      'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, ' +
      'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
      'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true';
    const given = answer(field, userOf("Jäsøn Doe", "Secret, or not?"), {
      uri: "/doe.json",
      cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    });
    expect(given.get("username")).toBe("793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
    expect(given.get("response")).toBe("3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
    expect(given.get("userhash")).toBe("true");
  });

  test("RFC 2617 §3.5, and the same without a qop as RFC 2069 had it", () => {
    const challenge = 'realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"';
    const user = userOf("Mufasa", "Circle Of Life");
    const request = { uri: "/dir/index.html", cnonce: "0a4f113b" };
    const given = answer(`Digest ${challenge}, qop="auth"`, user, request);
    expect(given.get("response")).toBe("6629fae49393a05397450978507c4ef1");
    const old = answer(`Digest ${challenge}`, user, request);
    expect(old.get("response")).toBe("670fd8c2df070c60b045671b8b24ff02");
    expect([...old.keys()].sort()).toEqual(["nonce", "realm", "response", "uri", "username"]);
  });
});

describe("an answer", () => {
  const of = (more: string): string => `Digest realm="r", nonce="n", qop="auth"${more}`;

  test("names the algorithm only to servers that named one", () => {
    expect(answer(of(""), MUFASA, {}).has("algorithm")).toBe(false);
    expect(answer(of(', algorithm="md5-SESS"'), MUFASA, {}).get("algorithm")).toBe("MD5-sess");
  });

  test("counts in eight hexadecimal digits", () => {
    expect(answer(of(""), MUFASA, { nonceCount: 0xff_ff_ff_ff }).get("nc")).toBe("ffffffff");
    expect(answer(of(""), MUFASA, { nonceCount: 26 }).get("nc")).toBe("0000001a");
  });

  test("auth-int is over the body, -sess over nonce and cnonce", () => {
    const plain = answer(of(""), MUFASA, {}).get("response");
    const int = { qop: "auth-int", bodyHash: "0" } as const;
    expect(answer(of(""), MUFASA, int).get("response")).not.toBe(plain);
    expect(answer(of(""), MUFASA, { ...int, bodyHash: "1" }).get("response")).not.toBe(
      answer(of(""), MUFASA, int).get("response"),
    );
    const session = challengeOf(of(", algorithm=SHA-256-sess"));
    expect(secretOf(session, MUFASA, "1")).not.toBe(secretOf(session, MUFASA, "2"));
    expect(secretOf(challengeOf(of("")), MUFASA, "1")).toBe(secretOf(challengeOf(of("")), MUFASA, "2"));
  });

  test("the server's proof is the same without a method (§3.5)", () => {
    const challenge = challengeOf(of(""));
    const secret = secretOf(challenge, MUFASA, "c");
    const request: DigestRequest = {
      method: "GET",
      uri: "/",
      qop: "auth",
      nonceCount: 1,
      cnonce: "c",
      bodyHash: undefined,
    };
    expect(responseOf(challenge, secret, { ...request, method: "" })).not.toBe(responseOf(challenge, secret, request));
  });

  test.each([
    ["quotes and backslashes are escaped", 'a"\\b', "", "username", 'a"\\b'],
    [
      "what is not ASCII is extended, where the server knows UTF-8",
      "Jäsøn",
      ", charset=utf-8",
      "username*",
      "UTF-8''J%C3%A4s%C3%B8n",
    ],
    ["and is its bytes where it does not", "Jä", "", "username", "J\xc3\xa4"],
  ])("of names, %s", (_what, name, more, parameter, value) => {
    const given = answer(of(more), userOf(name, "p"), {});
    expect(given.get(parameter)).toBe(value);
    expect(given.has(parameter === "username" ? "username*" : "username")).toBe(false);
  });

  test("the realm goes back as it came, backslashes and all, and no line break ever does", () => {
    const field = 'Digest realm="DOM\\\\user \\"x\\"", nonce="n\\"", opaque="", qop=auth';
    const given = answer(field, MUFASA, { uri: "/a%20b?c=%22" });
    expect([given.get("realm"), given.get("nonce"), given.get("opaque")]).toEqual(['DOM\\user "x"', 'n"', ""]);
    expect(given.get("uri")).toBe("/a%20b?c=%22");
  });
});

describe("of several challenges", () => {
  const offer = (algorithm: string, more = ""): string =>
    `Digest realm="r", nonce="n-${algorithm}", algorithm=${algorithm}${more}`;

  test.each([
    [["MD5", "SHA-256"], "SHA-256"],
    [["SHA-256", "SHA-512-256"], "SHA-256"],
    [["MD5", "SHA-512-256", "SHA-256"], "SHA-512-256"],
    [["MD5-sess", "MD5"], "MD5-sess"],
    [["SHA-1", "MD5"], "MD5"],
    [["SHA-512"], undefined],
  ])("of %j, %j is answered: the strongest, and the server's first of equals", (algorithms, chosen) => {
    const field = algorithms.map((algorithm) => offer(algorithm)).join(", ");
    expect(strongestChallenge(`Basic realm="b", ${field}, Negotiate`, ALL)?.algorithm).toBe(chosen);
  });

  test("only those that are allowed", () => {
    const modern: ReadonlySet<DigestAlgorithm> = new Set(["SHA-256"]);
    expect(strongestChallenge(offer("MD5"), modern)).toBeUndefined();
    expect(strongestChallenge(`${offer("SHA-512-256")}, ${offer("SHA-256")}`, modern)?.algorithm).toBe("SHA-256");
  });

  test.each([
    ["no nonce", 'Digest realm="r"'],
    ["no realm", 'Digest nonce="n"'],
    ["no qop that we know", 'Digest realm="r", nonce="n", qop="auth-conf"'],
    ["another scheme", 'Basic realm="r", nonce="n"'],
    ["a nonce too long to keep", `Digest realm="r", nonce="${"n".repeat(4_097)}"`],
    ["a domain too long to keep", `Digest realm="r", nonce="n", domain="${"/".repeat(4_097)}"`],
  ])("one with %s is passed over, a good one behind it is not", (_what, field) => {
    expect(strongestChallenge(field, ALL)).toBeUndefined();
    expect(strongestChallenge(`${field}, ${offer("MD5")}`, ALL)?.nonce).toBe("n-MD5");
  });

  test("at the limit of length it is answered", () => {
    expect(strongestChallenge(`Digest realm="r", nonce="${"n".repeat(4_096)}"`, ALL)).toBeDefined();
  });

  test("qop is a list in any case, with spaces; of domain the first 32 URIs", () => {
    const domain = Array.from({ length: 40 }, (_value, at) => `/${at}`).join("  ");
    const challenge = challengeOf(offer("MD5", `, qop=" AUTH-INT ,auth,other", domain="${domain}", stale=TRUE`));
    expect(challenge.qops).toEqual(["auth-int", "auth"]);
    expect(challenge.domain.length).toBeLessThanOrEqual(32);
    expect(challenge.stale).toBe(true);
  });
});
