/**
 * RFC 9111, clause by clause, as it binds a private cache: each case is named by its section. What binds shared caches only
 * (§3.5, §5.2.2.9, §5.2.2.10, §5.2.2.8) is here as what a private cache does instead.
 */
import { describe, expect, test } from "vitest";
import { FakeNet, ok } from "../../fake-net.js";
import {
  always,
  CachedOrigin,
  type Clause,
  DAY,
  fresh,
  got,
  notModified,
  reply,
  type Script,
  SECOND,
  second,
  URL_A,
} from "./cached-origin.js";

/** `lines` the first time; then 304 to whoever shows `etag: "1"`, with `update` lines. */
function revalidating(lines: string[], update: string[] = []): Script {
  return (seen, count, origin) => {
    if (seen.fields.get("if-none-match")?.includes('"1"')) return notModified(`date: ${origin.date()}`, ...update);
    return fresh(origin, `body ${count}`, 'etag: "1"', ...lines);
  };
}

/** Whether an answer is stored, seen by asking again at once for whatever is stored. */
async function isStored(script: Script, headers: Record<string, string> = {}): Promise<boolean> {
  const origin = new CachedOrigin(script);
  await origin.get(headers);
  return origin.store.size > 0;
}

const status =
  (code: number, ...lines: string[]): Script =>
  (_seen, _count, origin) =>
    reply(code, "x", `date: ${origin.date()}`, ...lines);

const STORING: readonly Clause[] = [
  [
    "3",
    "an answer with max-age is stored and used again, byte for byte",
    async () => {
      const origin = new CachedOrigin((_seen, _count, self) =>
        fresh(self, "\u00e9\u0000\u00ff", "cache-control: max-age=9"),
      );
      const first = await origin.session.get(URL_A).bytes();
      expect(await origin.session.get(URL_A).bytes()).toEqual(first);
      expect(origin.asked).toBe(1);
    },
  ],
  [
    "3",
    "only answers to GET are stored: a POST with a lifetime is not",
    async () => {
      const origin = new CachedOrigin(always("cache-control: max-age=60"));
      await got(await origin.session.post(URL_A, { body: "x" }));
      expect([origin.store.size, (await origin.get()).how]).toEqual([0, "miss"]);
    },
  ],
  [
    "3",
    "a status that is heuristically cacheable is stored with a validator; another is not, unless it says how long it holds",
    async () => {
      for (const code of [200, 203, 300, 301, 308, 404, 405, 410, 414, 501]) {
        expect(await isStored(status(code, 'etag: "1"')), String(code)).toBe(true);
      }
      for (const code of [201, 202, 302, 303, 307, 400, 401, 403, 418, 429, 500, 502, 503]) {
        expect(await isStored(status(code, 'etag: "1"')), String(code)).toBe(false);
      }
      expect(await isStored(status(302, "cache-control: max-age=5"))).toBe(true);
    },
  ],
  [
    "3",
    "`no-store` in the answer keeps it out, whatever else is said",
    async () => {
      expect(await isStored(always("cache-control: max-age=60, NO-STORE"))).toBe(false);
      expect(await isStored(always("cache-control: max-age=60", "cache-control: no-store"))).toBe(false);
    },
  ],
  [
    "3",
    "`private` is for private caches: stored",
    async () => {
      expect(await isStored(always("cache-control: private, max-age=60"))).toBe(true);
      expect(await isStored(always('cache-control: private="x-y", max-age=60'))).toBe(true);
    },
  ],
  [
    "3.1",
    "fields of the connection are not stored, those that Connection names included; all others are, unknown ones too",
    async () => {
      const origin = new CachedOrigin(
        always("cache-control: max-age=60", "connection: x-hop", "x-hop: 1", "x-kept: 2", "keep-alive: timeout=5"),
      );
      expect((await origin.get()).response.headers.get("x-hop")).toBe("1");
      const { headers } = (await origin.get()).response;
      expect([headers.get("x-hop"), headers.get("connection"), headers.get("keep-alive")]).toEqual([null, null, null]);
      expect(headers.get("x-kept")).toBe("2");
    },
  ],
  [
    "3.2",
    "a 304 adds its fields to the stored ones, new ones too, and never the length of what it does not have",
    async () => {
      const script = revalidating(
        ["cache-control: max-age=1", "x-a: old", "x-b: kept"],
        ["x-a: new", "x-c: added", "cache-control: max-age=9", "content-length: 0"],
      );
      const origin = new CachedOrigin(script);
      await origin.get();
      await origin.pass(2);
      const { how, body } = await origin.get();
      const { response } = await origin.get();
      expect([how, body, response.cacheStatus]).toEqual(["revalidated", "body 1", "hit"]);
      const shown = ["x-a", "x-b", "x-c", "content-length"].map((name) => response.headers.get(name));
      expect(shown).toEqual(["new", "kept", "added", "6"]);
    },
  ],
  [
    "3.3",
    "a body that breaks off is never stored, with a length or in chunks; nor one that ends with its connection",
    async () => {
      const lines = "cache-control: max-age=60\r\n";
      const heads = ["content-length: 9\r\n", "transfer-encoding: chunked\r\n", ""];
      for (const framing of heads) {
        const origin = new CachedOrigin((seen) => {
          seen.connection.send(
            `HTTP/1.1 200 OK\r\n${lines}${framing}\r\n${framing.startsWith("t") ? "4\r\nhalf\r\n" : "half"}`,
          );
          seen.connection.end();
          return undefined;
        });
        await origin.get().catch((error) => expect(error.code).toBe("body/incomplete"));
        expect(origin.store.size, framing).toBe(0);
      }
    },
  ],
  [
    "3.4",
    "a request for a part passes by, and 206 is not stored",
    async () => {
      const origin = new CachedOrigin((seen, _count, self) => {
        const part = seen.fields.has("range");
        return reply(part ? 206 : 200, part ? "pa" : "part", `date: ${self.date()}`, "cache-control: max-age=60");
      });
      expect((await origin.get({ range: "bytes=0-1" })).how).toBe(undefined);
      expect(origin.store.size).toBe(0);
      await origin.get();
      expect((await origin.get({ range: "bytes=0-1" })).body).toBe("pa");
      expect(await isStored(status(206, "cache-control: max-age=60", "content-range: bytes 0-0/9"))).toBe(false);
    },
  ],
  [
    "3.5",
    "an answer to a request with Authorization is stored, for this is a private cache, and only for the same credentials",
    async () => {
      const origin = new CachedOrigin(always("cache-control: max-age=60"));
      await origin.get({ authorization: "Bearer one" });
      expect((await origin.get({ authorization: "Bearer one" })).how).toBe("hit");
      expect((await origin.get({ authorization: "Bearer two" })).body).toBe("body 2");
      expect((await origin.get()).body).toBe("body 3");
    },
  ],
];

const USING: readonly Clause[] = [
  [
    "4",
    "what is fresh is used without asking, with an Age of its own",
    async () => {
      const origin = new CachedOrigin(always("cache-control: max-age=60", "age: 7"));
      await origin.get();
      await origin.pass(5);
      const { how, response } = await origin.get();
      expect([how, response.headers.get("age"), origin.asked]).toEqual(["hit", "12", 1]);
    },
  ],
  [
    "4",
    "another URL is another response: path, query and origin count, the fragment does not",
    async () => {
      const origin = new CachedOrigin((seen, _count, self) => fresh(self, seen.url, "cache-control: max-age=60"));
      const urls = ["http://a.test/x", "http://a.test/y", "http://a.test/x?1", "http://a.test:81/x", "http://b.test/x"];
      for (const url of urls) expect((await origin.get({}, url)).how).toBe("miss");
      for (const url of urls) expect((await origin.get({}, `${url}#part`)).how).toBe("hit");
    },
  ],
  [
    "4",
    "a stored GET answers a HEAD, without its content",
    async () => {
      const origin = new CachedOrigin(always("cache-control: max-age=60"));
      await origin.get();
      const head = await got(await origin.session.head(URL_A));
      expect([head.how, head.body, head.response.headers.get("content-length"), origin.asked]).toEqual([
        "hit",
        "",
        "6",
        1,
      ]);
    },
  ],
  [
    "4.1",
    "Vary: each set of nominated values has its own response, in any order and case of names",
    async () => {
      const origin = new CachedOrigin((seen, _count, self) => {
        return fresh(
          self,
          seen.fields.get("accept-language") ?? "none",
          "cache-control: max-age=60",
          "vary: Accept-Language",
        );
      });
      for (const language of ["de", "fr"]) expect((await origin.get({ "accept-language": language })).how).toBe("miss");
      expect((await origin.get()).body).toBe("none");
      for (const language of ["de", "fr"]) {
        const { how, body } = await origin.get({ "Accept-Language": language });
        expect([how, body]).toEqual(["hit", language]);
      }
      expect((await origin.get()).how).toBe("hit");
    },
  ],
  [
    "4.1",
    "`Vary: *` never matches",
    async () => {
      expect(await isStored(always("cache-control: max-age=60", "vary: accept, *"))).toBe(false);
      expect(await second(always("cache-control: max-age=60", "vary: *"))).toBe("miss");
    },
  ],
  [
    "4.1",
    "`Vary: Cookie` means the cookies that the jar would send",
    async () => {
      const origin = new CachedOrigin((seen, count, self) => {
        const cookies = seen.fields.get("cookie") ?? "none";
        const more = count === 1 ? ["set-cookie: user=ada"] : [];
        return fresh(self, cookies, "cache-control: max-age=60", "vary: cookie", ...more);
      });
      expect((await origin.get()).body).toBe("none");
      expect((await origin.get()).body).toBe("user=ada");
      const again = await origin.get();
      expect([again.how, again.body, origin.asked]).toEqual(["hit", "user=ada", 2]);
    },
  ],
  [
    "4.2.1",
    "max-age outweighs Expires; s-maxage is not for private caches",
    async () => {
      const past = (_seen: unknown, count: number, origin: CachedOrigin): string =>
        fresh(origin, `${count}`, "cache-control: max-age=10, s-maxage=0", `expires: ${origin.date(-60)}`);
      expect(await second(past, 9)).toBe("hit");
      expect(await second(past, 10)).toBe("miss");
      expect(await second(always("cache-control: s-maxage=60"), 1)).toBe("miss");
    },
  ],
  [
    "4.2.1",
    "Expires less Date is the lifetime",
    async () => {
      const script: Script = (_seen, count, origin) => fresh(origin, `${count}`, `expires: ${origin.date(10)}`);
      expect([await second(script, 9), await second(script, 10)]).toEqual(["hit", "miss"]);
    },
  ],
  [
    "4.2.1",
    "contradicting or senseless lifetimes count as none",
    async () => {
      for (const line of ["max-age=60, max-age=5", "max-age=abc", "max-age=-1", "max-age", "max-age=1.5"]) {
        expect(await second(always(`cache-control: ${line}`)), line).toBe("miss");
      }
      expect(await second(always("cache-control: max-age=60, max-age=60"))).toBe("hit");
      expect(await second(always('cache-control: Max-Age="60"'))).toBe("hit");
    },
  ],
  [
    "4.2.2",
    "without a lifetime a tenth of the time since Last-Modified, only for statuses that allow it",
    async () => {
      const script: Script = (_seen, count, origin) => fresh(origin, `${count}`, `last-modified: ${origin.date(-100)}`);
      expect([await second(script, 9), await second(script, 10)]).toEqual(["hit", "miss"]);
      expect(await isStored((_seen, _count, origin) => reply(302, "", `last-modified: ${origin.date(-9)}`))).toBe(
        false,
      );
    },
  ],
  [
    "4.2.3",
    "age: the larger of what Date says and what Age and the wait for the answer say, and the time since",
    async () => {
      const dated =
        (ago: number, age: number): Script =>
        (_seen, count, origin) =>
          reply(200, `${count}`, `date: ${origin.date(-ago)}`, `age: ${age}`, "cache-control: max-age=20");
      expect(await second(dated(15, 0), 4)).toBe("hit");
      expect(await second(dated(15, 0), 5)).toBe("miss");
      expect(await second(dated(0, 15), 5)).toBe("miss");
      expect(await second(dated(15, 3), 4)).toBe("hit");
      const slow = new CachedOrigin(async (_seen, count, origin) => {
        if (count === 1) await origin.pass(15);
        return fresh(origin, `${count}`, "cache-control: max-age=20");
      });
      await slow.get();
      expect((await slow.get()).response.headers.get("age")).toBe("15");
      await slow.pass(5);
      expect((await slow.get()).how).toBe("miss");
    },
  ],
  [
    "4.2.4",
    "what is stale is not used, unless somebody allows it",
    async () => {
      expect(await second(always("cache-control: max-age=5"), 5)).toBe("miss");
      expect(await second(always("cache-control: max-age=5"), 5, { "cache-control": "max-stale" })).toBe("stale");
    },
  ],
  [
    "4.3.1",
    "what is stale is asked about with both of its validators",
    async () => {
      const origin = new CachedOrigin((_seen, count, self) => {
        const modified = `last-modified: ${self.date(-60)}`;
        return count === 1 ? fresh(self, "a", 'etag: W/"1"', modified, "cache-control: max-age=1") : notModified();
      });
      await origin.get();
      const modified = origin.date(-60);
      await origin.pass(1);
      const { how, body, status: code } = await origin.get();
      const { fields } = origin.last;
      expect([fields.get("if-none-match"), fields.get("if-modified-since")]).toEqual(['W/"1"', modified]);
      expect([how, body, code]).toEqual(["revalidated", "a", 200]);
    },
  ],
  [
    "4.3.2",
    "the caller's own condition is judged by what is stored, while it is fresh",
    async () => {
      const origin = new CachedOrigin((_seen, count, self) => {
        return fresh(self, `${count}`, 'etag: "1"', `last-modified: ${self.date(-60)}`, "cache-control: max-age=60");
      });
      await origin.get();
      const same = await origin.get({ "if-none-match": '"0", W/"1"' });
      expect([same.status, same.body, same.how]).toEqual([304, "", "hit"]);
      expect([same.response.headers.get("etag"), same.response.headers.get("content-length")]).toEqual(['"1"', null]);
      expect((await origin.get({ "if-none-match": "*" })).status).toBe(304);
      expect((await origin.get({ "if-none-match": '"2"' })).status).toBe(200);
      expect((await origin.get({ "if-modified-since": origin.date(-60) })).status).toBe(304);
      expect((await origin.get({ "if-modified-since": origin.date(-61) })).status).toBe(200);
      expect((await origin.get({ "if-none-match": '"2"', "if-modified-since": origin.date() })).status).toBe(200);
      expect(origin.asked).toBe(1);
    },
  ],
  [
    "4.3.2",
    "conditions that only the origin can judge pass by",
    async () => {
      const origin = new CachedOrigin(always('etag: "1"', "cache-control: max-age=60"));
      await origin.get();
      for (const name of ["if-match", "if-unmodified-since"]) {
        expect((await origin.get({ [name]: name === "if-match" ? '"1"' : origin.date() })).how).toBe(undefined);
      }
      expect(origin.asked).toBe(3);
    },
  ],
  [
    "4.3.3",
    "304 frees what is stored, a full answer replaces it, a server error is passed on and replaces nothing",
    async () => {
      const origin = new CachedOrigin((seen, count, self) => {
        if (count === 2) return reply(500, "broken");
        if (count === 3) return notModified();
        expect(seen.fields.get("if-none-match")).toBe(count === 1 ? undefined : '"1"');
        return fresh(self, `body ${count}`, 'etag: "1"', "cache-control: no-cache");
      });
      const seen: unknown[] = [];
      for (let turn = 0; turn < 4; turn += 1) {
        const { how, body } = await origin.get();
        seen.push([how, body]);
      }
      expect(seen).toEqual([
        ["miss", "body 1"],
        ["miss", "broken"],
        ["revalidated", "body 1"],
        ["miss", "body 4"],
      ]);
    },
  ],
  [
    "4.3.4",
    "a 304 with another strong validator is about something else: the content is asked for",
    async () => {
      const origin = new CachedOrigin((seen, count, self) => {
        if (seen.fields.has("if-none-match")) return notModified('etag: "2"');
        return fresh(self, `body ${count}`, 'etag: "1"', "cache-control: no-cache");
      });
      await origin.get();
      expect((await origin.get()).body).toBe("body 3");
    },
  ],
  [
    "4.3.4",
    "a 304 freshens every stored variant with the same strong validator, and no other",
    async () => {
      const origin = new CachedOrigin((seen, _count, self) => {
        const language = seen.fields.get("accept-language") ?? "";
        const etag = language === "it" ? '"2"' : '"1"';
        if (seen.fields.has("if-none-match"))
          return notModified(`etag: ${etag}`, `date: ${self.date()}`, "x-seen: yes");
        return fresh(self, language, `etag: ${etag}`, "vary: accept-language", "cache-control: max-age=5");
      });
      for (const language of ["de", "fr", "it"]) await origin.get({ "accept-language": language });
      await origin.pass(5);
      expect((await origin.get({ "accept-language": "de" })).how).toBe("revalidated");
      const other = await origin.get({ "accept-language": "fr" });
      expect([other.how, other.body, other.response.headers.get("x-seen")]).toEqual(["hit", "fr", "yes"]);
      expect((await origin.get({ "accept-language": "it" })).how).toBe("revalidated");
    },
  ],
  [
    "4.3.5",
    "a HEAD that agrees freshens a stored GET; one that does not makes it go",
    async () => {
      for (const [etag, how] of [
        ['"1"', "hit"],
        ['"2"', "miss"],
      ] as const) {
        const origin = new CachedOrigin((seen, _count, self) => {
          const tag = seen.method === "HEAD" ? etag : '"1"';
          return fresh(self, seen.method === "HEAD" ? "" : "body", `etag: ${tag}`, "cache-control: max-age=5").replace(
            "content-length: 0",
            "content-length: 4",
          );
        });
        await origin.get();
        await origin.pass(5);
        expect((await got(await origin.session.head(URL_A))).how).toBe("miss");
        expect((await origin.get()).how, etag).toBe(how);
      }
    },
  ],
  [
    "4.4",
    "an unsafe method makes what is stored of its URL go, and of Location and Content-Location at the same origin",
    async () => {
      for (const method of ["POST", "PUT", "DELETE", "PATCH", "FROBNICATE"]) {
        const origin = new CachedOrigin((seen, count, self) => {
          if (seen.method === "GET") return fresh(self, `${count}`, "cache-control: max-age=60");
          return reply(201, "", "location: /made", "content-location: http://a.test/shown?1");
        });
        const urls = [URL_A, "http://a.test/made", "http://a.test/shown?1", "http://a.test/other"];
        for (const url of urls) await origin.get({}, url);
        await got(await origin.session.request(method, URL_A));
        const after: unknown[] = [];
        for (const url of urls) after.push((await origin.get({}, url)).how);
        expect(after, method).toEqual(["miss", "miss", "miss", "hit"]);
      }
    },
  ],
  [
    "4.4",
    "not at another origin, not for an error, and not by a safe method",
    async () => {
      const origin = new CachedOrigin((seen, count, self) => {
        if (seen.method === "GET") return fresh(self, `${count}`, "cache-control: max-age=60");
        return reply(seen.method === "PUT" ? 403 : 200, "", "location: http://b.test/x");
      });
      for (const url of [URL_A, "http://b.test/x"]) await origin.get({}, url);
      await got(await origin.session.put(URL_A));
      await got(await origin.session.options(URL_A));
      expect((await origin.get()).how).toBe("hit");
      await got(await origin.session.post(URL_A));
      expect([(await origin.get()).how, (await origin.get({}, "http://b.test/x")).how]).toEqual(["miss", "hit"]);
    },
  ],
  [
    "4.4",
    "an answer that was on its way while its resource changed is not stored",
    async () => {
      let release: () => void = () => undefined;
      const origin = new CachedOrigin(async (seen, count, self) => {
        if (seen.method === "POST") return reply(204, "");
        if (count === 1) await new Promise<void>((resolve) => (release = resolve));
        return fresh(self, `body ${count}`, "cache-control: max-age=60");
      });
      const slow = origin.get();
      await origin.pass(0);
      await got(await origin.session.post(URL_A));
      release();
      expect([(await slow).body, (await origin.get()).body]).toEqual(["body 1", "body 3"]);
    },
  ],
];

const FIELDS: readonly Clause[] = [
  [
    "5.1",
    "of several ages the first counts; one that is no number counts as none",
    async () => {
      for (const [age, expected] of [
        ["3, 9", "3"],
        ["x", "0"],
        ["-4", "0"],
      ] as const) {
        const origin = new CachedOrigin(always("cache-control: max-age=60", `age: ${age}`));
        await origin.get();
        expect((await origin.get()).response.headers.getAll("age"), age).toEqual([expected]);
      }
    },
  ],
  [
    "5.2.1.1",
    "request max-age: nothing older; nothing stale either",
    async () => {
      const script = always("cache-control: max-age=60");
      expect(await second(script, 10, { "cache-control": "max-age=10" })).toBe("hit");
      expect(await second(script, 11, { "cache-control": "max-age=10" })).toBe("miss");
      expect(await second(script, 60, { "cache-control": "max-age=100" })).toBe("miss");
      expect(await second(script, 1, { "cache-control": "max-age=0" })).toBe("miss");
    },
  ],
  [
    "5.2.1.2",
    "request max-stale: stale by no more than so many seconds, or by any number",
    async () => {
      const script = always("cache-control: max-age=60");
      expect(await second(script, 70, { "cache-control": "max-stale=10" })).toBe("stale");
      expect(await second(script, 71, { "cache-control": "max-stale=10" })).toBe("miss");
      expect(await second(script, 10_000, { "cache-control": "max-stale" })).toBe("stale");
      expect(await second(script, 61, { "cache-control": "max-stale=many" })).toBe("miss");
    },
  ],
  [
    "5.2.1.3",
    "request min-fresh: fresh for so many seconds yet",
    async () => {
      const script = always("cache-control: max-age=60");
      expect(await second(script, 50, { "cache-control": "min-fresh=10" })).toBe("hit");
      expect(await second(script, 51, { "cache-control": "min-fresh=10" })).toBe("miss");
      expect(await second(script, 0, { "cache-control": "min-fresh=much" })).toBe("miss");
    },
  ],
  [
    "5.2.1.4",
    "request no-cache: asked about, however fresh it is, and the answer is kept",
    async () => {
      const origin = new CachedOrigin(revalidating(["cache-control: max-age=60"]));
      await origin.get();
      expect((await origin.get({ "cache-control": "no-cache" })).how).toBe("revalidated");
      expect(origin.last.fields.get("cache-control")).toBe("no-cache");
      expect([(await origin.get()).how, origin.asked]).toEqual(["hit", 2]);
    },
  ],
  [
    "5.2.1.5",
    "request no-store: nothing of it is kept; what is stored already may be used",
    async () => {
      expect(await isStored(always("cache-control: max-age=60"), { "cache-control": "no-store" })).toBe(false);
      expect(await second(always("cache-control: max-age=60"), 0, { "cache-control": "no-store" })).toBe("hit");
    },
  ],
  [
    "5.2.1.7",
    "only-if-cached: what is stored, or 504 without asking",
    async () => {
      const origin = new CachedOrigin(always("cache-control: max-age=60"));
      const absent = await origin.get({ "cache-control": "only-if-cached" });
      expect([absent.status, absent.how, absent.body, origin.asked]).toEqual([504, "absent", "", 0]);
      await origin.get();
      expect((await origin.get({ "cache-control": "only-if-cached" })).how).toBe("hit");
      await origin.pass(60);
      expect((await origin.get({ "cache-control": "only-if-cached" })).status).toBe(504);
      expect((await origin.get({ "cache-control": "only-if-cached, max-stale" })).how).toBe("stale");
      const part = await origin.get({ "cache-control": "only-if-cached", range: "bytes=0-1" });
      expect([part.status, part.how]).toEqual([504, "absent"]);
      expect(origin.asked).toBe(1);
    },
  ],
  [
    "5.2.2.2",
    "must-revalidate: used while fresh; once stale never without asking, whoever allows it",
    async () => {
      const script = always("cache-control: max-age=60, must-revalidate, stale-while-revalidate=60");
      expect(await second(script, 59)).toBe("hit");
      expect(await second(script, 60)).toBe("miss");
      expect(await second(script, 60, { "cache-control": "max-stale" })).toBe("miss");
    },
  ],
  [
    "5.2.2.3",
    "must-understand lifts no-store for a status that is understood, and forbids the others",
    async () => {
      expect(await isStored(always("cache-control: max-age=60, must-understand, no-store"))).toBe(true);
      expect(await isStored(status(418, "cache-control: max-age=60, must-understand, no-store"))).toBe(false);
      expect(await isStored(status(206, "cache-control: max-age=60, must-understand"))).toBe(false);
    },
  ],
  [
    "5.2.2.4",
    "no-cache: kept, and never used without asking, whoever allows it; with names of fields as well",
    async () => {
      for (const directive of ["no-cache", 'no-cache="set-cookie, x"']) {
        const lines = [`cache-control: max-age=60, ${directive}, stale-while-revalidate=60`];
        expect(await second(revalidating(lines)), directive).toBe("revalidated");
        expect(await second(revalidating(lines), 0, { "cache-control": "max-stale" })).toBe("revalidated");
      }
    },
  ],
  [
    "5.2.2.7",
    "private holds as everything else does here",
    async () => expect(await second(always("cache-control: private, max-age=60"), 59)).toBe("hit"),
  ],
  [
    "5.2.2.8",
    "proxy-revalidate is for shared caches",
    async () => {
      const script = always("cache-control: max-age=60, proxy-revalidate");
      expect(await second(script, 61, { "cache-control": "max-stale" })).toBe("stale");
    },
  ],
  [
    "5.2.2.9",
    "public makes a status storable that is not by itself",
    async () => {
      expect(await isStored(status(302, "cache-control: public", 'etag: "1"'))).toBe(true);
    },
  ],
  [
    "5.2.2.10",
    "s-maxage is for shared caches: it neither gives a lifetime nor takes one",
    async () => {
      expect(await second(always("cache-control: max-age=60, s-maxage=1"), 59)).toBe("hit");
      expect(await isStored(always("cache-control: s-maxage=60"))).toBe(false);
    },
  ],
  [
    "5.2.3",
    "directives that nobody knows change nothing, with arguments or without",
    async () => {
      const line = 'cache-control: x-later="max-age=0, no-store", MAX-AGE=60, community';
      expect(await second(always(line), 59)).toBe("hit");
    },
  ],
  [
    "5.3",
    "an Expires that is no date has passed, `0` above all; so have several",
    async () => {
      const past = ["0", "-1", "tomorrow", "2050"];
      for (const text of past) expect(await second(always(`expires: ${text}`, 'etag: "x"')), text).toBe("miss");
    },
  ],
  [
    "5.4",
    "Pragma: no-cache in a request counts where there is no Cache-Control",
    async () => {
      const script = always("cache-control: max-age=60");
      expect(await second(script, 0, { pragma: "no-cache" })).toBe("miss");
      expect(await second(script, 0, { pragma: "no-cache", "cache-control": "max-age=60" })).toBe("hit");
    },
  ],
  [
    "5.5",
    "no Warning is made up for what is stale",
    async () => {
      const script: Script = (_seen, _count, origin) =>
        fresh(origin, "x", `last-modified: ${origin.date((-10 * DAY) / SECOND)}`);
      const origin = new CachedOrigin(script);
      await origin.get();
      await origin.pass((2 * DAY) / SECOND);
      const { response } = await origin.get({ "cache-control": "max-stale" });
      expect([response.cacheStatus, response.headers.get("warning")]).toEqual(["stale", null]);
    },
  ],
  [
    "6.6.1 of RFC 9110",
    "Date stays that of the origin",
    async () => {
      const origin = new CachedOrigin(always("cache-control: max-age=60"));
      const date = origin.date();
      await origin.get();
      await origin.pass(30);
      expect((await origin.get()).response.headers.get("date")).toBe(date);
    },
  ],
  [
    "6.6.1 of RFC 9110",
    "an answer without Date is stored with the time of its arrival, and a 304 without one counts from its own",
    async () => {
      const origin = new CachedOrigin((seen) => {
        if (seen.fields.has("if-none-match")) return notModified();
        return reply(200, "x", 'etag: "1"', "cache-control: max-age=10");
      });
      await origin.get();
      const arrived = origin.date();
      await origin.pass(9);
      expect((await origin.get()).response.headers.get("date")).toBe(arrived);
      await origin.pass(1);
      expect((await origin.get()).how).toBe("revalidated");
      await origin.pass(9);
      const { how, response } = await origin.get();
      expect([how, response.headers.get("age")]).toEqual(["hit", "9"]);
    },
  ],
  [
    "7.3",
    "Set-Cookie does not keep an answer out, and a stored one sets no cookie again",
    async () => {
      const origin = new CachedOrigin(always("cache-control: max-age=60", "set-cookie: a=1"));
      await origin.get();
      origin.session.cookies?.clear();
      const again = await origin.get();
      expect([again.how, again.response.cookies.get("a"), origin.session.cookies?.size]).toEqual(["hit", "1", 0]);
    },
  ],
];

describe("RFC 9111", () => {
  describe("storing", () => {
    test.each(STORING)("§%s: %s", (_section, _says, check) => check());
  });
  describe("using what is stored", () => {
    test.each(USING)("§%s: %s", (_section, _says, check) => check());
  });
  describe("fields", () => {
    test.each(FIELDS)("§%s: %s", (_section, _says, check) => check());
  });
});

test("without a cache a response has no cache status", async () => {
  const net = new FakeNet(() => ok("x"));
  expect((await net.session().get(URL_A)).cacheStatus).toBe(undefined);
});
