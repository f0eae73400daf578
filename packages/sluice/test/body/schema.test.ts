import type { StandardSchemaV1 } from "@standard-schema/spec";
import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { Body } from "../../src/body/body.js";
import { isSchema, schemaFirst } from "../../src/body/schema.js";
import { UsageError, ValidationError } from "../../src/errors.js";
import { collect, utf8 } from "./support.js";

interface User {
  readonly name: string;
  readonly age: number;
}

/** A schema written by hand, to the letter of the interface. */
const User: StandardSchemaV1<unknown, User> = {
  "~standard": {
    version: 1,
    vendor: "by hand",
    validate(value) {
      const { name, age } = (value ?? {}) as Record<string, unknown>;
      if (typeof name !== "string") return { issues: [{ message: "Expected a name", path: [{ key: "name" }] }] };
      return { value: { name, age: Number(age) } };
    },
  },
};
const ZodUser = z.object({ name: z.string(), age: z.coerce.number() });
const ValibotUser = v.object({ name: v.string(), age: v.pipe(v.unknown(), v.transform(Number)) });
const Slow: StandardSchemaV1<unknown, string> = {
  "~standard": {
    version: 1,
    vendor: "by hand",
    validate: async (value) => {
      await new Promise((resolve) => setImmediate(resolve));
      return value === "bad" ? { issues: [{ message: "Bad" }] } : { value: `late ${String(value)}` };
    },
  },
};

const of = (value: unknown) => Body.of(utf8(JSON.stringify(value)));

async function refusal(work: Promise<unknown>): Promise<ValidationError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ValidationError);
  return error as ValidationError;
}

describe("json(schema) gives what the schema makes of the value, with its type", () => {
  const sent = { name: "Ada", age: "36" };
  const expected = { name: "Ada", age: 36 };

  test("by hand, zod, valibot", async () => {
    const byHand = await of(sent).json(User);
    const byZod = await of(sent).json(ZodUser);
    const byValibot = await of(sent).json(ValibotUser);
    expect([byHand, byZod, byValibot]).toEqual([expected, expected, expected]);
    expectTypeOf(byHand).toEqualTypeOf<User>();
    expectTypeOf(byZod).toEqualTypeOf<{ name: string; age: number }>();
    expectTypeOf(byValibot).toEqualTypeOf<{ name: string; age: number }>();
  });

  test("without a schema the type is the caller's word, or unknown", async () => {
    const unknown = await of(sent).json();
    const claimed = await of(sent).json<User>({ maxBytes: 100 });
    expectTypeOf(unknown).toEqualTypeOf<unknown>();
    expectTypeOf(claimed).toEqualTypeOf<User>();
  });

  test("an asynchronous schema is waited for", async () => {
    expect(await of("x").json(Slow)).toBe("late x");
    expect((await refusal(of("bad").json(Slow))).message).toContain("Bad");
  });

  test("a schema that is a function is one", async () => {
    const callable = Object.assign(() => undefined, User);
    expect(isSchema(callable)).toBe(true);
    expect(await of(sent).json(callable)).toEqual(expected);
  });

  test("options come after it", async () => {
    await expect(of(sent).json(User, { maxBytes: 3 })).rejects.toMatchObject({ code: "body/too-large" });
  });

  test("what is not JSON never gets to it", async () => {
    await expect(Body.of(utf8("{")).json(User)).rejects.toMatchObject({ code: "body/invalid-json" });
  });

  test("an error of the schema's own goes on as it is", async () => {
    const fault = new RangeError("mine");
    const throwing: StandardSchemaV1 = {
      "~standard": {
        version: 1,
        vendor: "by hand",
        validate() {
          throw fault;
        },
      },
    };
    await expect(of(1).json(throwing)).rejects.toBe(fault);
  });
});

describe("ValidationError", () => {
  test("says where and what, and has the issues", async () => {
    const Team = z.object({ members: z.array(ZodUser), "odd key": z.string() });
    const error = await refusal(
      of({
        members: [
          { name: "Ada", age: 1 },
          { name: 5, age: 1 },
        ],
      }).json(Team),
    );
    expect(error).toMatchObject({ name: "ValidationError", code: "body/schema-mismatch" });
    expect(error.message).toMatch(
      /^Cannot take the body: it does not match the schema: members\[1\]\.name: .+string.+; \["odd key"\]: /,
    );
    expect(error.issues.map(({ path }) => path)).toEqual([["members", 1, "name"], ["odd key"]]);
  });

  test("names the first three of many issues", async () => {
    const error = await refusal(of([1, 2, 3, 4, 5]).json(z.array(z.string())));
    expect(error.issues).toHaveLength(5);
    expect(error.message).toContain("[2]: ");
    expect(error.message).not.toContain("[3]: ");
    expect(error.message).toMatch(/; and 2 more \(see `issues`\)$/);
  });

  test("never shows a whole value, however a library words it, and stays one line", async () => {
    const long = `first\nsecond ${"x".repeat(10_000)}`;
    const error = await refusal(of({ key: long }).json(v.object({ key: v.literal("a") })));
    expect(error.message.length).toBeLessThan(400);
    expect(error.message).not.toContain("\n");
    expect(JSON.stringify(error).length).toBeLessThan(600);
    const path = Array.from({ length: 100 }, (_, index) => ({ key: `${index}-${"k".repeat(500)}` }));
    const deep: StandardSchemaV1 = {
      "~standard": { version: 1, vendor: "by hand", validate: () => ({ issues: [{ message: "No", path }] }) },
    };
    expect((await refusal(of(1).json(deep))).message.length).toBeLessThan(1_200);
  });

  test("is recognised across copies of the package by its brand", async () => {
    const error = await refusal(of(1).json(User));
    expect(Object.create(null) instanceof ValidationError).toBe(false);
    expect(error.stack?.split("\n")[0]).toBe(`ValidationError: ${error.message}`);
  });
});

describe("jsonLines(schema)", () => {
  test("types and validates each value", async () => {
    const body = Body.of(utf8('{"name":"a","age":"1"}\n{"name":"b","age":2}\n'));
    const users = body.jsonLines(ZodUser);
    expectTypeOf(users).toEqualTypeOf<AsyncIterableIterator<{ name: string; age: number }, undefined>>();
    expect(await collect(users)).toEqual([
      { name: "a", age: 1 },
      { name: "b", age: 2 },
    ]);
    expectTypeOf(Body.empty().jsonLines<User>()).toEqualTypeOf<AsyncIterableIterator<User, undefined>>();
  });

  test("an error names the line; the values before it are given first", async () => {
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const user of Body.of(utf8('{"name":"a"}\n\n{"name":1}\n')).jsonLines(User)) seen.push(user);
    })();
    expect((await refusal(reading)).message).toMatch(/^Cannot take line 3: .+name: Expected a name$/);
    expect(seen).toHaveLength(1);
  });

  test("asynchronous schemas keep the order", async () => {
    expect(await collect(Body.of(utf8("1\n2\n3\n")).jsonLines(Slow))).toEqual(["late 1", "late 2", "late 3"]);
  });
});

test("what is neither a schema nor options is refused by name", () => {
  for (const wrong of ["x", 5, true, null, () => 1]) {
    expect(() => schemaFirst(wrong as unknown as object, undefined)).toThrow(UsageError);
  }
  expect(schemaFirst(undefined, undefined)).toEqual({ schema: undefined, options: undefined });
});
