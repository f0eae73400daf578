import type { StandardSchemaV1 } from "@standard-schema/spec";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { ValidationError } from "../../src/errors.js";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import { valuesByName } from "../../src/server/request/field-values.js";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import { MAX_LISTED_ISSUES } from "../../src/server/request/validation.js";
import { ask, type FakeRequest } from "./fake-exchange.js";

const JSON_TYPE = ["Content-Type", "application/json"];
const FORM_TYPE = ["Content-Type", "application/x-www-form-urlencoded"];

const ZodUser = z.object({
  name: z.string().min(2),
  age: z.number(),
  address: z.object({ city: z.string() }),
  tags: z.array(z.string()).default([]),
});
const ValibotUser = v.object({
  name: v.pipe(v.string(), v.minLength(2)),
  age: v.number(),
  address: v.object({ city: v.string() }),
  tags: v.optional(v.array(v.string()), []),
});
const GOOD = { name: "Ada", age: 36, address: { city: "London" } };
const BAD = { name: "A", age: "hunter2", address: { city: 7 }, tags: ["ok", 1, 2] };
const BAD_POINTERS = ["#/address/city", "#/age", "#/name", "#/tags/1", "#/tags/2"];

/** A schema that does whatever `validate` does. */
function schemaOf(
  check: (value: unknown) => StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>,
) {
  const schema: StandardSchemaV1<unknown, unknown> = {
    "~standard": { version: 1, vendor: "test", validate: check },
  };
  return schema;
}

async function answer(read: (request: ServerRequest) => Promise<unknown>, given: FakeRequest, target = "/") {
  const errors: unknown[] = [];
  const app = new Application({ onError: (error) => errors.push(error) });
  app.post("/", async (request) => ({ read: await read(request) }));
  app.post("/users/:id/:tab", async (request) => ({ read: await read(request) }));
  const { status, headers, text } = await ask(app.dispatch, "POST", target, given);
  return { status, headers, body: JSON.parse(text), text, errors };
}

const postJson = (schema: StandardSchemaV1, value: unknown) =>
  answer((request) => request.json(schema), { fields: JSON_TYPE, body: JSON.stringify(value) });

const pointersOf = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer).sort();

describe("json(schema)", () => {
  test.each([
    ["zod", ZodUser],
    ["valibot", ValibotUser],
  ])("%s: gives what the schema makes of the body", async (_name, schema) => {
    const { status, body } = await postJson(schema, GOOD);
    expect([status, body.read]).toEqual([200, { ...GOOD, tags: [] }]);
  });

  test("has the type of the schema's output", () => {
    const read = async (request: ServerRequest) => request.json(ZodUser);
    expectTypeOf(read).returns.resolves.toEqualTypeOf<z.output<typeof ZodUser>>();
    const optioned = async (request: ServerRequest) => request.json(ValibotUser, { maxSize: 10 });
    expectTypeOf(optioned).returns.resolves.toEqualTypeOf<v.InferOutput<typeof ValibotUser>>();
  });

  test.each([
    ["zod", ZodUser],
    ["valibot", ValibotUser],
  ])("%s: lists every failing path in a 422 problem document", async (_name, schema) => {
    const { status, headers, body } = await postJson(schema, BAD);
    expect([status, headers["content-type"]]).toEqual([422, "application/problem+json"]);
    expect(body).toMatchObject({ status: 422, title: "Unprocessable Content" });
    expect(body.detail).toBe("The request's body cannot be used as sent: 5 problems");
    expect(pointersOf(body)).toEqual(BAD_POINTERS);
    for (const error of body.errors)
      expect(error).toEqual({ in: "body", pointer: error.pointer, detail: expect.any(String) });
  });

  test.each([
    ["zod", (keys: readonly string[]) => z.object(Object.fromEntries(keys.map((key) => [key, z.number()])))],
    ["valibot", (keys: readonly string[]) => v.object(Object.fromEntries(keys.map((key) => [key, v.number()])))],
  ])("%s: whatever fails is listed, each member under its own pointer", async (_name, schemaFor) => {
    const keys = fc.uniqueArray(
      fc.string({ minLength: 1, maxLength: 12 }).filter((key) => key !== "__proto__"),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(keys, fc.func(fc.boolean()), async (names, isGood) => {
        const value = Object.fromEntries(names.map((name) => [name, isGood(name) ? 1 : "no"]));
        const expected = names.filter((name) => value[name] !== 1);
        const { status, body } = await postJson(schemaFor(names), value);
        expect(status).toBe(expected.length === 0 ? 200 : 422);
        const pointers = expected.map(
          (name) => `#/${encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))}`,
        );
        expect(status === 200 ? [] : pointersOf(body)).toEqual(pointers.sort());
      }),
      { numRuns: 60 },
    );
  });

  test("a schema may take its time", async () => {
    const slow = schemaOf(async (value) => {
      await new Promise((resolve) => setImmediate(resolve));
      return value === 1 ? { value: "one" } : { issues: [{ message: "Not one" }] };
    });
    expect((await postJson(slow, 1)).body.read).toBe("one");
    const refused = await postJson(slow, 2);
    expect([refused.status, refused.body.errors]).toEqual([422, [{ in: "body", pointer: "#", detail: "Not one" }]]);
  });

  test.each([
    ["throws", schemaOf(() => { throw new TypeError("secret state"); })], // biome-ignore format: one a line
    ["rejects", schemaOf(() => Promise.reject(new TypeError("secret state")))],
  ])("a schema that %s is the server's fault", async (_how, schema) => {
    const { status, text, errors } = await postJson(schema, 1);
    expect([status, errors]).toEqual([500, [new TypeError("secret state")]]);
    expect(text).not.toContain("secret state");
  });

  test("malformed JSON is 400 with its position before any schema sees it", async () => {
    const { status, body } = await answer((request) => request.json(ZodUser), {
      fields: JSON_TYPE,
      body: '{"name": }',
    });
    expect([status, body.detail]).toEqual([400, expect.stringContaining("character 9 of 10")]);
  });

  test.each(["zod", 7, null])("%j in place of a schema is refused by name", async (given) => {
    const { status, errors } = await postJson(given as never, 1);
    expect([status, errors]).toEqual([500, [expect.objectContaining({ code: "options/unknown-value" })]]);
  });

  test("the error that a middleware catches has the issues as the schema gave them", async () => {
    const app = new Application();
    app.use(async (_request, next) => {
      try {
        return await next();
      } catch (error) {
        if (!(error instanceof HttpError) || !(error.cause instanceof ValidationError)) throw error;
        return { status: error.status, code: error.code, paths: error.cause.issues.map(({ path }) => path) };
      }
    });
    app.post("/", async (request) => request.json(ZodUser));
    const { text } = await ask(app.dispatch, "POST", "/", {
      fields: JSON_TYPE,
      body: JSON.stringify({ ...GOOD, age: "x" }),
    });
    expect(JSON.parse(text)).toEqual({ status: 422, code: "server/schema-mismatch", paths: [["age"]] });
  });

  test("a body with very many faults has a thousand of them listed, and the rest counted", async () => {
    const { status, body } = await postJson(z.array(z.string()), new Array(MAX_LISTED_ISSUES + 5).fill(1));
    expect(status).toBe(422);
    expect([body.errors.length, body.unlistedErrors]).toEqual([MAX_LISTED_ISSUES, 5]);
    const exact = await postJson(z.array(z.string()), new Array(MAX_LISTED_ISSUES).fill(1));
    expect([exact.body.errors.length, exact.body.unlistedErrors]).toEqual([MAX_LISTED_ISSUES, undefined]);
  });
});

describe("what a 422 says", () => {
  test("no value, though valibot's wording quotes it", async () => {
    const schema = v.object({ a: v.number(), b: v.number(), c: v.string(), d: v.string(), e: v.literal("x") });
    const sent = { a: "hunter2", b: 'a"b', c: 4711, d: true, e: "s3cret" };
    const { text } = await postJson(schema, sent);
    for (const secret of ["hunter2", 'a\\"b', "4711", "true", "s3cret"]) expect(text).not.toContain(secret);
  });

  test("no value, however the schema words it", async () => {
    for (const wording of ["got 'hunter2'", "`hunter2` is no number", "hunter2!", '"hunter2"', "xhunter2x"]) {
      const schema = schemaOf(() => ({ issues: [{ message: wording, path: ["password"] }] }));
      expect((await postJson(schema, { password: "hunter2" })).text).not.toContain("hunter2");
    }
  });

  test("a short value stays where it could be any word", async () => {
    const schema = schemaOf(() => ({ issues: [{ message: "This is not enough", path: ["word"] }] }));
    expect((await postJson(schema, { word: "is" })).body.errors[0].detail).toBe("This is not enough");
  });

  test("long wordings and member names are cut, half characters replaced", async () => {
    const path = ["n".repeat(5_000), "\ud800", { key: 3 }, Symbol("sym")];
    const schema = schemaOf(() => ({ issues: [{ message: "m".repeat(5_000), path }] }));
    const [error] = (await postJson(schema, {})).body.errors;
    expect(error.detail).toBe(`${"m".repeat(200)}…`);
    expect(error.pointer).toBe(`#/${"n".repeat(100)}%E2%80%A6/%EF%BF%BD/3/Symbol(sym)`);
  });
});

describe("valid()", () => {
  const Page = z.object({ page: z.coerce.number().int().min(1), q: z.string().optional() });

  test("gives what the schema makes of the query; its fields reach the schema as text", async () => {
    const seen: unknown[] = [];
    const spy = schemaOf((value) => {
      seen.push(value);
      return { value };
    });
    await answer((request) => request.valid("query", spy), {}, "/?page=7&on=true&none=&t=a&t=b");
    expect(seen).toEqual([{ page: "7", on: "true", none: "", t: ["a", "b"] }]);
    const { body } = await answer((request) => request.valid("query", Page), {}, "/?page=7");
    expect(body.read).toEqual({ page: 7 });
  });

  test("nothing is coerced that the schema does not", async () => {
    const { status, body } = await answer(
      (request) => request.valid("query", z.object({ page: z.number() })),
      {},
      "/?page=7",
    );
    expect([status, pointersOf(body)]).toEqual([422, ["#/page"]]);
  });

  test("lists are lists however often a name occurs", async () => {
    const Tags = z.object({ tag: z.array(z.string()) });
    const read = (request: ServerRequest) => request.valid("query", Tags, { lists: ["tag"] });
    for (const [query, tags] of [
      ["", []],
      ["?tag=a", ["a"]],
      ["?tag=a&tag=b", ["a", "b"]],
    ] as const) {
      expect((await answer(read, {}, `/${query}`)).body.read).toEqual({ tag: tags });
    }
  });

  test("checks parameters of the path, headers and cookies as well", async () => {
    const Params = z.object({ id: z.string().regex(/^\d+$/), tab: z.string() });
    expect((await answer((request) => request.valid("params", Params), {}, "/users/7/a%20b")).body.read).toEqual({
      id: "7",
      tab: "a b",
    });
    const refused = await answer((request) => request.valid("params", Params), {}, "/users/x/y");
    expect([refused.status, refused.body.errors[0]]).toMatchObject([422, { in: "params", pointer: "#/id" }]);
    const fields = ["X-Key", "a", "x-key", "b", "Cookie", "sid=1; theme=dark"];
    const Headers = z.object({ "x-key": z.string() });
    expect((await answer((request) => request.valid("headers", Headers), { fields })).body.read).toEqual({
      "x-key": "a, b",
    });
    const Cookies = z.object({ theme: z.enum(["dark", "light"]) });
    expect((await answer((request) => request.valid("cookies", Cookies), { fields })).body.read).toEqual({
      theme: "dark",
    });
  });

  test("has the type of the schema's output", () => {
    const read = async (request: ServerRequest) => request.valid("query", Page);
    expectTypeOf(read).returns.resolves.toEqualTypeOf<z.output<typeof Page>>();
  });

  test("another part is refused by name", async () => {
    const { errors } = await answer((request) => request.valid("body" as never, Page), {});
    expect(errors).toEqual([expect.objectContaining({ code: "options/unknown-value" })]);
  });

  test("no name of a field is more than a name", () => {
    const values = valuesByName([
      ["__proto__", "a"],
      ["constructor", "b"],
      ["__proto__", "c"],
    ]);
    expect(Object.getPrototypeOf(values)).toBe(Object.prototype);
    expect(Object.entries(values)).toEqual([
      ["__proto__", ["a", "c"]],
      ["constructor", "b"],
    ]);
  });
});

describe("form(schema)", () => {
  const Form = z.object({ name: z.string(), color: z.array(z.string()), age: z.string().transform(Number) });

  test("checks an urlencoded form as texts", async () => {
    const given = { fields: FORM_TYPE, body: "name=Ada&color=red&color=blue&age=36" };
    const { body } = await answer((request) => request.form(Form), given);
    expect(body.read).toEqual({ name: "Ada", color: ["red", "blue"], age: 36 });
  });

  test("refuses with the same problem document", async () => {
    const given = { fields: FORM_TYPE, body: "name=Ada&color=red" };
    const { status, body } = await answer((request) => request.form(Form), given);
    expect([status, pointersOf(body)]).toEqual([422, ["#/age", "#/color"]]);
    const listed = await answer((request) => request.form(Form, { lists: ["color"] }), given);
    expect(pointersOf(listed.body)).toEqual(["#/age"]);
  });

  test("another media type is 415, too many fields 400", async () => {
    const other = await answer((request) => request.form(Form), { fields: JSON_TYPE, body: "{}" });
    expect(other.status).toBe(415);
    const many = await answer((request) => request.form(Form, { maxFields: 2 }), {
      fields: FORM_TYPE,
      body: "a=1&b=2&c=3",
    });
    expect(many.status).toBe(400);
  });
});
