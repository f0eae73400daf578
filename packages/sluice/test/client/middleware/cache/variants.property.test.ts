/**
 * Whatever requests come in whatever order, with time passing, changes and answers that overtake each other: a body that was made
 * for one URL, user and set of selecting fields is never given to another.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { turns } from "../../fake-net.js";
import { CachedOrigin, fresh, got, notModified, type Script } from "./cached-origin.js";

const step = fc.record({
  method: fc.constantFrom("GET", "GET", "GET", "GET", "HEAD", "POST"),
  path: fc.constantFrom("/a", "/b", "/a?1"),
  language: fc.constantFrom(undefined, "de", "fr"),
  user: fc.constantFrom(undefined, "one", "two"),
  asks: fc.constantFrom(undefined, undefined, "no-cache", "max-stale", "max-age=1", "only-if-cached", "no-store"),
  lasts: fc.constantFrom(
    "max-age=2",
    "max-age=2, stale-while-revalidate=5",
    "no-cache",
    "max-age=9, stale-if-error=9",
    "no-store",
  ),
  vary: fc.constantFrom("accept-language", "Accept-Language, authorization", "accept-language, x-none"),
  fault: fc.constantFrom("", "", "", "", "503", "cut"),
  waits: fc.constantFrom(0, 0, 1, 3),
  together: fc.boolean(),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test("a cached body is always that of the very URL, user and variant", { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), async (steps) => {
      let current: Step | undefined;
      const script: Script = (seen, count, origin) => {
        const { lasts = "no-cache", vary = "accept-language", fault = "" } = current ?? {};
        const made = identity(seen.target, seen.fields.get("accept-language"), seen.fields.get("authorization"));
        if (fault === "503") return "HTTP/1.1 503 \r\ncontent-length: 0\r\n\r\n";
        if (fault === "cut") {
          seen.connection.send("HTTP/1.1 200 \r\ncontent-length: 99\r\ncache-control: max-age=99\r\n\r\ncut");
          seen.connection.end();
          return undefined;
        }
        const tag = `"${Buffer.from(made).toString("hex")}"`;
        if (count % 2 === 0 && seen.fields.get("if-none-match") === tag) return notModified(`etag: ${tag}`);
        const body = seen.method === "HEAD" ? "" : made;
        return fresh(origin, body, `cache-control: ${lasts}`, `vary: ${vary}`, `etag: ${tag}`);
      };
      const origin = new CachedOrigin(script, { maxVariants: 3 });
      let before: Promise<void> = Promise.resolve();
      for (const one of steps) {
        if (!one.together) await before;
        await origin.pass(one.waits);
        current = one;
        before = perform(origin, one);
      }
      await before;
      await turns(2);
      await origin.session.close();
    }),
    { numRuns: 150 },
  );
});

async function perform(origin: CachedOrigin, one: Step): Promise<void> {
  const headers: Record<string, string> = {};
  if (one.language !== undefined) headers["accept-language"] = one.language;
  if (one.user !== undefined) headers["authorization"] = one.user;
  if (one.asks !== undefined) headers["cache-control"] = one.asks;
  try {
    const { status, body } = await got(
      await origin.session.request(one.method, `http://a.test${one.path}`, { headers }),
    );
    if (status !== 200 || one.method !== "GET") expect(["", body]).toContain(one.method === "POST" ? body : "");
    else expect(body).toBe(identity(one.path, one.language, one.user));
  } catch (error) {
    expect((error as { code?: string }).code).toBe("body/incomplete");
  }
}

function identity(path: string, language: string | undefined, user: string | undefined): string {
  return `${path} ${language ?? "any"} ${user ?? "nobody"}`;
}
