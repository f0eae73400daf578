import { describe, expect, test } from "vitest";
import { field, json } from "./ask.js";
import { useHttpbin } from "./httpbin-server.js";

const httpbin = useHttpbin();

function basic(text: string): { Authorization: string } {
  return { Authorization: `Basic ${Buffer.from(text).toString("base64")}` };
}

describe("cookies", () => {
  test("/cookies tells them; of one name the first", async () => {
    const answer = await httpbin.get("/cookies", { Cookie: "a=1; b=two; a=3; __proto__=p" });
    expect(json(answer)).toMatchObject({ cookies: { a: "1", b: "two" } });
  });

  test("/cookies/set sets each for the whole site, then goes to /cookies", async () => {
    const answer = await httpbin.get("/cookies/set?a=1&b=2&a=3");
    expect([answer.status, field(answer, "location")]).toEqual([302, "/cookies"]);
    expect(answer.headers.get("set-cookie")).toEqual(["a=1; Path=/", "b=2; Path=/"]);
  });

  test("/cookies/set/:name/:value sets one", async () => {
    expect((await httpbin.get("/cookies/set/a/b%3D1")).headers.get("set-cookie")).toEqual(["a=b=1; Path=/"]);
  });

  test("/cookies/delete ends them at once", async () => {
    const [line = ""] = (await httpbin.get("/cookies/delete?a=1")).headers.get("set-cookie") ?? [];
    expect(line.split("; ").sort()).toEqual(["Expires=Thu, 01 Jan 1970 00:00:00 GMT", "Max-Age=0", "Path=/", "a="]);
  });

  test("what cannot be a cookie is refused", async () => {
    for (const path of [
      "/cookies/set?a=x%20y",
      "/cookies/set?a%20b=1",
      "/cookies/set?a=%0d%0a",
      "/cookies/delete?a%3Bb",
    ]) {
      const answer = await httpbin.get(path);
      expect([answer.status, answer.headers.has("set-cookie")]).toEqual([400, false]);
    }
  });
});

describe("credentials", () => {
  test("/basic-auth wants those of its path", async () => {
    const right = await httpbin.get("/basic-auth/us%20er/p%3Aw", basic("us er:p:w"));
    expect(json(right)).toEqual({ authenticated: true, user: "us er" });
    for (const headers of [
      {},
      basic("user:wrong"),
      basic("user"),
      { Authorization: "Basic !" },
      { Authorization: "Bearer x" },
    ]) {
      const wrong = await httpbin.get("/basic-auth/user/passwd", headers);
      expect([wrong.status, field(wrong, "www-authenticate")]).toEqual([401, 'Basic realm="Fake Realm"']);
    }
  });

  test("/hidden-basic-auth hides behind a 404", async () => {
    expect((await httpbin.get("/hidden-basic-auth/user/passwd", basic("user:passwd"))).status).toBe(200);
    const hidden = await httpbin.get("/hidden-basic-auth/user/passwd");
    expect([hidden.status, hidden.headers.has("www-authenticate")]).toEqual([404, false]);
  });

  test("/bearer takes any token", async () => {
    expect(json(await httpbin.get("/bearer", { Authorization: "bearer earnest" }))).toEqual({
      authenticated: true,
      token: "earnest",
    });
    for (const headers of [{}, basic("a:b"), { Authorization: "Bearer" }, { Authorization: "Bearer a b" }]) {
      const answer = await httpbin.get("/bearer", headers);
      expect([answer.status, field(answer, "www-authenticate")]).toEqual([401, "Bearer"]);
    }
  });
});
