import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { field, json } from "./ask.js";
import { useHttpbin } from "./httpbin-server.js";

const httpbin = useHttpbin({ maxBodySize: 2_000_000 });

const JSON_TYPE = { "Content-Type": "application/json" };
const FORM_TYPE = { "Content-Type": "application/x-www-form-urlencoded" };

describe("what the client sent", () => {
  test("/get tells query, headers, address and URL", async () => {
    const answer = await httpbin.get("/get?a=1&b=2&a=3&e=", { "x-my-header": "v" });
    expect(json(answer)).toMatchObject({
      args: { a: ["1", "3"], b: "2", e: "" },
      headers: { "X-My-Header": "v", Host: new URL(httpbin.server.url).host },
      origin: "127.0.0.1",
      url: `${httpbin.server.url}/get?a=1&b=2&a=3&e=`,
    });
  });

  test("lines of one name are joined by a comma", async () => {
    const answer = await httpbin.get("/headers", { "X-Twice": ["a", "b"] });
    expect(json(answer)).toMatchObject({ headers: { "X-Twice": "a,b" } });
  });

  test("names that mean something to objects are names like others", async () => {
    const answer = await httpbin.get("/get?__proto__=1&constructor=2", { constructor: "3" });
    expect(answer.body.toString()).toContain('"__proto__": "1"');
    expect(json(answer)).toMatchObject({ args: { constructor: "2" }, headers: { Constructor: "3" } });
  });

  test("JSON is indented and ends with a line break", async () => {
    expect((await httpbin.get("/ip")).body.toString()).toBe('{\n  "origin": "127.0.0.1"\n}\n');
  });

  test("/user-agent tells the User-Agent, null if there is none", async () => {
    expect(json(await httpbin.get("/user-agent", { "User-Agent": "t/1" }))).toEqual({ "user-agent": "t/1" });
    expect(json(await httpbin.get("/user-agent"))).toEqual({ "user-agent": null });
  });

  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const path = `/${method.toLowerCase()}`;
    test(`${path} echoes the body of a ${method} and takes nothing else`, async () => {
      const answer = await httpbin.send(`${method} ${path}?a=1`, { body: "text" });
      expect(json(answer)).toMatchObject({ args: { a: "1" }, data: "text", files: {}, form: {}, json: null });
      const refused = await httpbin.get(path);
      expect(refused.status).toBe(405);
      expect(field(refused, "allow")).toBe(`${method}, OPTIONS`);
    });
  }

  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "TRACE"]) {
    test(`/anything echoes ${method} on any path`, async () => {
      const answer = await httpbin.send(`${method} /anything/at/all?a=1`);
      expect(json(answer)).toMatchObject({
        method,
        args: { a: "1" },
        url: `${httpbin.server.url}/anything/at/all?a=1`,
      });
      expect((await httpbin.send(`${method} /anything`)).status).toBe(200);
    });
  }

  test("HEAD has the head that GET would have, and no body", async () => {
    const [head, get] = [await httpbin.send("HEAD /get"), await httpbin.get("/get")];
    expect(head.status).toBe(200);
    expect(head.body.byteLength).toBe(0);
    expect(field(head, "content-type")).toBe("application/json");
    expect(field(head, "content-length")).toBe(field(get, "content-length"));
  });
});

describe("bodies", () => {
  test("JSON is told as text and as JSON, whatever its type says", async () => {
    const body = '{"a":[1,null,"ü"]}';
    for (const headers of [JSON_TYPE, { "Content-Type": "text/plain" }]) {
      const answer = await httpbin.send("POST /post", { headers, body });
      expect(json(answer)).toMatchObject({ data: body, json: { a: [1, null, "ü"] }, form: {} });
    }
  });

  test("malformed JSON is text", async () => {
    expect(json(await httpbin.send("POST /post", { headers: JSON_TYPE, body: '{"a":' }))).toMatchObject({
      data: '{"a":',
      json: null,
    });
  });

  test("JSON of 500 levels is told, of 501 it is null, and of a million nothing breaks", async () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(json(await httpbin.send("POST /post", { body: nested(500) }))).toMatchObject({
      json: JSON.parse(nested(500)),
    });
    expect(json(await httpbin.send("POST /post", { body: nested(501) }))).toMatchObject({ json: null });
    expect(json(await httpbin.send("POST /post", { body: nested(1_000_000) }))).toMatchObject({ json: null });
  });

  test("brackets within strings are no levels", async () => {
    const body = JSON.stringify(['\\"'.repeat(1_000), "[".repeat(1_000)]);
    expect(json(await httpbin.send("POST /post", { body }))).toMatchObject({ json: JSON.parse(body) });
  });

  test("a form is taken apart", async () => {
    const answer = await httpbin.send("POST /post", { headers: FORM_TYPE, body: "a=1&a=2&b=%20+x&__proto__=p" });
    expect(json(answer)).toMatchObject({ data: "", json: null, form: { a: ["1", "2"], b: "  x" } });
  });

  test("bytes that are no UTF-8 become a data URL", async () => {
    const answer = await httpbin.send("POST /post", { body: Uint8Array.of(0xff, 0) });
    expect(json(answer)).toMatchObject({ data: "data:application/octet-stream;base64,/wA=", json: null });
  });

  test("a byte order mark is not swallowed", async () => {
    expect(json(await httpbin.send("POST /post", { body: "\ufeffa" }))).toMatchObject({ data: "\ufeffa" });
  });

  test("a multipart form is taken apart: fields, files as text, other files as data URLs", async () => {
    const headers = { "Content-Type": "multipart/form-data; boundary=x" };
    const part = (disposition: string, content: string, type = "") =>
      `--x\r\nContent-Disposition: form-data; ${disposition}\r\n${type}\r\n${content}\r\n`;
    const body = [
      part('name="a"', "1"),
      part('name="a"', "2"),
      part('name="f"; filename="f.txt"', "text"),
      part('name="g"; filename="g.png"', "\xff\x00", "Content-Type: image/png\r\n"),
      part('name="g"; filename="g.txt"', ""),
      part('name="__proto__"', "p"),
      "--x--\r\n",
    ].join("");
    const answer = json(await httpbin.send("POST /post", { headers, body: Buffer.from(body, "latin1") }));
    expect(answer).toMatchObject({
      data: "",
      json: null,
      form: { a: ["1", "2"] },
      files: { f: "text", g: ["data:image/png;base64,/wA=", ""] },
    });
  });

  test("a malformed multipart form is 400", async () => {
    const headers = { "Content-Type": "multipart/form-data; boundary=x" };
    expect((await httpbin.send("POST /post", { headers, body: "--x\r\n\r\ncut" })).status).toBe(400);
  });

  test("chunks are put together", async () => {
    const headers = { "Transfer-Encoding": "chunked" };
    const answer = await httpbin.send("POST /anything", { headers, body: "chunked text", chunked: true });
    expect(json(answer)).toMatchObject({ data: "chunked text" });
  });

  test("a coded body is echoed decoded, an unknown coding refused with those that are taken", async () => {
    const coded = await httpbin.send("POST /post", { headers: { "Content-Encoding": "gzip" }, body: gzipSync("x") });
    expect(json(coded)).toMatchObject({ data: "x" });
    const answer = await httpbin.send("POST /post", { headers: { "Content-Encoding": "rot13" }, body: "k" });
    expect(answer.status).toBe(415);
    expect(field(answer, "accept-encoding")).toMatch(/^gzip, deflate, br/);
  });

  test("a body at the limit is echoed, one byte more is 413", async () => {
    const whole = await httpbin.send("POST /post", { body: "x".repeat(2_000_000) });
    expect(whole.status).toBe(200);
    expect((await httpbin.send("POST /post", { body: "x".repeat(2_000_001) })).status).toBe(413);
  });
});

describe("pages of other origins", () => {
  test("may read every answer, errors too", async () => {
    for (const path of ["/get", "/status/500", "/nothing-here"]) {
      const answer = await httpbin.get(path, { Origin: "http://example.com" });
      expect(field(answer, "access-control-allow-origin")).toBe("http://example.com");
      expect(field(answer, "access-control-allow-credentials")).toBe("true");
    }
    expect(field(await httpbin.get("/get"), "vary")).toBe("Origin");
  });

  test("may send what they ask to send", async () => {
    const asked = {
      Origin: "http://example.com",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "x-a",
    };
    const answer = await httpbin.send("OPTIONS /post", { headers: asked });
    expect(answer.status).toBe(204);
    expect(field(answer, "access-control-allow-headers")).toBe("x-a");
    expect(field(answer, "access-control-allow-methods")).toContain("QUERY");
    expect(field(answer, "access-control-max-age")).toBe("3600");
    expect(field(await httpbin.send("OPTIONS /post"), "allow")).toBe("POST, OPTIONS");
  });
});
