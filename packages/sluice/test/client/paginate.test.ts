/** `session.paginate()`: every order of pages, and what a page may not do. */
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
// Loaded on first use; here before the first test, whose turns it would take.
import "../../src/client/follow-pages.js";
import type { Page, PaginateOptions } from "../../src/client/paginate.js";
import { ContentTypeError, SluiceError, UsageError, ValidationError } from "../../src/errors.js";
import { answer, FakeNet, json, ok, rejection, turns } from "./fake-net.js";

const FIRST = "http://a.test/items";

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

/** Three pages of two numbers each, linked by `Link` fields as relative as they can be. */
const linked = () =>
  new FakeNet(({ target }) => {
    const page = Number(new URL(target, FIRST).searchParams.get("page") ?? 1);
    const more = page < 3 ? `link: <?page=${page + 1}>; rel="next", <?page=1>; rel=first\r\n` : "";
    return json([page * 10, page * 10 + 1], more);
  });

const targets = (net: FakeNet) => net.seen.map(({ target }) => target);

describe("by Link fields (RFC 8288)", () => {
  test("pages come in order, with their data, number and response", async () => {
    const net = linked();
    const pages = await all(net.session().paginate<number[]>(FIRST));
    expect(pages.map(({ data, number }) => [number, ...data])).toEqual([
      [1, 10, 11],
      [2, 20, 21],
      [3, 30, 31],
    ]);
    expect(pages[1]?.response.url).toBe(`${FIRST}?page=2`);
    expect(targets(net)).toEqual(["/items", "/items?page=2", "/items?page=3"]);
  });

  test("items are those of all pages", async () => {
    expect(await all(linked().session().paginate<number[]>(FIRST).items())).toEqual([10, 11, 20, 21, 30, 31]);
    const nested = new FakeNet(() => json({ results: [{ id: 1 }] }));
    const ids = nested
      .session()
      .paginate<{ results: { id: number }[] }>(FIRST)
      .items(({ results }) => results);
    expectTypeOf(ids).toEqualTypeOf<AsyncGenerator<{ id: number }, void, undefined>>();
    expect(await all(ids)).toEqual([{ id: 1 }]);
    expect(await rejection(all(nested.session().paginate(FIRST).items()))).toMatchObject({ code: "paginate/no-items" });
  });

  test("a link says all: the first request's params are not sent again, its headers are", async () => {
    const net = linked();
    await all(
      net.session({ params: { lang: "en" } }).paginate(FIRST, { params: { q: "x" }, headers: { "x-key": "k" } }),
    );
    expect(targets(net)).toEqual(["/items?lang=en&q=x", "/items?page=2&lang=en", "/items?page=3&lang=en"]);
    expect(net.seen.map(({ fields }) => fields.get("x-key"))).toEqual(["k", "k", "k"]);
  });

  test("the next page is asked for when it is wanted; leaving asks for no more", async () => {
    const net = linked();
    for await (const { number } of net.session().paginate(FIRST)) {
      await turns();
      expect(net.seen).toHaveLength(number);
      if (number === 2) break;
    }
    await turns();
    expect(net.seen).toHaveLength(2);
  });

  test("it can be read again, from the first page on", async () => {
    const pages = linked().session().paginate(FIRST);
    expect((await all(pages)).length + (await all(pages)).length).toBe(6);
  });
});

describe("other orders", () => {
  test("a cursor, until there is none", async () => {
    const marks: Record<string, unknown> = { "": "a b", "a b": 7, "7": null };
    for (const end of [null, undefined, ""]) {
      const net = new FakeNet(({ target }) => {
        const at = new URL(target, FIRST).searchParams.get("after") ?? "";
        return json({ at, next: at === "7" ? end : marks[at] });
      });
      const by = { cursor: ({ next }: { next: string | number | null }) => next, param: "after" };
      const pages = await all(
        net.session().paginate<{ at: string; next: string | number | null }>(FIRST, { by, params: { q: "1" } }),
      );
      expect(pages.map(({ data }) => data.at)).toEqual(["", "a b", "7"]);
      expect(targets(net)).toEqual(["/items?q=1", "/items?q=1&after=a+b", "/items?q=1&after=7"]);
    }
  });

  test("page numbers, until a page is empty", async () => {
    for (const [first, expected] of [
      [undefined, ["1", "2", "3"]],
      [0, ["0", "1", "2"]],
    ] as const) {
      const net = new FakeNet(({ target }) => {
        const page = Number(new URL(target, FIRST).searchParams.get("p"));
        return json(page < Number(expected[2]) ? [page] : []);
      });
      const by = first === undefined ? { page: "p" } : { page: "p", first };
      await all(net.session().paginate(`${FIRST}?p=99&x=1`, { by, params: { p: 98 } }));
      expect(net.seen.map(({ target }) => new URL(target, FIRST).searchParams.getAll("p").join())).toEqual(expected);
    }
  });

  test("an offset, until a page has fewer items than asked for", async () => {
    const numbers = Array.from({ length: 7 }, (_, index) => index);
    const net = new FakeNet(({ target }) => {
      const { searchParams } = new URL(target, FIRST);
      const from = Number(searchParams.get("from"));
      return json({ rows: numbers.slice(from, from + Number(searchParams.get("limit"))) });
    });
    const by = { offset: "from", limit: 3, items: (data: { rows: number[] }) => data.rows };
    const pages = net.session().paginate<{ rows: number[] }>(FIRST, { by });
    expect(await all(pages.items(({ rows }) => rows))).toEqual(numbers);
    expect(targets(net)).toEqual(["/items?from=0&limit=3", "/items?from=3&limit=3", "/items?from=6&limit=3"]);
    expect(await all(pages)).toHaveLength(3);
  });

  test("a function: a URL, or changes to the request", async () => {
    const net = new FakeNet(({ target, body }) => json({ target, body }));
    const by = (_response: unknown, { target, body }: { target: string; body: string }) => {
      if (target === "/items") return "/items/2";
      if (target === "/items/2") return new URL("http://a.test/items/3");
      if (body === '{"from":1}') return { url: "/items/4", params: { x: "1" }, json: { from: 2 } };
      return null;
    };
    const options: PaginateOptions<{ target: string; body: string }> = { by, method: "POST", json: { from: 1 } };
    const pages = await all(net.session().paginate(FIRST, options));
    expect(pages.map(({ data }) => data.target)).toEqual(["/items", "/items/2", "/items/3", "/items/4?x=1"]);
    expect(net.seen.map(({ method, body }) => method + body)).toEqual([
      'POST{"from":1}',
      'POST{"from":1}',
      'POST{"from":1}',
      'POST{"from":2}',
    ]);
  });

  test("data that is no JSON is taken out by `read`", async () => {
    const net = new FakeNet(() => ok("<a/><b/>", "content-type: text/xml\r\n"));
    const pages = await all(net.session().paginate(FIRST, { read: (response) => response.text() }));
    expectTypeOf(pages).toEqualTypeOf<Page<string>[]>();
    expect(pages[0]?.data).toBe("<a/><b/>");
    expect(await rejection(all(net.session().paginate(FIRST)))).toBeInstanceOf(ContentTypeError);
  });
});

describe("typed pages", () => {
  test("by a schema for each page", async () => {
    const net = linked();
    const pages = net.session().paginate(FIRST, { schema: z.array(z.number().max(29)) });
    expectTypeOf(pages.items()).toEqualTypeOf<AsyncGenerator<number, void, undefined>>();
    const seen: number[] = [];
    const error = await rejection(
      (async () => {
        for await (const item of pages.items()) seen.push(item);
      })(),
    );
    expect(seen).toEqual([10, 11, 20, 21]);
    expect(error).toBeInstanceOf(ValidationError);
    expect(error).toMatchObject({ url: `${FIRST}?page=…` });
  });
});

describe("what a page may not do", () => {
  /** Whose first answer leads there. */
  const leading = (to: string) =>
    new FakeNet((_request, net) => (net.seen.length === 1 ? json([1], `link: <${to}>; rel=next\r\n`) : json([2])));

  test.each(["http://b.test/items", "https://a.test/items", "http://a.test:81/items", "//b.test/"])(
    "lead to another origin, as %s does",
    async (to) => {
      const net = leading(to);
      const seen: number[] = [];
      const error = await rejection(
        (async () => {
          for await (const { data } of net.session({ auth: { bearer: "s3cret" } }).paginate<number[]>(FIRST))
            seen.push(...data);
        })(),
      );
      expect(seen).toEqual([1]);
      expect(error).toBeInstanceOf(UsageError);
      expect(error).toMatchObject({ code: "paginate/cross-origin", method: "GET", url: FIRST });
      expect(net.seen).toHaveLength(1);
    },
  );

  test("unless the origin is named", async () => {
    const net = leading("http://b.test/items");
    expect(await all(net.session().paginate(FIRST, { allowOrigins: ["http://b.test"] }))).toHaveLength(2);
    for (const wrong of ["b.test", "http://b.test/", "nonsense"]) {
      const error = await rejection(all(net.session().paginate(FIRST, { allowOrigins: [wrong] })));
      expect(error.message).toContain("allowOrigins");
    }
  });

  test("choose credentials; those of the caller's own URL go along", async () => {
    const net = new FakeNet(({ target }) =>
      json([1], target === "/items" ? "link: <http://x:y@a.test/2>; rel=next\r\n" : ""),
    );
    await all(net.session().paginate("http://me:p%40ss@a.test/items"));
    const basic = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
    expect(net.seen.map(({ fields }) => fields.get("authorization"))).toEqual([basic, basic]);
  });

  test("lead around in a circle", async () => {
    const itself = leading(FIRST);
    expect(await rejection(all(itself.session().paginate(FIRST)))).toMatchObject({ code: "paginate/loop" });
    expect(itself.seen).toHaveLength(1);
    const circle = new FakeNet(({ target }) =>
      json([], `link: <${target === "/items" ? "/2" : target === "/2" ? "/3#x" : "/2"}>; rel=next\r\n`),
    );
    const error = await rejection(all(circle.session().paginate(FIRST)));
    expect(error).toBeInstanceOf(SluiceError);
    expect(error.message).toContain("page 3 leads back");
    expect(circle.seen).toHaveLength(3);
  });

  test("lead where no URL leads", async () => {
    const net = new FakeNet(() => json([]));
    const pages = net.session().paginate(FIRST, { by: () => "http://[" });
    expect(await rejection(all(pages))).toMatchObject({ code: "paginate/bad-url" });
  });

  test("be an error status", async () => {
    const net = new FakeNet(({ target }) => (target === "/items" ? json([], "link: <?2>; rel=next\r\n") : answer(500)));
    expect(await rejection(all(net.session().paginate(FIRST)))).toMatchObject({ status: 500 });
  });
});

describe("how many, how soon", () => {
  test("maxPages ends it: at one, at as many as there are, at one less", async () => {
    for (const [maxPages, count] of [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 3],
      [Number.POSITIVE_INFINITY, 3],
    ] as const) {
      const net = linked();
      expect(await all(net.session().paginate(FIRST, { maxPages }))).toHaveLength(count);
      expect(net.seen).toHaveLength(count);
    }
  });

  test("prefetch asks for the next page while one is used, and no further", async () => {
    const net = linked();
    for await (const { number } of net.session().paginate(FIRST, { prefetch: true })) {
      await turns();
      expect(net.seen).toHaveLength(Math.min(number + 1, 3));
    }
  });

  test("leaving aborts a page that was asked for ahead", async () => {
    const net = new FakeNet(({ target }) => (target === "/items" ? json([], "link: </2>; rel=next\r\n") : undefined));
    const session = net.session();
    for await (const { number } of session.paginate(FIRST, { prefetch: true })) {
      await turns();
      expect(number).toBe(1);
      break;
    }
    await turns();
    expect(net.open).toBeLessThanOrEqual(1);
    expect(JSON.parse(JSON.stringify(session))).toMatchObject({ running: 0 });
  });

  test("an error of a page asked for ahead comes after the page before", async () => {
    const net = new FakeNet(({ target }) =>
      target === "/items" ? json([1], "link: </2>; rel=next\r\n") : answer(500),
    );
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const { data } of net.session().paginate(FIRST, { prefetch: true })) {
        await turns();
        seen.push(data);
      }
    })();
    expect(await rejection(reading)).toMatchObject({ status: 500 });
    expect(seen).toEqual([[1]]);
  });

  test("a signal ends it with its reason", async () => {
    const controller = new AbortController();
    const net = new FakeNet(({ target }) => (target === "/items" ? json([], "link: </2>; rel=next\r\n") : undefined));
    const reading = all(net.session().paginate(FIRST, { signal: controller.signal }));
    await turns();
    controller.abort();
    expect(await rejection(reading)).toBe(controller.signal.reason);
  });

  test("an error shows the line that reads", async () => {
    async function theReader(): Promise<void> {
      for await (const page of new FakeNet(() => answer(404)).session().paginate(FIRST)) throw new Error(String(page));
    }
    expect((await rejection(theReader())).stack).toMatch(/theReader/);
  });

  test.each([
    [{ by: "links" }, "Cannot use by"],
    [{ by: {} }, "Cannot use by"],
    [{ by: null }, "Cannot use by"],
    [{ by: { cursor: "next", param: "c" } }, "by.cursor"],
    [{ by: { page: "p", size: 5 } }, 'by option "size"'],
    [{ by: { page: "p", first: -1 } }, "by.first"],
    [{ by: { offset: "o", limit: 0 } }, "by.limit"],
    [{ maxPages: 0 }, "maxPages"],
    [{ read: "text" }, "read"],
    [{ pages: 1 }, '"pages"'],
  ])("%o is refused", async (options, why) => {
    const error = await rejection(all(new FakeNet().session().paginate(FIRST, options as object)));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(why);
  });
});
