/**
 * Digest three ways: Sluice's client against our server, curl against our server, and Sluice's client against Debian's
 * `python3-httpbin`.
 */
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { ClientSession, type DigestAlgorithm, type DigestOptions, digestAuth } from "sluice";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { challenges, countOnce, issueNonce, knownAlgorithm, parseDigestCredentials } from "../src/digest.js";
import { field, json } from "./ask.js";
import { findInterpreter, type PythonHttpbin, startPythonHttpbin } from "./difference/python-httpbin.js";
import { useHttpbin } from "./httpbin-server.js";

const ALGORITHMS: readonly DigestAlgorithm[] = [
  "MD5",
  "MD5-sess",
  "SHA-256",
  "SHA-256-sess",
  "SHA-512-256",
  "SHA-512-256-sess",
];
const QOPS = ["auth", "auth-int", "none", "both"];
const inCi = process.env["CI"] === "true";
const httpbin = useHttpbin();

const sessions: ClientSession[] = [];
afterAll(async () => {
  for (const session of sessions.splice(0)) await session.close();
});

function sessionAs(username: string, password: string, options: DigestOptions = {}): ClientSession {
  const session = new ClientSession({ cookies: false, hopMiddleware: [digestAuth(username, password, options)] });
  sessions.push(session);
  return session;
}

describe("Sluice's client", () => {
  test.each(ALGORITHMS)("gets in by %s, whatever the qop, and again unasked", async (algorithm) => {
    for (const qop of QOPS) {
      const session = sessionAs("ada", "pass word", { serverProof: qop === "auth" ? "required" : "if-given" });
      const url = `${httpbin.server.url}/digest-auth/${qop}/ada/pass%20word/${algorithm}`;
      for (let count = 0; count < 2; count += 1) {
        expect(await session.get(url).json(), qop).toEqual({ authenticated: true, user: "ada" });
        expect(await session.post(url, { body: `body ${count}` }).json(), qop).toMatchObject({ authenticated: true });
      }
    }
  });

  test("answers the strongest of several; with names beyond ASCII, hashed names, and a query", async () => {
    for (const more of ["", "?userhash=1", "?domain=/digest-auth&a=%20b"]) {
      const session = sessionAs("Jäsøn", 'grün%:"\\', { serverProof: "required" });
      const url = `${httpbin.server.url}/digest-auth/auth/J%C3%A4s%C3%B8n/${encodeURIComponent('grün%:"\\')}/all${more}`;
      const response = await session.get(url);
      expect([response.status, more]).toEqual([200, more]);
      expect(response.request.headers.get("authorization")).toContain("algorithm=SHA-512-256,");
    }
  });

  test.each(ALGORITHMS)("follows nonces that end, and next ones: %s", async (algorithm) => {
    const session = sessionAs("ada", "pw", { serverProof: "required" });
    const ending = `${httpbin.server.url}/digest-auth/auth/ada/pw/${algorithm}/2`;
    for (let count = 0; count < 5; count += 1) expect((await session.get(ending)).status).toBe(200);
    const next = `${httpbin.server.url}/digest-auth/auth/ada/pw/${algorithm}/1?nextnonce=1`;
    for (let count = 0; count < 5; count += 1) expect((await session.get(next)).status).toBe(200);
  });

  test("gets in many times at once", async () => {
    const session = sessionAs("ada", "pw");
    const url = `${httpbin.server.url}/digest-auth/auth/ada/pw/SHA-256`;
    for (let round = 0; round < 2; round += 1) {
      const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await session.get(url)).status));
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
  });

  test("is not let in with another password", async () => {
    const response = await sessionAs("ada", "wrong").get(`${httpbin.server.url}/digest-auth/auth/ada/pw`);
    expect(response.status).toBe(401);
  });
});

const curl = spawnSync("curl", ["--version"], { stdio: "ignore" }).status === 0 ? "curl" : undefined;

test("curl is there where CI runs", () => {
  expect(curl ?? (inCi ? "missing: apt-get install curl" : "")).not.toMatch(/^missing/);
});

describe.skipIf(curl === undefined)("curl against our server", () => {
  const curled = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)("curl", ["--silent", "--show-error", "--digest", ...args]);
    return stdout;
  };

  test.each(["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])("gets in by %s", async (algorithm) => {
    for (const qop of ["auth", "both", "none"]) {
      if (qop === "none" && algorithm.endsWith("-sess")) continue;
      const url = `${httpbin.server.url}/digest-auth/${qop}/ada/pw/${algorithm}?a=b`;
      const answer = JSON.stringify({ authenticated: true, user: "ada" }, null, 2);
      expect(await curled("--user", "ada:pw", url, url)).toBe(`${answer}\n${answer}\n`);
      expect(await curled("--user", "ada:no", "--write-out", "%{http_code}", url)).toBe("401");
    }
  });
});

const interpreter = findInterpreter();

describe.skipIf(interpreter === undefined)("Sluice's client against python3-httpbin", () => {
  let python: PythonHttpbin;
  beforeAll(async () => {
    python = await startPythonHttpbin(interpreter ?? "");
  });
  afterAll(() => python?.stop());

  test.each(["MD5", "SHA-256"])("gets in by %s, over and over", async (algorithm) => {
    for (const qop of ["auth", "auth-int", "both"]) {
      const session = sessionAs("ada", "pw");
      const url = `${python.url}/digest-auth/${qop}/ada/pw/${algorithm}`;
      for (let count = 0; count < 3; count += 1) {
        // Without a query, on which Debian's answers 500.
        const response = await session.get(url);
        expect([response.status, qop]).toEqual([200, qop]);
      }
      expect((await sessionAs("ada", "wrong").get(url)).status).toBe(401);
    }
  });

  test("answers stale nonces", async () => {
    const session = new ClientSession({ auth: { digest: { username: "ada", password: "pw" } } });
    sessions.push(session);
    const url = `${python.url}/digest-auth/auth/ada/pw/MD5/1`;
    for (let count = 0; count < 3; count += 1) expect((await session.get(url)).status).toBe(200);
  });
});

describe("/digest-auth", () => {
  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");

  test("challenges, one field line for each algorithm", async () => {
    const answer = await httpbin.get("/digest-auth/auth/ada/pw/all?domain=/x%22%0d%0ay&userhash=1");
    const lines = answer.headers.get("www-authenticate") ?? [];
    expect([answer.status, lines.length]).toEqual([401, 3]);
    expect(lines.map((line) => /algorithm=([^,]*)/.exec(line)?.[1])).toEqual(["SHA-512-256", "SHA-256", "MD5"]);
    for (const line of lines) {
      expect(line).toMatch(/^Digest realm="Fake Realm", nonce="[0-9a-f]{32}", opaque="[0-9a-f]{32}", .*domain="\/xy"/);
      expect(line).toContain("userhash=true");
    }
    expect(field(await httpbin.get("/digest-auth/x/ada/pw/nonsense"), "www-authenticate")).toMatch(
      /algorithm=MD5, qop="auth,auth-int"/,
    );
  });

  test("an answer counts once, for its own target, with the qop and algorithm that were wanted", async () => {
    const path = "/digest-auth/auth/ada/pw";
    const challenge = parseDigestCredentials(field(await httpbin.get(path), "www-authenticate"));
    const nonce = challenge?.get("nonce") ?? "";
    const answerTo = (uri: string, nc: string, more = "qop=auth, algorithm=MD5"): string => {
      const secret = md5("ada:Fake Realm:pw");
      const response = md5(`${secret}:${nonce}:${nc}:c:auth:${md5(`GET:${uri}`)}`);
      return `Digest username="ada", realm="Fake Realm", nonce="${nonce}", uri="${uri}", nc=${nc}, cnonce="c", response="${response}", ${more}`;
    };
    const status = async (authorization: string) => {
      const answer = await httpbin.get(path, { Authorization: authorization });
      return [answer.status, /stale=TRUE/.test(field(answer, "www-authenticate"))];
    };
    const first = await httpbin.get(path, { Authorization: answerTo(path, "00000001") });
    expect(json(first)).toEqual({ authenticated: true, user: "ada" });
    const proof = md5(`${md5("ada:Fake Realm:pw")}:${nonce}:00000001:c:auth:${md5(`:${path}`)}`);
    expect(field(first, "authentication-info")).toBe(`rspauth="${proof}", qop=auth, nc=00000001, cnonce="c"`);
    expect(await status(answerTo(path, "00000001"))).toEqual([401, true]);
    expect(await status(answerTo(path, "00000003"))).toEqual([200, false]);
    expect(await status(answerTo(path, "00000002"))).toEqual([200, false]);
    expect(await status(answerTo(path, "4"))).toEqual([401, true]);
    expect(await status(answerTo("/other", "00000005"))).toEqual([401, false]);
    expect(await status(answerTo(path, "00000005", "qop=auth-int, algorithm=MD5"))).toEqual([401, false]);
    expect(await status(answerTo(path, "00000005", "algorithm=MD5"))).toEqual([401, false]);
    expect(await status(answerTo(path, "00000005", "qop=auth, algorithm=SHA-256"))).toEqual([401, false]);
    expect(await status("Digest nonsense")).toEqual([401, false]);
    expect(await status("Basic YTpi")).toEqual([401, false]);
  });

  test("counts are taken once, in any order within 256 of the greatest", () => {
    const issued = issueNonce(9);
    const nc = (count: number): string => count.toString(16).padStart(8, "0");
    expect([5, 3, 5, 3, 4, 300, 44, 45, 45, 0].map((count) => countOnce(issued, nc(count)))).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  test("algorithms are known in any case of letters", () => {
    expect(["md5", "sha-256-SESS", "SHA-512", "constructor"].map(knownAlgorithm)).toEqual([
      "MD5",
      "SHA-256-sess",
      undefined,
      undefined,
    ]);
    const wish = { realm: "r", algorithms: ["MD5"], qop: undefined, userhash: false, domain: undefined };
    expect(challenges(wish, "n", true)[0]).toMatch(/^Digest realm="r", nonce="n", .*stale=TRUE, charset=UTF-8$/);
  });
});
