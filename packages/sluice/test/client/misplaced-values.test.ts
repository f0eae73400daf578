/** Values of the wrong kind, as plain JavaScript can give them: refused by name, before anything is sent. */
import { describe, expect, test } from "vitest";
import { ClientSession } from "../../src/client/session.js";

const URL_NOBODY_HEARS = "http://127.0.0.1:9/";

/** The error of one GET with these options. */
async function refusal(options: object): Promise<unknown> {
  await using session = new ClientSession();
  return await session.get(URL_NOBODY_HEARS, options).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a header", () => {
  test.each([5, true, null, Number.NaN, { b: 1 }, [7], Symbol("x")])("of %s is refused, by its name", async (value) => {
    const code = "headers/value-invalid";
    const message = expect.stringContaining("x-count");
    expect(await refusal({ headers: { "x-count": value } })).toMatchObject({ code, message });
    const session = () =>
      new ClientSession({ headers: { "x-count": value } as Record<string, unknown> as Record<string, string> });
    expect(session).toThrow(expect.objectContaining({ code, message }));
  });
});

describe("a parameter", () => {
  test.each([
    ...[{ b: 1 }, [[1, 2]], () => 1, Symbol("x"), null, [undefined, 1], new Date(0)],
    ...[Number.NaN, Number.POSITIVE_INFINITY, [1, Number.NEGATIVE_INFINITY]],
  ])("of %s is refused, by its name, in a form as well", async (value) => {
    const refused = { code: "options/unknown-value", message: expect.stringContaining('"page"') };
    expect(await refusal({ params: { page: value } })).toMatchObject(refused);
    expect(await refusal({ form: { page: value } })).toMatchObject(refused);
  });

  test.each([null, undefined, Number.NaN, {}])(
    "of %s is refused in a list of pairs and in a Map, too",
    async (value) => {
      const refused = { code: "options/unknown-value", message: expect.stringContaining('"page"') };
      expect(await refusal({ params: [["page", value]] })).toMatchObject(refused);
      expect(await refusal({ params: new Map([["page", value]]) })).toMatchObject(refused);
    },
  );

  test("may be absent, a number, a boolean or a bigint", async () => {
    const error = await refusal({ params: { a: undefined, b: 1, c: true, d: 2n, e: ["x", 3] } });
    expect(error).toMatchObject({ code: "connect/refused" });
  });
});
