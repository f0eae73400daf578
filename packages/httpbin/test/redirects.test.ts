import { expect, test } from "vitest";
import { field } from "./ask.js";
import { useHttpbin } from "./httpbin-server.js";

const httpbin = useHttpbin();

async function follow(path: string): Promise<string[]> {
  const stops: string[] = [];
  for (let next = path; ; ) {
    const answer = await httpbin.get(next);
    if (answer.status === 200) return stops;
    expect(answer.status).toBe(302);
    const location = field(answer, "location");
    stops.push(location);
    const { pathname, search } = new URL(location, httpbin.server.url);
    next = pathname + search;
  }
}

test("/redirect/:n arrives at /get after n redirects, relative ones unless told otherwise", async () => {
  expect(await follow("/redirect/3")).toEqual(["/relative-redirect/2", "/relative-redirect/1", "/get"]);
  expect(await follow("/relative-redirect/2")).toEqual(["/relative-redirect/1", "/get"]);
});

test("absolute redirects name scheme, host and port", async () => {
  const { url } = httpbin.server;
  expect(await follow("/redirect/2?absolute=true")).toEqual([`${url}/absolute-redirect/1`, `${url}/get`]);
  expect(await follow("/absolute-redirect/2")).toEqual([`${url}/absolute-redirect/1`, `${url}/get`]);
});

test("the number of redirects is a whole number from 1", async () => {
  expect((await httpbin.get("/redirect/0")).status).toBe(400);
  for (const text of ["x", "-1", "1.5", "+1", "0x1"]) expect((await httpbin.get(`/redirect/${text}`)).status).toBe(404);
  expect(field(await httpbin.get(`/redirect/${"9".repeat(30)}`), "location")).toBe(
    "/relative-redirect/9007199254740990",
  );
});

test("/redirect-to goes anywhere, with every method and every 3xx", async () => {
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"]) {
    const answer = await httpbin.send(
      `${method} /redirect-to?url=http%3A%2F%2Fexample.com%2F%3Fa%3Db%23c&status_code=307`,
    );
    expect([answer.status, field(answer, "location")]).toEqual([307, "http://example.com/?a=b#c"]);
  }
  expect((await httpbin.get("/redirect-to?url=/get&status_code=300")).status).toBe(300);
  for (const status of ["200", "x", "999"]) {
    expect((await httpbin.get(`/redirect-to?url=/get&status_code=${status}`)).status).toBe(302);
  }
});

test("/redirect-to never writes a line break, and no character that a field cannot have", async () => {
  for (const query of ["", "url=", "url=a%0d%0ab", "url=%00"]) {
    expect((await httpbin.get(`/redirect-to?${query}`)).status).toBe(400);
  }
  expect(field(await httpbin.get("/redirect-to?url=/caf%C3%A9"), "location")).toBe("/caf%C3%A9");
});
