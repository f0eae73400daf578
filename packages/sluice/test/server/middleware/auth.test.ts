import { describe, expect, test, vi } from "vitest";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import { type BasicAuthOptions, basicAuth } from "../../../src/server/middleware/auth/basic-auth.js";
import { type BearerAuthOptions, bearerAuth } from "../../../src/server/middleware/auth/bearer-auth.js";
import type { Middleware } from "../../../src/server/middleware-chain.js";
import { ask } from "../fake-exchange.js";

async function answerTo(middleware: Middleware, authorization?: string) {
  const app = new Application({ onError: () => undefined });
  const handler = vi.fn(() => "in");
  app.get("/", [middleware], handler);
  const answer = await ask(app.dispatch, "GET", "/", {
    fields: authorization === undefined ? [] : ["Authorization", authorization],
  });
  expect(handler).toHaveBeenCalledTimes(answer.status === 200 ? 1 : 0);
  return { status: answer.status, challenge: answer.headers["www-authenticate"], text: answer.text };
}

const basic = (text: string) => `Basic ${Buffer.from(text, "utf8").toString("base64")}`;
const USERS: BasicAuthOptions = { users: { ada: "pa:ss wörd", "": "empty", constructor: "c" } };
const CHALLENGE = 'Basic realm="Restricted", charset="UTF-8"';

describe("basicAuth", () => {
  test.each<[string, string]>([
    ["a name and its password, colons and UTF-8 included", basic("ada:pa:ss wörd")],
    ["the scheme in any case, after any number of spaces", basic("ada:pa:ss wörd").replace("Basic ", "bASIC   ")],
    ["no padding", basic("ada:pa:ss wörd").replace(/=+$/, "")],
    ["an empty name", basic(":empty")],
    ["a name that objects have, too", basic("constructor:c")],
  ])("lets in %s", async (_name, authorization) => {
    expect((await answerTo(basicAuth(USERS), authorization)).status).toBe(200);
  });

  test.each<[string, string | undefined]>([
    ["nothing", undefined],
    ["another scheme", "Bearer abc"],
    ["a scheme that begins alike", basic("ada:pa:ss wörd").replace("Basic", "Basics")],
    ["no credentials", "Basic"],
    ["what is not base64", "Basic !!!!"],
    ["base64 with something behind it", `${basic("ada:pa:ss wörd")} x`],
    ["base64 with bits left over", "Basic YWRhOnh="],
    ["no colon", basic("ada")],
    ["a control character", basic("ada:pa:ss wörd\n")],
    ["what is not UTF-8", `Basic ${Buffer.from("ada:pa:ss w\xf6rd", "latin1").toString("base64")}`],
    ["a wrong password", basic("ada:pa:ss word")],
    ["an empty password", basic("ada:")],
    ["an unknown user", basic("bob:pa:ss wörd")],
    ["an unknown user without password", basic("bob:")],
    ["a name of every object's", basic("toString:")],
  ])("answers 401 and a challenge to %s", async (_name, authorization) => {
    expect(await answerTo(basicAuth(USERS), authorization)).toMatchObject({ status: 401, challenge: CHALLENGE });
  });

  test("asks verify, at once or by promise, and gives handlers the user", async () => {
    const app = new Application();
    const key = app.key<{ id: number } | string>("user");
    const verify = async (name: string, password: string) => (password === "s" ? { id: name.length } : undefined);
    app.get("/", [basicAuth({ verify, key })], (request) => ({ user: request.get(key) }));
    const given = { fields: ["Authorization", basic("ada:s")] };
    expect((await ask(app.dispatch, "GET", "/", given)).text).toBe('{"user":{"id":3}}');
  });

  test("gives the name where the check only says yes", async () => {
    const app = new Application();
    const key = app.key<string>("user");
    app.get("/", [basicAuth({ users: { ada: "s" }, key })], (request) => request.get(key));
    expect((await ask(app.dispatch, "GET", "/", { fields: ["Authorization", basic("ada:s")] })).text).toBe("ada");
  });

  test.each([false, null, undefined])("takes %s for no", async (verdict) => {
    expect((await answerTo(basicAuth({ verify: () => verdict }), basic("a:b"))).status).toBe(401);
  });

  test("an error of verify's is the answer", async () => {
    const verify = () => {
      throw new HttpError(429, "too many tries");
    };
    expect((await answerTo(basicAuth({ verify }), basic("a:b"))).status).toBe(429);
  });

  test("the realm is quoted", async () => {
    expect((await answerTo(basicAuth({ ...USERS, realm: 'the "vault"' }))).challenge).toBe(
      'Basic realm="the \\"vault\\"", charset="UTF-8"',
    );
  });

  test.each<[string, object, string]>([
    ["neither users nor verify", {}, "options/unknown-value"],
    ["both", { users: {}, verify: () => true }, "options/unknown-value"],
    ["a verify that is no function", { verify: "yes" }, "options/unknown-value"],
    ["a realm that no field can carry", { users: {}, realm: "a\nb" }, "options/unknown-value"],
    ["a name with a colon, which nobody can send", { users: { "a:b": "c" } }, "options/unknown-value"],
    ["a password with a line end", { users: { ada: "c\n" } }, "options/unknown-value"],
    ["a user without a password", { users: { ada: undefined } }, "options/unknown-value"],
    ["unknown options", { users: {}, relm: "x" }, "options/unknown"],
  ])("refuses %s", (_name, options, code) => {
    expect(() => basicAuth(options as BasicAuthOptions)).toThrow(expect.objectContaining({ code }));
  });
});

describe("bearerAuth", () => {
  const options: BearerAuthOptions = { tokens: ["first", "se.co-nd=="], realm: "api" };

  test.each(["Bearer first", "bearer se.co-nd=="])("lets in %s", async (authorization) => {
    expect((await answerTo(bearerAuth(options), authorization)).status).toBe(200);
  });

  test.each<[string, string | undefined, number, string]>([
    ["nothing: no error code (RFC 6750 §3.1)", undefined, 401, 'Bearer realm="api"'],
    ["another scheme", basic("a:b"), 401, 'Bearer realm="api"'],
    ["a bad token", "Bearer third", 401, 'Bearer realm="api", error="invalid_token"'],
    ["a token that a good one begins with", "Bearer firs", 401, 'Bearer realm="api", error="invalid_token"'],
    ["no token", "Bearer", 400, 'Bearer realm="api", error="invalid_request"'],
    ["two tokens", "Bearer a b", 400, 'Bearer realm="api", error="invalid_request"'],
    ["parameters", 'Bearer token="first"', 400, 'Bearer realm="api", error="invalid_request"'],
  ])("refuses %s", async (_name, authorization, status, challenge) => {
    expect(await answerTo(bearerAuth(options), authorization)).toMatchObject({ status, challenge });
  });

  test("names the scope, and nothing where there is nothing to name", async () => {
    expect((await answerTo(bearerAuth({ tokens: [], scope: "read write" }))).challenge).toBe(
      'Bearer scope="read write"',
    );
    expect((await answerTo(bearerAuth({ tokens: [] }))).challenge).toBe("Bearer");
  });

  test("asks verify and gives handlers what it gave", async () => {
    const app = new Application();
    const key = app.key<{ sub: string }>("claims");
    app.get("/", [bearerAuth({ verify: async (token) => ({ sub: token }), key })], (request) => request.get(key).sub);
    expect((await ask(app.dispatch, "GET", "/", { fields: ["Authorization", "Bearer t0k"] })).text).toBe("t0k");
  });

  test("answers never show the token", async () => {
    expect(JSON.stringify(await answerTo(bearerAuth(options), "Bearer s3cret"))).not.toContain("s3cret");
  });

  test.each<[string, object, string]>([
    ["neither tokens nor verify", {}, "options/unknown-value"],
    ["both", { tokens: [], verify: () => true }, "options/unknown-value"],
    ["an empty token", { tokens: ["good", ""] }, "options/unknown-value"],
    ["a token with a space, which nobody can send", { tokens: ["a b"] }, "options/unknown-value"],
    ["a token that is none", { tokens: [undefined] }, "options/unknown-value"],
    ["a scope with a quote", { tokens: [], scope: 'a"b' }, "options/unknown-value"],
    ["unknown options", { tokens: [], scopes: [] }, "options/unknown"],
  ])("refuses %s", (_name, given, code) => {
    expect(() => bearerAuth(given as BearerAuthOptions)).toThrow(expect.objectContaining({ code }));
  });
});
