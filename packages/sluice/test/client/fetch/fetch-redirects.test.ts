/** Redirects by the Fetch standard, §4.4 "HTTP-redirect fetch". */
import { describe, expect, test } from "vitest";
import type { SessionOptions } from "../../../src/client/options.js";
import { FakeNet, ok, redirect, rejection, type Seen } from "../fake-net.js";

const URL_A = "http://a.test/x";

/** Redirects once with `status` to `to`, then answers. */
function once(
  status: number,
  to: string,
  options: SessionOptions = {},
): { net: FakeNet; fetch: typeof globalThis.fetch } {
  const net = new FakeNet((_request, { seen }) => (seen.length === 1 ? redirect(status, to) : ok("there")));
  return { net, fetch: net.session(options).fetch };
}

function last({ seen }: FakeNet): Seen {
  const found = seen.at(-1);
  if (found === undefined) throw new Error("Nothing was sent");
  return found;
}

test("the URL is the last one, without its fragment, and redirected says that it is another", async () => {
  const { net, fetch } = once(302, "/y?z#own");
  const response = await fetch(`${URL_A}#first`);
  expect([response.url, response.redirected, response.status]).toEqual(["http://a.test/y?z", true, 200]);
  expect(last(net).target).toBe("/y?z");
  expect((await once(304, "/y").fetch(URL_A)).redirected).toBe(false);
});

describe("step 5: without a Location a redirect is an answer as any other", () => {
  test.each([301, 302, 303, 307, 308])("%i", async (status) => {
    const response = await new FakeNet(() => `HTTP/1.1 ${status} Moved\r\ncontent-length: 0\r\n\r\n`)
      .session()
      .fetch(URL_A);
    expect([response.status, response.redirected, response.ok]).toEqual([status, false, false]);
  });
});

test("redirect: manual gives the answer itself, as Node does it: there is no page to be kept from reading it", async () => {
  const { net, fetch } = once(302, "/y");
  const response = await fetch(URL_A, { redirect: "manual" });
  expect([response.status, response.type, response.headers.get("location")]).toEqual([302, "basic", "/y"]);
  expect(net.seen.length).toBe(1);
});

test("redirect: error is a network error", async () => {
  const failed = await rejection<TypeError>(once(302, "/y").fetch(URL_A, { redirect: "error" }));
  expect(failed).toMatchObject({ message: "fetch failed", cause: { code: "redirect/refused" } });
});

test.each(["data:text/plain,x", "ftp://a.test/", "http://[", "http://u:p@a.test/", "http://u:p@b.test/"])(
  "steps 6, 8 and 9: a Location %s is a network error",
  async (to) => {
    const { net, fetch } = once(302, to);
    const failed = await rejection<TypeError>(fetch(URL_A));
    expect(failed).toMatchObject({ message: "fetch failed", cause: { code: "redirect/invalid-location" } });
    expect(net.seen.length).toBe(1);
  },
);

describe("step 7: at most 20 redirects", () => {
  const chain = (length: number) =>
    new FakeNet((_request, { seen }) => (seen.length <= length ? redirect(302, `/${seen.length}`) : ok("there")));

  test("20 are followed, one more is a network error", async () => {
    expect(await (await chain(20).session().fetch(URL_A)).text()).toBe("there");
    const failed = await rejection<TypeError>(chain(21).session().fetch(URL_A));
    expect(failed).toMatchObject({ message: "fetch failed", cause: { code: "redirect/too-many" } });
  });

  test("a session's own lower limit holds, a higher one does not", async () => {
    const failed = await rejection<TypeError>(chain(3).session({ maxRedirects: 2 }).fetch(URL_A));
    expect(failed).toMatchObject({ cause: { code: "redirect/too-many" } });
    await rejection(chain(21).session({ maxRedirects: 50 }).fetch(URL_A));
  });
});

test('mode "same-origin": a redirect to another origin is a network error', async () => {
  const failed = await rejection<TypeError>(once(302, "http://b.test/").fetch(URL_A, { mode: "same-origin" }));
  expect(failed).toMatchObject({ cause: { code: "redirect/refused" } });
  expect((await once(302, "/y").fetch(URL_A, { mode: "same-origin" })).status).toBe(200);
});

describe("step 11: a body without source is sent once", () => {
  const stream = () => ({ method: "POST", body: new Blob(["ab"]).stream(), duplex: "half" }) as RequestInit;

  test.each([301, 302, 307, 308])("%i with a stream is a network error", async (status) => {
    const { net, fetch } = once(status, "/y");
    const failed = await rejection<TypeError>(fetch(URL_A, stream()));
    expect(failed).toMatchObject({ cause: { code: "redirect/body-not-replayable" } });
    expect(net.seen.length).toBe(1);
  });

  test("303 needs no body", async () => {
    const { net, fetch } = once(303, "/y");
    await fetch(URL_A, stream());
    expect(last(net)).toMatchObject({ method: "GET", body: "" });
  });
});

describe("step 12: methods", () => {
  test.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [303, "DELETE", "GET"],
    [303, "HEAD", "HEAD"],
    [301, "PUT", "PUT"],
    [302, "DELETE", "DELETE"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
    [301, "HEAD", "HEAD"],
  ])("%i turns %s into %s", async (status, method, expected) => {
    const { net, fetch } = once(status, "/y");
    const sends = method !== "HEAD";
    await fetch(URL_A, { method, ...(sends && { body: "ab", headers: { "content-language": "de", "x-mine": "1" } }) });
    const { method: after, fields, body } = last(net);
    expect(after).toBe(expected);
    const kept = sends && expected === method;
    expect(body).toBe(kept ? "ab" : "");
    expect(fields.get("content-type")).toBe(kept ? "text/plain;charset=UTF-8" : undefined);
    expect(fields.get("content-language")).toBe(kept ? "de" : undefined);
    if (sends) expect(fields.get("x-mine")).toBe("1");
  });

  test("what was in memory is sent again, that of a Request and a form too", async () => {
    const form = new FormData();
    form.set("a", "1");
    const bodies = [new Uint8Array([65, 66]), new Blob(["AB"]), new URLSearchParams("a=b"), form];
    for (const body of bodies) {
      const { net, fetch } = once(307, "/y");
      await fetch(URL_A, { method: "POST", body });
      expect(net.seen[1]?.body).toBe(net.seen[0]?.body);
      expect(net.seen[1]?.body.length).toBeGreaterThan(1);
    }
    const { net, fetch } = once(308, "/y");
    await fetch(new Request(URL_A, { method: "PUT", body: "abc" }));
    expect(net.seen.map(({ body }) => body)).toEqual(["abc", "abc"]);
  });
});

describe("step 13: to another origin", () => {
  const headers = {
    authorization: "Bearer s3cret",
    "proxy-authorization": "s3cret",
    cookie: "c=s3cret",
    "x-mine": "1",
    "content-type": "x/y",
  };

  test("credentials stay, the caller's other headers go", async () => {
    const { net, fetch } = once(307, "http://b.test/y");
    const response = await fetch(URL_A, { method: "POST", body: "ab", headers });
    const { fields, body } = last(net);
    expect(body).toBe("ab");
    expect(Object.fromEntries(fields)).toMatchObject({ host: "b.test", "x-mine": "1", "content-type": "x/y" });
    expect(JSON.stringify([...fields])).not.toContain("s3cret");
    expect(response.type).toBe("cors");
  });

  test("within the origin all of them go", async () => {
    const { net, fetch } = once(302, "/y");
    await fetch(URL_A, { headers });
    expect(Object.fromEntries(last(net).fields)).toMatchObject(headers);
  });

  test("another port or scheme is another origin; https to http is followed, without credentials", async () => {
    for (const [from, to] of [
      ["http://a.test/", "http://a.test:81/"],
      ["https://a.test/", "http://a.test/"],
    ] as const) {
      const { net, fetch } = once(302, to);
      await fetch(from, { headers });
      expect(JSON.stringify([...last(net).fields])).not.toContain("s3cret");
    }
  });

  test("what the session added stays home, and so do headers that it calls secret", async () => {
    const session = { headers: { "x-api-key": "s3cret", "accept-language": "de" }, secretHeaders: ["x-token"] };
    const { net, fetch } = once(302, "http://b.test/y", session);
    await fetch(URL_A, { headers: { "x-token": "s3cret", "x-mine": "1" } });
    expect(net.seen[0]?.fields.get("x-api-key")).toBe("s3cret");
    expect(Object.fromEntries(last(net).fields)).toMatchObject({ "accept-language": "de", "x-mine": "1" });
    expect(JSON.stringify([...last(net).fields])).not.toContain("s3cret");
  });
});

test("§4.1 step 8: the referrer is cut down for each target anew", async () => {
  const { net, fetch } = once(302, "http://b.test/y");
  await fetch(URL_A, { referrer: "http://a.test/from?x" });
  expect(net.seen.map(({ fields }) => fields.get("referer"))).toEqual(["http://a.test/from?x", "http://a.test/"]);
  const none = once(302, "http://b.test/y");
  await none.fetch(URL_A, { referrer: "http://a.test/from", referrerPolicy: "same-origin" });
  expect(none.net.seen.map(({ fields }) => fields.get("referer"))).toEqual(["http://a.test/from", undefined]);
});

test("what the cache option stands for goes along", async () => {
  const { net, fetch } = once(302, "http://b.test/y");
  await fetch(URL_A, { cache: "no-cache" } as RequestInit);
  expect(net.seen.map(({ fields }) => fields.get("cache-control"))).toEqual(["max-age=0", "max-age=0"]);
});

test("a Location in UTF-8 is understood", async () => {
  const { net, fetch } = once(302, Buffer.from("/\u00e4", "utf8").toString("latin1"));
  await fetch(URL_A);
  expect(last(net).target).toBe("/%C3%A4");
});
