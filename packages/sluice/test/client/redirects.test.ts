import { expect, test } from "vitest";
import type { RequestOptions } from "../../src/client/options.js";
import { InvalidUrlError, TooManyRedirectsError, UsageError } from "../../src/errors.js";
import { FakeNet, ok, redirect, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/start";

/** Redirects /start with `status` to `to`, and answers everything else with "end". */
function redirecting(status: number, to = "/end"): FakeNet {
  return new FakeNet(({ target }) => (target.startsWith("/start") ? redirect(status, to) : ok("end")));
}

// RFC 9110 §15.4.2 to §15.4.9: which status sends which method on, and with the body or without.
const RULES: [status: number, method: string, becomes: string, body: string][] = [
  [301, "GET", "GET", ""],
  [301, "HEAD", "HEAD", ""],
  [301, "POST", "GET", ""],
  [301, "PUT", "PUT", "body"],
  [301, "PATCH", "PATCH", "body"],
  [301, "DELETE", "DELETE", ""],
  [301, "QUERY", "QUERY", "body"],
  [302, "GET", "GET", ""],
  [302, "HEAD", "HEAD", ""],
  [302, "POST", "GET", ""],
  [302, "PUT", "PUT", "body"],
  [302, "QUERY", "QUERY", "body"],
  [303, "GET", "GET", ""],
  [303, "HEAD", "HEAD", ""],
  [303, "POST", "GET", ""],
  [303, "PUT", "GET", ""],
  [303, "DELETE", "GET", ""],
  [303, "QUERY", "GET", ""],
  [307, "GET", "GET", ""],
  [307, "POST", "POST", "body"],
  [307, "PUT", "PUT", "body"],
  [307, "QUERY", "QUERY", "body"],
  [308, "GET", "GET", ""],
  [308, "POST", "POST", "body"],
  [308, "DELETE", "DELETE", ""],
];

test.each(RULES)("%i turns %s into %s, with the body %o", async (status, method, becomes, body) => {
  const net = new FakeNet(({ target }) => {
    if (target === "/start") return redirect(status, "/end");
    return becomes === "HEAD" ? "HTTP/1.1 200 \r\ncontent-length: 3\r\n\r\n" : ok("end");
  });
  const sendsBody = ["POST", "PUT", "PATCH", "QUERY"].includes(method);
  const headers = { "x-own": "1", "content-language": "en" };
  const options: RequestOptions = sendsBody ? { body: "body", headers } : { headers: { "x-own": "1" } };
  const response = await net.session().request(method, URL_A, options);
  const last = net.seen[1];
  expect(last?.method).toBe(becomes);
  expect(last?.body).toBe(body);
  expect(last?.fields.get("x-own")).toBe("1");
  expect(last?.fields.has("content-type")).toBe(body !== "");
  expect(last?.fields.has("content-language")).toBe(body !== "");
  expect(response.status).toBe(200);
  expect(response.url).toBe("http://a.test/end");
  expect(response.redirected).toBe(true);
  expect(response.history.map((hop) => [hop.status, hop.url])).toEqual([[status, URL_A]]);
});

test("300, 304, 305, 306, 309 and redirects without a Location are returned as they are", async () => {
  for (const status of [300, 304, 305, 306, 309]) {
    const net = redirecting(status);
    expect((await net.session().get(URL_A)).status).toBe(status);
    expect(net.seen.length).toBe(1);
  }
  const net = new FakeNet(() => "HTTP/1.1 302 \r\ncontent-length: 0\r\n\r\n");
  expect((await net.session().get(URL_A)).status).toBe(302);
});

test("shortcuts follow redirects as awaiting does", async () => {
  expect(await redirecting(302).session().get(URL_A).text()).toBe("end");
});

// Bodies that are sent again.

test("a stream cannot be sent again: the redirect that asks for it is an error that says so", async () => {
  const net = redirecting(307);
  async function* once(): AsyncGenerator<string> {
    yield "x";
  }
  const error = await rejection(net.session().put(URL_A, { body: once() }));
  expect(error.code).toBe("redirect/body-not-replayable");
  expect(error.message).toContain("function");
  expect(net.seen.length).toBe(1);
});

test("a stream does not hinder a redirect that drops the body", async () => {
  const net = redirecting(303);
  async function* once(): AsyncGenerator<string> {
    yield "x";
  }
  expect(await net.session().post(URL_A, { body: once() }).text()).toBe("end");
});

test("a factory is called again, and what is in memory is sent again", async () => {
  for (const body of [() => ["x", "y"], "xy", new Blob(["xy"])]) {
    const net = redirecting(308);
    await net.session().post(URL_A, { body });
    expect(net.seen.map((seen) => seen.body)).toEqual(["xy", "xy"]);
  }
});

// Limits and policies.

test("maxRedirects are followed, one more is an error; 0 follows none", async () => {
  const net = new FakeNet(({ target }) => {
    const left = Number(target.slice(1));
    return left === 0 ? ok("end") : redirect(302, `/${left - 1}`);
  });
  const session = net.session({ maxRedirects: 3 });
  const response = await session.get("http://a.test/3");
  expect(response.history.length).toBe(3);
  const error = await rejection(session.get("http://a.test/4"));
  expect(error).toBeInstanceOf(TooManyRedirectsError);
  expect(error.message).toContain("3");
  expect(await rejection(session.get("http://a.test/1", { maxRedirects: 0 }))).toBeInstanceOf(TooManyRedirectsError);
  expect((await session.get("http://a.test/0", { maxRedirects: 0 })).status).toBe(200);
  expect((await net.session().get("http://a.test/10")).history.length).toBe(10);
  expect(await rejection(net.session().get("http://a.test/11"))).toBeInstanceOf(TooManyRedirectsError);
  expect((await session.get("http://a.test/30", { maxRedirects: Number.POSITIVE_INFINITY })).status).toBe(200);
});

test("a loop ends at the limit", async () => {
  const net = new FakeNet(() => redirect(302, "/start"));
  expect((await rejection(net.session().get(URL_A))).code).toBe("redirect/too-many");
  expect(net.seen.length).toBe(11);
});

test('redirect: "manual" returns the redirection, "error" refuses it', async () => {
  const net = redirecting(302);
  const session = net.session();
  const response = await session.get(URL_A, { redirect: "manual" });
  expect([response.status, response.headers.get("location"), response.history.length]).toEqual([302, "/end", 0]);
  const error = await rejection(session.get(URL_A, { redirect: "error" }));
  expect(error.code).toBe("redirect/refused");
  expect((await session.get("http://a.test/end", { redirect: "error" })).status).toBe(200);
});

// Where to.

test("a Location is resolved against the URL it came from, and inherits its fragment", async () => {
  const cases: [location: string, url: string][] = [
    ["end", "http://a.test/end#here"],
    ["/end?q=1", "http://a.test/end?q=1#here"],
    ["#there", "http://a.test/start?x=1#there"],
    ["//b.test/end", "http://b.test/end#here"],
    ["http://b.test/end#there", "http://b.test/end#there"],
    ["../end", "http://a.test/end#here"],
    ["/\u00c3\u00a4", "http://a.test/%C3%A4#here"],
  ];
  for (const [location, url] of cases) {
    const net = new FakeNet((_seen, { seen }) => (seen.length === 1 ? redirect(302, location) : ok("end")));
    const response = await net.session().get(`${URL_A}?x=1#here`);
    expect(response.url).toBe(url);
    expect(net.seen[1]?.target).not.toContain("#");
  }
});

test("a Location that cannot be requested is an error that names no secret of it", async () => {
  for (const location of ["ftp://a.test/", "http://", "javascript:alert(1)", "http://a.test:99999/?token=s3cret"]) {
    const error = await rejection(redirecting(302, location).session().get(URL_A));
    expect(error).toBeInstanceOf(InvalidUrlError);
    expect(error.code).toBe("redirect/invalid-location");
    expect(error.message).not.toContain("s3cret");
  }
});

test("https to http is refused unless allowed", async () => {
  const net = redirecting(302, "http://a.test/end");
  const error = await rejection(net.session().get("https://a.test/start"));
  expect(error).toBeInstanceOf(UsageError);
  expect(error.code).toBe("redirect/insecure");
  expect(net.seen.length).toBe(1);
  const allowed = await net.session().get("https://a.test/start", { allowInsecureRedirect: true });
  expect(allowed.url).toBe("http://a.test/end");
  expect((await redirecting(302, "https://a.test/end").session().get(URL_A)).status).toBe(200);
});

// Secrets stay home.

const SECRETS = {
  authorization: "Bearer s3cret",
  cookie: "sid=s3cret",
  "proxy-authorization": "Basic s3cret",
  "x-api-key": "s3cret",
  "x-custom": "s3cret",
  referer: "http://a.test/?s3cret",
  "content-language": "en",
  accept: "text/css",
  "accept-language": "de",
  "user-agent": "me",
};

const ELSEWHERE = ["http://b.test/end", "https://a.test/end", "http://a.test:81/end", "http://sub.a.test/end"];

test.each(ELSEWHERE)("to %s nothing of the caller or the session goes but what says what is understood", async (to) => {
  const net = redirecting(307, to);
  const session = net.session({ headers: SECRETS, auth: { username: "ada", password: "s3cret" } });
  await session.get(URL_A);
  await session.get(URL_A, { headers: { "x-mine": "s3cret" }, auth: { bearer: "s3cret" } });
  await session.get(`http://ada:s3cret@a.test/start`);
  expect(net.seen.length).toBe(6);
  for (const hop of net.seen.filter((seen) => seen.target === "/end")) {
    expect(hop.head).not.toContain("s3cret");
    expect(hop.head).not.toContain(Buffer.from("ada:s3cret").toString("base64"));
    expect(hop.fields.get("accept")).toBe("text/css");
    expect(hop.fields.get("accept-language")).toBe("de");
    expect(hop.fields.get("user-agent")).toBe("me");
  }
});

test("from https to http, where that is allowed, secrets stay behind too", async () => {
  const net = redirecting(302, "http://a.test/end");
  const session = net.session({ headers: SECRETS, allowInsecureRedirect: true });
  await session.get("https://a.test/start", { auth: { bearer: "s3cret" } });
  expect(net.seen[1]?.head).not.toContain("s3cret");
});

test("within an origin everything goes along", async () => {
  const net = redirecting(302);
  await net.session({ headers: { "x-api-key": "k" } }).get("http://ada:pw@a.test/start");
  expect(net.seen[1]?.fields.get("x-api-key")).toBe("k");
  expect(net.seen[1]?.fields.get("authorization")).toBe(`Basic ${Buffer.from("ada:pw").toString("base64")}`);
});

test("a way back to the first origin does not bring the secrets back", async () => {
  const net = new FakeNet(({ url }) => {
    if (url === "http://a.test:80/start") return redirect(302, "http://b.test/between");
    return url.endsWith("/between") ? redirect(302, "http://a.test/end") : ok("end");
  });
  await net.session({ headers: { "x-api-key": "s3cret" }, auth: { bearer: "s3cret" } }).get(URL_A);
  expect(net.seen.map((seen) => seen.head.includes("s3cret"))).toEqual([true, false, false]);
});

test("user info in a Location is not used", async () => {
  const net = redirecting(302, "http://eve:evil@a.test/end");
  const response = await net.session().get(URL_A);
  expect(net.seen[1]?.fields.has("authorization")).toBe(false);
  expect(response.url).toBe("http://a.test/end");
});

test("a body that goes to another origin keeps what describes it", async () => {
  const net = redirecting(307, "http://b.test/end");
  const headers = { "content-type": "application/xml", "content-language": "en", "x-own": "1" };
  await net.session().post(URL_A, { body: "<a/>", headers });
  expect(net.seen[1]?.fields.get("content-type")).toBe("application/xml");
  expect(net.seen[1]?.fields.get("content-language")).toBe("en");
  expect(net.seen[1]?.fields.has("x-own")).toBe(false);
});

// Connections.

test("a redirect's small body does not cost the connection, a large one does not hold it", async () => {
  const small = new FakeNet(({ target }) =>
    target === "/end" ? ok("end") : "HTTP/1.1 302 \r\nlocation: /end\r\ncontent-length: 5\r\n\r\nmoved",
  );
  expect(await small.session().get(URL_A).text()).toBe("end");
  expect(small.connections.length).toBe(1);
  const large = new FakeNet(({ target }) =>
    target === "/end" ? ok("end") : redirect(302, "/end").replace("content-length: 0", "content-length: 999999"),
  );
  expect(await large.session().get(URL_A).text()).toBe("end");
  large.clock.advance(1_000);
  await turns();
  expect([large.connections.length, large.open]).toEqual([2, 1]);
});

test("redirects and retries count as sends, and each hop shows in the attempt of its error", async () => {
  const net = new FakeNet(({ target, connection }) => {
    if (target === "/start") return redirect(302, "/end");
    connection.end();
    return undefined;
  });
  const error = await rejection<Error & { attempt: number; url: string }>(net.session().post(URL_A));
  expect(error.attempt).toBeGreaterThan(1);
  expect(error.url).toBe(URL_A);
});
