import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { CookieJar } from "../../../../src/client/cookie-jar.js";
import { type CacheOptions, cache } from "../../../../src/client/middleware/cache/cache.js";
import type { CacheEntry, CacheStore } from "../../../../src/client/middleware/cache/store/cache-store.js";
import { MemoryCacheStore } from "../../../../src/client/middleware/cache/store/memory-store.js";
import type { SessionOptions } from "../../../../src/client/options.js";
import { deferred, FakeNet, ok, redirect, rejection, turns } from "../../fake-net.js";
import { CachedOrigin, fresh, got, notModified, reply, type Script, URL_A } from "./cached-origin.js";

const HOUR = "cache-control: max-age=3600";

/** A body of so many bytes, in chunks of 1,000. */
function chunked(bytes: number, head = HOUR): string[] {
  const pieces = [`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n${head}\r\n\r\n`];
  for (let left = bytes; left > 0; left -= 1_000) {
    const size = Math.min(left, 1_000);
    pieces.push(`${size.toString(16)}\r\n${"x".repeat(size)}\r\n`);
  }
  return [...pieces, "0\r\n\r\n"];
}

const counting: Script = (_seen, count, origin) => fresh(origin, `body ${count}`, HOUR);

describe("its place", () => {
  test("around redirects it is refused: each hop says for itself how long it holds", () => {
    const net = new FakeNet();
    const make = () => net.session({ middleware: [cache()] });
    expect(make).toThrow(expect.objectContaining({ code: "options/middleware-stage" }));
  });

  test("a permanent redirect is stored as what it is, and so is where it leads", async () => {
    const origin = new CachedOrigin((seen, _count, self) => {
      if (seen.target === "/x") return redirect(301, "/y", `date: ${self.date()}\r\n${HOUR}\r\n`);
      return fresh(self, "there", HOUR);
    });
    await origin.get();
    const again = await origin.get();
    expect([again.body, again.how, again.response.history[0]?.cacheStatus]).toEqual(["there", "hit", "hit"]);
    expect(again.response.url).toBe("http://a.test/y");
    expect(origin.asked).toBe(2);
  });

  test("a temporary redirect is asked for each time, and what it led to is not taken for it", async () => {
    const origin = new CachedOrigin((seen, count, self) => {
      return seen.target === "/x" ? redirect(302, `/${count}`) : fresh(self, seen.target, HOUR);
    });
    expect((await origin.get()).body).toBe("/1");
    expect((await origin.get()).body).toBe("/3");
    expect((await origin.get({}, "http://a.test/1")).how).toBe("hit");
  });

  test("retries meet it: what stands in for an error is no error, and 504 of its own is not tried again", async () => {
    const origin = new CachedOrigin(
      (_seen, count, self) => {
        return count === 1 ? fresh(self, "good", "cache-control: max-age=1, stale-if-error=60") : reply(503, "bad");
      },
      {},
      { retry: 3 },
    );
    await origin.get();
    await origin.pass(2);
    expect([(await origin.get()).how, origin.asked]).toEqual(["stale", 2]);
    const absent = await origin.get({ "cache-control": "only-if-cached" }, "http://a.test/other");
    expect([absent.status, origin.asked]).toEqual([504, 2]);
  });
});

describe("what the caller gets", () => {
  test("a stored response is a response: content shortcuts, type, timings, disposal, errors", async () => {
    const origin = new CachedOrigin((_seen, _count, self) => {
      return fresh(self, '{"a":1}', HOUR, "content-type: application/json; charset=utf-8");
    });
    await origin.get();
    expect(await origin.session.get(URL_A).json()).toEqual({ a: 1 });
    expect(await origin.session.get(URL_A).text()).toBe('{"a":1}');
    await using response = await origin.session.get(URL_A);
    expect([response.charset, response.httpVersion, response.remoteAddress]).toEqual(["utf-8", "1.1", undefined]);
    expect(response.timings.total).toBe(0);
    expect(response.raiseForStatus()).toBe(response);
    response.discard();
    expect(origin.asked).toBe(1);
    expect(origin.net.clock.armedCount).toBeLessThan(2);
  });

  test("a stored error status throws where content is asked for", async () => {
    const origin = new CachedOrigin((_seen, _count, self) => reply(404, "gone", `date: ${self.date()}`, HOUR));
    await origin.get();
    const error = await rejection(origin.session.get(URL_A).text());
    expect([error.code, origin.asked]).toEqual(["response.status", 1]);
  });

  test("whoever writes into what was read does not write into what is stored", async () => {
    const origin = new CachedOrigin((_seen, _count, self) => fresh(self, "clean", HOUR));
    for (let turn = 0; turn < 3; turn += 1) {
      const bytes = await origin.session.get(URL_A).bytes();
      expect(Buffer.from(bytes).toString()).toBe("clean");
      bytes.fill(0);
      for await (const piece of (await origin.session.get(URL_A)).body) piece.fill(0);
    }
    expect(origin.asked).toBe(1);
  });

  test("a stored body beyond the request's maxResponseSize is refused as one from the wire is", async () => {
    const origin = new CachedOrigin((_seen, _count, self) => fresh(self, "0123456789", HOUR));
    await origin.get();
    expect(await origin.session.get(URL_A, { maxResponseSize: 10 }).text()).toBe("0123456789");
    expect((await rejection(origin.session.get(URL_A, { maxResponseSize: 9 }).text())).code).toBe("body/too-large");
    const streamed = await origin.session.get(URL_A, { maxResponseSize: 9 });
    expect((await rejection(streamed.body[Symbol.asyncIterator]().next())).code).toBe("body/too-large");
  });

  test("with a content coding: decoded for those who decode, asked anew for those who do not", async () => {
    const packed = gzipSync("content");
    const origin = new CachedOrigin((_seen, _count, self) => [
      `HTTP/1.1 200 OK\r\ndate: ${self.date()}\r\n${HOUR}\r\ncontent-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`,
      packed,
    ]);
    expect((await origin.get()).body).toBe("content");
    const plain = await origin.get();
    expect([plain.body, plain.how, plain.response.contentEncoding]).toEqual(["content", "hit", "gzip"]);
    for (const how of ["miss", "hit"]) {
      const response = await origin.session.get(URL_A, { decompress: false });
      expect(response.cacheStatus).toBe(how);
      expect(Buffer.from(await response.bytes()).equals(packed)).toBe(true);
      await turns(1);
    }
    expect([(await origin.get()).how, origin.asked]).toEqual(["hit", 2]);
  });

  test("an aborted request is aborted, whatever is stored", async () => {
    const origin = new CachedOrigin(counting);
    await origin.get();
    const reason = new Error("no longer");
    expect(await rejection(origin.session.get(URL_A, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});

describe("storing while it is read", () => {
  test("pieces reach the caller as they come; it is stored when the last one has come, and not before", async () => {
    const origin = new CachedOrigin(() => undefined);
    const response = origin.session.get(URL_A);
    await turns();
    const { connection } = origin.last;
    const [head = "", first = "", second = "", end = ""] = chunked(2_000);
    connection.send(head);
    const pieces = (await response).body[Symbol.asyncIterator]();
    connection.send(first);
    expect((await pieces.next()).value?.byteLength).toBe(1_000);
    expect(origin.store.size).toBe(0);
    connection.send(second);
    await pieces.next();
    expect(origin.store.size).toBe(0);
    connection.send(end);
    expect((await pieces.next()).done).toBe(true);
    await turns(1);
    expect(origin.store.size).toBe(1);
    expect((await origin.get()).body.length).toBe(2_000);
  });

  test("a body that is left half-read, broken off or aborted is not stored", async () => {
    const ends: ((response: Awaited<ReturnType<CachedOrigin["session"]["get"]>>, abort: AbortController) => unknown)[] =
      [
        async (response) => {
          for await (const _piece of response.body) break;
        },
        (_response, abort) => abort.abort(),
        (response) => response.body.cancel(),
      ];
    for (const end of ends) {
      const origin = new CachedOrigin(() => chunked(200_000).slice(0, 100));
      const abort = new AbortController();
      const response = await origin.session.get(URL_A, { signal: abort.signal });
      await end(response, abort);
      await turns();
      expect(origin.store.size).toBe(0);
    }
  });

  test("a small body that nobody reads is stored all the same, for it has come anyway", async () => {
    const origin = new CachedOrigin(counting);
    await origin.session.get(URL_A);
    await turns();
    expect((await origin.get()).how).toBe("hit");
  });

  test("maxEntryBytes: at it, one past it, off; declared or in chunks", async () => {
    for (const declared of [true, false]) {
      for (const [bytes, maxEntryBytes, kept] of [
        [5_000, 5_000, 1],
        [5_001, 5_000, 0],
        [5_001, Number.POSITIVE_INFINITY, 1],
      ] as const) {
        const script: Script = (_seen, _count, self) => {
          return declared ? fresh(self, "x".repeat(bytes), HOUR) : chunked(bytes);
        };
        const origin = new CachedOrigin(script, { maxEntryBytes });
        expect((await origin.get()).body.length).toBe(bytes);
        expect(origin.store.size, `${declared} ${bytes}`).toBe(kept);
      }
    }
  });

  test("maxRecordingBytes bounds what all of them hold on their way, and is given back", async () => {
    const origin = new CachedOrigin(() => undefined, { maxRecordingBytes: 3_000 });
    const answers = ["1", "2"].map((path) => origin.session.get(`http://a.test/${path}`));
    await turns();
    const connections = origin.net.seen.map((seen) => seen.connection);
    const [head = "", piece = "", , end = ""] = chunked(2_000);
    for (const connection of connections) connection.send(head + piece);
    await turns();
    // The second kilobyte of each: there is room for one of them.
    for (const connection of connections) connection.send(piece);
    await turns();
    for (const connection of connections) connection.send(end);
    for (const answer of answers) expect((await (await answer).bytes()).byteLength).toBe(2_000);
    await turns();
    expect(origin.store.size).toBe(1);
    const later = origin.session.get("http://a.test/3").bytes();
    await turns();
    origin.last.connection.send(head + piece + piece + piece + end);
    await later;
    await turns();
    expect(origin.store.size).toBe(2);
  });

  test("two answers to one URL at once: both reach their callers, one is kept", async () => {
    const origin = new CachedOrigin(counting);
    const both = await Promise.all([origin.get(), origin.get()]);
    expect(both.map(({ body }) => body)).toEqual(["body 1", "body 2"]);
    expect(["body 1", "body 2"]).toContain((await origin.get()).body);
    expect(origin.asked).toBe(2);
  });

  test("two variants that come at once are both kept, in a store that takes its time", async () => {
    const origin = new CachedOrigin(
      (seen, _count, self) => fresh(self, seen.fields.get("accept") ?? "", HOUR, "vary: accept"),
      { store: new SlowStore() },
    );
    const kinds = ["a/a", "b/b", "c/c"];
    await Promise.all(kinds.map((accept) => origin.get({ accept })));
    for (const accept of kinds) {
      const again = await origin.get({ accept });
      expect([again.how, again.body]).toEqual(["hit", accept]);
    }
  });

  test("maxVariants: the oldest goes, at the limit and beyond it", async () => {
    const script: Script = (seen, _count, self) => fresh(self, seen.fields.get("accept") ?? "", HOUR, "vary: accept");
    const origin = new CachedOrigin(script, { maxVariants: 2 });
    for (const accept of ["a/a", "b/b"]) await origin.get({ accept });
    for (const accept of ["a/a", "b/b"]) expect((await origin.get({ accept })).how).toBe("hit");
    await origin.get({ accept: "c/c" });
    expect((await origin.get({ accept: "c/c" })).how).toBe("hit");
    expect((await origin.get({ accept: "a/a" })).how).toBe("miss");
  });

  test("what could never be used again is not stored", async () => {
    const origin = new CachedOrigin((_seen, _count, self) => fresh(self, "x"));
    await origin.get();
    expect(origin.store.size).toBe(0);
  });

  test("staleIfError of the session stands in where the answer says nothing, for so long", async () => {
    const script: Script = (_seen, count, self) => (count === 1 ? fresh(self, "good") : reply(503, "bad"));
    const origin = new CachedOrigin(script, { staleIfError: 60_000 });
    await origin.get();
    await origin.pass(60);
    expect((await origin.get()).how).toBe("stale");
    await origin.pass(1);
    expect((await origin.get()).status).toBe(503);
  });

  test("an answer that may not be stored makes the one before it go", async () => {
    const origin = new CachedOrigin((_seen, count, self) => {
      return fresh(self, `${count}`, count === 1 ? "cache-control: max-age=5" : "cache-control: no-store");
    });
    await origin.get();
    await origin.pass(6);
    await origin.get();
    expect(origin.store.size).toBe(0);
  });
});

describe("whose answers they are", () => {
  const whose: Script = (seen, _count, self) => fresh(self, seen.fields.get("authorization") ?? "nobody", HOUR);

  test("a header that the session calls secret parts the cache, and so does a Cookie of the caller's", async () => {
    for (const name of ["x-api-key", "cookie"]) {
      const origin = new CachedOrigin(
        (seen, _count, self) => fresh(self, seen.fields.get(name) ?? "", HOUR),
        {},
        { secretHeaders: ["X-Api-Key"] },
      );
      for (const user of ["a=1", "b=2", "a=1"]) expect((await origin.get({ [name]: user })).body).toBe(user);
      expect(origin.asked).toBe(2);
    }
  });

  test("`auth` of a request, values or a function: one never gets the answer to another", async () => {
    const origin = new CachedOrigin(whose);
    const tokens = { one: async () => "f1", two: async () => "f2" };
    const auths = [{ bearer: "a" }, { bearer: "b" }, { bearer: tokens.one }, { bearer: tokens.two }];
    for (const auth of auths) await got(await origin.session.get(URL_A, { auth }));
    const again: string[] = [];
    for (const auth of auths) again.push((await got(await origin.session.get(URL_A, { auth }))).body);
    expect(again).toEqual(["Bearer a", "Bearer b", "Bearer f1", "Bearer f2"]);
    expect(origin.asked).toBe(4);
    expect((await origin.get()).body).toBe("nobody");
  });

  test("`auth` of a request in place of the session's", async () => {
    const origin = new CachedOrigin(whose, {}, { auth: { bearer: "session" } });
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await origin.get()).body).toBe("Bearer session");
      expect((await origin.get({}, URL_A, { auth: { bearer: "own" } })).body).toBe("Bearer own");
    }
    expect(origin.asked).toBe(2);
  });

  test("a Host of the caller's is another place", async () => {
    const origin = new CachedOrigin((seen, _count, self) => fresh(self, seen.fields.get("host") ?? "", HOUR));
    for (const host of ["one.test", "two.test", "one.test"]) expect((await origin.get({ host })).body).toBe(host);
    expect([(await origin.get()).body, origin.asked]).toEqual(["a.test", 3]);
  });

  test("sessions with a jar each do not share what they may both store, those with one jar do", async () => {
    const origin = new CachedOrigin(counting);
    const middleware = [origin.middleware];
    const other = origin.net.session({ hopMiddleware: middleware, cookies: new CookieJar() });
    const sibling = origin.session.extend({ headers: { "x-more": "1" } });
    await origin.get();
    expect((await got(await other.get(URL_A))).body).toBe("body 2");
    expect((await got(await sibling.get(URL_A))).body).toBe("body 1");
  });

  test("a session without a jar does not get what one with a jar may have been answered for its cookies", async () => {
    const origin = new CachedOrigin(counting);
    const without = origin.net.session({ hopMiddleware: [origin.middleware], cookies: false });
    await origin.get();
    expect((await got(await without.get(URL_A))).body).toBe("body 2");
    expect((await got(await without.get(URL_A))).how).toBe("hit");
  });

  test("credentials that something further in adds are not known here: such an answer is not stored", async () => {
    const signing: SessionOptions["hopMiddleware"] = [
      (request, next) => {
        const signed = request.with({ fields: [...request.fields, "authorization", "Bearer later"] });
        return next(signed);
      },
    ];
    const origin = new CachedOrigin(whose);
    const setting: SessionOptions["hopMiddleware"] = [
      (request, next) => {
        request.headers.set("authorization", "Bearer later");
        return next(request);
      },
    ];
    for (const inner of [signing, setting]) {
      const session = origin.net.session({ hopMiddleware: [origin.middleware, ...inner] });
      await got(await session.get(URL_A));
      expect(origin.store.size).toBe(0);
    }
  });

  test("an inner middleware that goes elsewhere, or sends what Vary names, does not get in either", async () => {
    const origin = new CachedOrigin((_seen, _count, self) => fresh(self, "x", HOUR, "vary: accept-language"));
    const adding = origin.net.session({
      hopMiddleware: [
        origin.middleware,
        (request, next) => next(request.with({ fields: [...request.fields, "accept-language", "de"] })),
      ],
    });
    await got(await adding.get(URL_A));
    expect(origin.store.size).toBe(0);
  });

  test("`partition` says it instead: by name, or not at all", async () => {
    const origin = new CachedOrigin(whose, {
      partition: (request) => (request.target.target.startsWith("/no") ? undefined : "everybody"),
    });
    await origin.get({ authorization: "Bearer one" });
    expect((await origin.get({ authorization: "Bearer two" })).body).toBe("Bearer one");
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await origin.get({}, "http://a.test/no")).how).toBe(undefined);
    }
    expect(origin.asked).toBe(3);
  });

  test("neither keys nor what is compared show a secret", async () => {
    const seen: string[] = [];
    const store = new MemoryCacheStore();
    const spying: CacheStore = {
      get: (key) => store.get(key),
      set(key, entries) {
        seen.push(key, JSON.stringify(entries.map(({ selecting }) => selecting)));
        store.set(key, entries);
      },
      delete: (key) => store.delete(key),
    };
    const origin = new CachedOrigin((_seen, _count, self) => fresh(self, "x", HOUR, "vary: authorization, cookie"), {
      store: spying,
    });
    await origin.get({ authorization: "Bearer s3cret", cookie: "s3cret=1" }, "http://a.test/x?token=s3cret");
    expect(seen[0]).toMatch(/^[\w-]{43}$/);
    expect(seen.join()).not.toContain("s3cret");
  });
});

describe("stores", () => {
  test("another store, which keeps text and takes its time, serves as well", async () => {
    const origin = new CachedOrigin(counting, { store: new SlowStore() });
    const before = await origin.get();
    const after = await origin.get();
    expect([before.how, after.how, after.body]).toEqual(["miss", "hit", "body 1"]);
    await got(await origin.session.post(URL_A));
    expect((await origin.get()).how).toBe("miss");
  });

  test("what is in a store serves the next program, with the time that has passed", async () => {
    const files = new Map<string, string>();
    const first = new CachedOrigin(counting, { store: new SlowStore(files) });
    await first.get();
    const second = new CachedOrigin(counting, { store: new SlowStore(files) });
    await second.pass(100);
    const { how, response } = await second.get();
    expect([how, response.headers.get("age")]).toEqual(["hit", "100"]);
  });

  test("a store that fails fails no request, and is told of", async () => {
    for (const failing of ["get", "set", "delete"] as const) {
      for (const way of [() => Promise.reject(new Error("disk")), thrower("disk")]) {
        const inner = new MemoryCacheStore();
        const errors: unknown[] = [];
        const store: CacheStore = {
          get: (key) => inner.get(key),
          set: (key, entries) => inner.set(key, entries),
          delete: (key) => inner.delete(key),
          [failing]: way,
        };
        const origin = new CachedOrigin(counting, { store, onStoreError: (error) => errors.push(error) });
        for (let turn = 0; turn < 2; turn += 1) expect((await origin.get()).status).toBe(200);
        expect((await got(await origin.session.post(URL_A))).status).toBe(200);
        await turns();
        expect(errors.length, failing).toBeGreaterThan(0);
        expect(String(errors[0])).toContain("disk");
      }
    }
  });

  test("by default the failure of a store is a process warning, once", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): number => warnings.push(warning);
    process.on("warning", listen);
    const store = { get: thrower("disk"), set: thrower("disk"), delete: thrower("disk") };
    const origin = new CachedOrigin(counting, { store });
    for (let turn = 0; turn < 3; turn += 1) await origin.get();
    await turns();
    process.off("warning", listen);
    const ours = warnings.filter((warning) => (warning as { code?: string }).code === "SLUICE_CACHE_STORE");
    expect(ours.length).toBe(1);
  });
});

describe("asking in the background", () => {
  const AGING = "cache-control: max-age=1, stale-while-revalidate=60";

  test("neither the caller's signal nor the end of its request stops it; closing the session does", async () => {
    const held = deferred<string>();
    const never = deferred<string>();
    const origin = new CachedOrigin((_seen, count, self) => {
      if (count === 1) return fresh(self, "old", AGING);
      return count === 2 ? held.promise : never.promise;
    });
    await origin.get();
    await origin.pass(2);
    const abort = new AbortController();
    const used = await got(await origin.session.get(URL_A, { signal: abort.signal }));
    abort.abort();
    await turns();
    expect([used.how, origin.asked, origin.net.open]).toEqual(["stale", 2, 1]);
    held.resolve(fresh(origin, "new", AGING));
    await turns();
    expect((await origin.get()).body).toBe("new");

    await origin.pass(2);
    await origin.get();
    await turns();
    expect(origin.asked).toBe(3);
    expect(origin.net.open).toBe(1);
    await origin.session.close();
    await turns();
    expect([origin.net.open, origin.net.clock.armedCount]).toEqual([0, 0]);
  });

  test("closing with grace waits for it", async () => {
    const held = deferred<string>();
    const origin = new CachedOrigin((_seen, count, self) => (count === 1 ? fresh(self, "old", AGING) : held.promise));
    await origin.get();
    await origin.pass(2);
    await origin.get();
    await turns();
    let closed = false;
    const closing = origin.session.close({ grace: 60_000 }).then(() => {
      closed = true;
    });
    await turns();
    expect(closed).toBe(false);
    held.resolve(fresh(origin, "new", AGING));
    await closing;
    expect(origin.store.size).toBe(1);
  });

  test("its failure is nobody's: the next request tries again, until the time is up", async () => {
    const origin = new CachedOrigin((seen, count, self) => {
      if (count === 1) return fresh(self, "old", AGING);
      seen.connection.reset();
      return undefined;
    });
    await origin.get();
    await origin.pass(2);
    for (let turn = 0; turn < 3; turn += 1) {
      expect((await origin.get()).body).toBe("old");
      await turns();
    }
    expect(origin.asked).toBeGreaterThanOrEqual(4);
    await origin.pass(60);
    await expect(origin.get()).rejects.toThrow();
  });

  test("a 304 to it freshens what is stored", async () => {
    const origin = new CachedOrigin((seen, _count, self) => {
      return seen.fields.has("if-none-match")
        ? notModified(`date: ${self.date()}`)
        : fresh(self, "x", AGING, 'etag: "1"');
    });
    await origin.get();
    await origin.pass(2);
    expect((await origin.get()).how).toBe("stale");
    await turns();
    expect((await origin.get()).how).toBe("hit");
  });

  test("not where only what is stored was asked for", async () => {
    const origin = new CachedOrigin((_seen, _count, self) => fresh(self, "x", AGING));
    await origin.get();
    await origin.pass(2);
    expect((await origin.get({ "cache-control": "only-if-cached" })).how).toBe("stale");
    await turns();
    expect(origin.asked).toBe(1);
  });
});

test("options that are unknown, of the wrong kind or out of range are refused", () => {
  const wrong: [string, unknown][] = [
    ["options/unknown", { ttl: 5 }],
    ["options/unknown-value", null],
    ["options/unknown-value", { store: { get() {} } }],
    ["options/unknown-value", { store: 5 }],
    ["options/unknown-value", { partition: "me" }],
    ["options/unknown-value", { onStoreError: 1 }],
    ["options/out-of-range", { heuristic: 1.1 }],
    ["options/out-of-range", { heuristic: -0.1 }],
    ["options/out-of-range", { maxVariants: 0 }],
    ["options/out-of-range", { maxEntryBytes: -1 }],
    ["options/out-of-range", { maxRecordingBytes: Number.NaN }],
    ["options/out-of-range", { staleIfError: "1" }],
  ];
  for (const [code, options] of wrong) {
    expect(() => cache(options as CacheOptions), JSON.stringify(options)).toThrow(expect.objectContaining({ code }));
  }
});

test("an answer that came after a HEAD with no-store, or from a cache within, changes nothing", async () => {
  const origin = new CachedOrigin((_seen, count, self) => fresh(self, `${count}`, HOUR, `etag: "${count}"`));
  await origin.get();
  await got(await origin.session.head(URL_A, { headers: { "cache-control": "no-store, no-cache" } }));
  expect((await origin.get()).how).toBe("hit");
  const twice = origin.net.session({ hopMiddleware: [cache(), cache()] });
  await got(await twice.get("http://a.test/twice"));
  expect((await got(await twice.get("http://a.test/twice"))).how).toBe("hit");
});

test("a GET with content, and other safe methods, pass by", async () => {
  const net = new FakeNet(() => ok("x", `${HOUR}\r\n`));
  const session = net.session({ hopMiddleware: [cache()] });
  for (let turn = 0; turn < 2; turn += 1) {
    expect((await session.request("QUERY", URL_A, { body: "q" })).cacheStatus).toBe(undefined);
    expect((await session.request("OPTIONS", URL_A)).cacheStatus).toBe(undefined);
  }
  expect(net.seen.length).toBe(4);
});

function thrower(message: string): () => never {
  return () => {
    throw new Error(message);
  };
}

/** As a store on a disk would be: entries as text, every call a while later. */
class SlowStore implements CacheStore {
  readonly #files: Map<string, string>;

  constructor(files = new Map<string, string>()) {
    this.#files = files;
  }

  async get(key: string): Promise<CacheEntry[] | undefined> {
    await turns(1);
    const text = this.#files.get(key);
    if (text === undefined) return undefined;
    const entries = JSON.parse(text) as (Omit<CacheEntry, "body"> & { body: string })[];
    return entries.map((entry) => ({ ...entry, body: Buffer.from(entry.body, "base64") }));
  }

  async set(key: string, entries: readonly CacheEntry[]): Promise<void> {
    await turns(1);
    const written = entries.map((entry) => ({ ...entry, body: Buffer.from(entry.body).toString("base64") }));
    this.#files.set(key, JSON.stringify(written));
  }

  async delete(key: string): Promise<void> {
    await turns(1);
    this.#files.delete(key);
  }
}
