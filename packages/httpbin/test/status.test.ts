import { HttpError } from "sluice/server";
import { describe, expect, test } from "vitest";
import { chooseStatus } from "../src/routes/status.js";
import { type Answered, field, json } from "./ask.js";
import { useHttpbin } from "./httpbin-server.js";

const httpbin = useHttpbin();

describe("/status", () => {
  test("answers the status for every method, with nothing else", async () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "HEAD", "TRACE"]) {
      const answer = await httpbin.send(`${method} /status/503`);
      expect([answer.status, answer.body.byteLength]).toEqual([503, 0]);
    }
  });

  test("takes 200 to 599", async () => {
    for (const status of [200, 204, 226, 299, 499, 599])
      expect((await httpbin.get(`/status/${status}`)).status).toBe(status);
    for (const text of ["100", "199", "600", "999", "20", "2000", "abc", "200,", "", "200:x", "200:1:2"]) {
      const answer = await httpbin.get(`/status/${text}`);
      expect([text, answer.status]).toEqual([text, text === "" ? 404 : 400]);
    }
  });

  test("says where redirects go", async () => {
    for (const status of [301, 302, 303, 305, 307, 308]) {
      expect(field(await httpbin.get(`/status/${status}`), "location")).toBe("/redirect/1");
    }
    expect(field(await httpbin.get("/status/304"), "location")).toBe("");
  });

  test("asks for credentials with 401 and 407", async () => {
    expect(field(await httpbin.get("/status/401"), "www-authenticate")).toBe('Basic realm="Fake Realm"');
    expect(field(await httpbin.get("/status/407"), "proxy-authenticate")).toBe('Basic realm="Fake Realm"');
  });

  test("has something to say with 402, 406 and 418", async () => {
    expect((await httpbin.get("/status/402")).body.toString()).toBe("Pay me!");
    expect(json(await httpbin.get("/status/406"))).toMatchObject({ accept: expect.arrayContaining(["image/webp"]) });
    expect((await httpbin.get("/status/418")).body.toString()).toContain("teapot");
  });

  test("chooses among several by their weights", () => {
    const draw = (codes: string, drawn: number): number => chooseStatus(codes, () => drawn);
    expect(draw("200,500", 0.49)).toBe(200);
    expect(draw("200,500", 0.51)).toBe(500);
    expect(draw("200:3,500", 0.74)).toBe(200);
    expect(draw("200:3, 500:1", 0.76)).toBe(500);
    expect(draw("200:0,500:0.5", 0)).toBe(500);
    expect(draw("200:1,500:0", 1 - Number.EPSILON / 2)).toBe(200);
  });

  test("cannot choose when no weight counts", () => {
    expect(() => chooseStatus("200:0,500:0", Math.random)).toThrow(HttpError);
  });
});

describe("/response-headers", () => {
  test("sends the query as field lines and tells all it sent", async () => {
    const answer = await httpbin.get("/response-headers?X-A=1&X-B=2&X-A=3");
    expect(answer.headers.get("x-a")).toEqual(["1", "3"]);
    expect(json(answer)).toEqual({
      "Content-Length": String(answer.body.byteLength),
      "Content-Type": "application/json",
      "X-A": ["1", "3"],
      "X-B": "2",
    });
  });

  test("its own length is right for every length", async () => {
    // From 97 to 103 the number of digits changes.
    for (let extra = 1; extra < 70; extra += 1) {
      const answer = await httpbin.get(`/response-headers?x=${"v".repeat(extra)}`);
      expect(json(answer)).toMatchObject({ "Content-Length": String(answer.body.byteLength) });
    }
  });

  test("a type of the client's choice does not make a page of what the client sent", async () => {
    const answer = await httpbin.get("/response-headers?Content-Type=text/html&x=%3Cscript%3E");
    expect(field(answer, "content-type")).toBe("text/html");
    expect(answer.body.toString()).not.toContain("<");
    expect(json(answer)).toMatchObject({ x: "<script>" });
  });

  test("refuses what cannot be sent, in a line break above all", async () => {
    const refused = async (query: string): Promise<Answered> => httpbin.get(`/response-headers?${query}`);
    for (const query of [
      "a=b%0d%0ac",
      "a%20b=1",
      "=1",
      "a=%00",
      "Content-Length=1",
      "transfer-encoding=chunked",
      "Connection=x",
    ]) {
      expect([query, (await refused(query)).status]).toEqual([query, 400]);
    }
  });
});
