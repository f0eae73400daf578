/** What holds where nobody says anything, and what a response says of itself. */
import { expect, test } from "vitest";
import { FakeNet, ok, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";

test("a request's field takes the place of the session's of that name, in any case; its repeats stay, in their order", async () => {
  const net = new FakeNet();
  const session = net.session({ headers: { "X-One": "session", "x-two": "session" } });
  const headers: [string, string][] = [
    ["x-ONE", "first"],
    ["x-three", "3"],
    ["x-one", "second"],
  ];
  await session.get(URL_A, { headers });
  const lines = net.seen[0]?.head.split("\r\n").filter((line) => /^x-/i.test(line));
  expect(lines?.sort()).toEqual(["x-ONE: first", "x-one: second", "x-three: 3", "x-two: session"]);
  const ones = net.seen[0]?.head.split("\r\n").filter((line) => /^x-one/i.test(line));
  expect(ones).toEqual(["x-ONE: first", "x-one: second"]);
});

test("a hundred connections at most are open at a time, however many requests there are", async () => {
  const net = new FakeNet(() => undefined);
  const session = net.session();
  const asked = Array.from({ length: 130 }, (_, at) => session.get(`http://h${at % 7}.test/${at}`).text());
  const ended = Promise.allSettled(asked);
  await turns(20);
  expect(net.open).toBe(100);
  await session.close();
  await ended;
});

test("what a response says of itself: request, type, charset, coding, fields, version", async () => {
  const head = "content-type: Text/HTML; charset=ISO-8859-1\r\nx-a: 1\r\nX-A: 2\r\n";
  const net = new FakeNet(() => ok("hello", head));
  const response = await net.session().post("http://user:pw@a.test/x?q=1#part", { body: "x" });
  expect([response.method, response.url]).toEqual(["POST", "http://a.test/x?q=1#part"]);
  expect([response.contentType, response.charset, response.contentEncoding]).toEqual([
    "Text/HTML; charset=ISO-8859-1",
    "iso-8859-1",
    undefined,
  ]);
  expect(response.headers.getAll("x-a")).toEqual(["1", "2"]);
  expect([response.httpVersion, response.redirected, response.history]).toEqual(["1.1", false, []]);
});
