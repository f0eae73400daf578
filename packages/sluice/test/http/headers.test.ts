import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { HttpHeaders } from "../../src/http/headers.js";

/** As many lines as make `HttpHeaders` use its index. */
const MANY = Array.from({ length: 40 }, (_, index) => [`X-${index}`, String(index)]).flat();

describe("headers", () => {
  test.each([
    ["few", [] as string[]],
    ["many", MANY],
  ])("with %s lines answer by name in any case, joined or each by itself", (_, more) => {
    const headers = HttpHeaders.fromFields([
      "Accept",
      "a",
      "ACCEPT",
      "b",
      "Set-Cookie",
      "c=1",
      "set-cookie",
      "d=2",
      ...more,
    ]);
    expect(headers.get("accept")).toBe("a, b");
    expect(headers.get("aCCept")).toBe("a, b");
    expect(headers.getAll("Accept")).toEqual(["a", "b"]);
    expect(headers.get("absent")).toBeNull();
    expect(headers.getAll("absent")).toEqual([]);
    expect([headers.has("SET-cookie"), headers.has("absent")]).toEqual([true, false]);
    expect(headers.getSetCookie()).toEqual(["c=1", "d=2"]);
    expect(headers.get("set-cookie")).toBe("c=1, d=2");
  });

  test("are made of pairs, records, Headers and themselves", () => {
    const expected = [
      ["a", "1, 2"],
      ["b", "3"],
    ];
    const pairs = [
      ["b", "3"],
      ["A", "1"],
      ["a", "2"],
    ];
    for (const source of [
      pairs,
      new Map([
        ["b", "3"],
        ["a", "1, 2"],
      ]),
      { b: "3", a: ["1", "2"], c: undefined },
      new Headers([
        ["a", "1"],
        ["b", "3"],
        ["a", "2"],
      ]),
      new HttpHeaders(pairs),
    ]) {
      expect([...new HttpHeaders(source)]).toEqual(expected);
    }
    expect([...new HttpHeaders()]).toEqual([]);
  });

  test("are copied, not shared, when made of other headers", () => {
    const first = new HttpHeaders({ a: "1" });
    const second = new HttpHeaders(first);
    second.set("a", "2");
    expect([first.get("a"), second.get("a")]).toEqual(["1", "2"]);
  });

  test("refuse what is no pair, no token, no string or no field value", () => {
    const code = (call: () => unknown): unknown => {
      try {
        return call();
      } catch (error) {
        return error instanceof UsageError ? error.code : error;
      }
    };
    expect(code(() => new HttpHeaders([["a"]]))).toBe("headers/pair-invalid");
    expect(code(() => new HttpHeaders([["a", "b", "c"]]))).toBe("headers/pair-invalid");
    for (const name of ["", "a b", "a:", "ä", "a\n"]) {
      for (const call of ["get", "getAll", "has", "delete"] as const) {
        expect(code(() => new HttpHeaders()[call](name))).toBe("headers/name-invalid");
      }
      expect(code(() => new HttpHeaders([[name, "x"]]))).toBe("headers/name-invalid");
      expect(code(() => new HttpHeaders().set(name, "x"))).toBe("headers/name-invalid");
    }
    for (const value of ["a\nb", "a\rb", "a\0b", "\x01", "a\x7fb", "\u0100"]) {
      expect(code(() => new HttpHeaders().append("a", value))).toBe("headers/value-invalid");
      expect(code(() => new HttpHeaders().set("a", value))).toBe("headers/value-invalid");
    }
    expect(code(() => new HttpHeaders({ a: 5 as unknown as string[] }))).not.toBeUndefined();
    expect(code(() => new HttpHeaders().set("a", 5 as unknown as string))).toBe("headers/value-invalid");
  });

  test("drop whitespace around values", () => {
    expect(new HttpHeaders({ a: " \t b c \r\n" }).get("a")).toBe("b c");
    expect(new HttpHeaders({ a: " \t " }).get("a")).toBe("");
  });

  test("keep order and case in raw, and replace in place", () => {
    const headers = HttpHeaders.fromFields(["B", "1", "a", "2", "b", "3", "C", "4"]);
    headers.set("b", "5");
    expect(headers.raw).toEqual(["b", "5", "a", "2", "C", "4"]);
    headers.set("D", "6");
    headers.append("A", "7");
    expect(headers.raw).toEqual(["b", "5", "a", "2", "C", "4", "D", "6", "A", "7"]);
    headers.delete("a");
    headers.delete("absent");
    expect(headers.raw).toEqual(["b", "5", "C", "4", "D", "6"]);
  });

  test("wrap received fields without copying, and copy them before the first change", () => {
    const fields = ["a", "1"];
    const headers = HttpHeaders.fromFields(fields);
    expect(headers.raw).toBe(fields);
    headers.append("b", "2");
    expect(fields).toEqual(["a", "1"]);
    expect(headers.raw).toEqual(["a", "1", "b", "2"]);
  });

  test("that are immutable refuse every change", () => {
    const headers = HttpHeaders.fromFields(["a", "1"], { immutable: true });
    for (const change of [
      () => headers.set("a", "2"),
      () => headers.append("a", "2"),
      () => headers.delete("a"),
      () => headers.delete("b"),
    ]) {
      expect(change).toThrow(expect.objectContaining({ code: "headers/immutable" }));
    }
    expect(new HttpHeaders(headers).raw).toEqual(["a", "1"]);
  });

  test("answer anew after a change, indexed or not", () => {
    const headers = HttpHeaders.fromFields(MANY);
    expect(headers.get("x-39")).toBe("39");
    headers.set("x-39", "changed");
    headers.append("x-1", "more");
    headers.delete("x-2");
    expect([headers.get("X-39"), headers.get("x-1"), headers.has("x-2")]).toEqual(["changed", "1, more", false]);
  });

  test("iterate in sorted order, with Set-Cookie by itself, and call back likewise", () => {
    const headers = HttpHeaders.fromFields([
      "Set-Cookie",
      "b=1",
      "X",
      "1",
      "Accept",
      "a",
      "set-cookie",
      "a=2",
      "x",
      "2",
    ]);
    const expected = [
      ["accept", "a"],
      ["set-cookie", "b=1"],
      ["set-cookie", "a=2"],
      ["x", "1, 2"],
    ];
    expect([...headers]).toEqual(expected);
    expect([...headers.entries()]).toEqual(expected);
    expect([...headers.keys()]).toEqual(expected.map(([name]) => name));
    expect([...headers.values()]).toEqual(expected.map(([, value]) => value));
    const called: unknown[] = [];
    headers.forEach(function (this: unknown, value, name, given) {
      called.push([name, value]);
      expect([this, given]).toEqual(["self", headers]);
    }, "self");
    expect(called).toEqual(expected);
  });

  test("hide secrets in JSON and inspect, and show the rest", () => {
    const fields = [
      "Authorization",
      "Bearer planted",
      "cookie",
      "planted",
      "Set-Cookie",
      "planted=1",
      "X-Key",
      "planted",
    ];
    const headers = HttpHeaders.fromFields([...fields, "Proxy-Authorization", "planted", "Host", "a", "host", "b"], {
      secretNames: new Set(["x-key"]),
    });
    for (const shown of [JSON.stringify(headers), inspect(headers), inspect({ headers }, { depth: 5 }), `${headers}`]) {
      expect(shown).not.toContain("planted");
    }
    expect(headers.toJSON()).toMatchObject({ authorization: "…", "set-cookie": ["…"], host: "a, b" });
    expect(inspect(headers)).toMatch(/^HttpHeaders \{.*host: 'a, b'/s);
    expect(inspect({ a: { b: { c: headers } } }, { depth: 2 })).toContain("[HttpHeaders]");
  });

  test("with a field called __proto__ are harmless", () => {
    const headers = HttpHeaders.fromFields(["__proto__", "x"]);
    expect(headers.get("__proto__")).toBe("x");
    expect(Object.keys(headers.toJSON())).toEqual(["__proto__"]);
  });

  test("go where HeadersInit is asked for", async () => {
    const headers = new HttpHeaders({ "x-a": ["1", "2"] });
    const request: RequestInit = { headers };
    expect(new Headers(headers).get("x-a")).toBe("1, 2");
    expect(new Request("http://example.com/", request).headers.get("x-a")).toBe("1, 2");
    expect(new Response(null, { headers }).headers.get("X-A")).toBe("1, 2");
  });

  test("behave as Headers does, whatever is done to them", () => {
    const name = fc.constantFrom("a", "A", "b", "set-cookie", "Set-Cookie", "accept", "c");
    const value = fc.constantFrom("", "1", " 2 ", "a, b", "x=1; y");
    const step = fc.tuple(fc.constantFrom("append", "set", "delete"), name, value);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ours = new HttpHeaders();
        const theirs = new Headers();
        for (const [action, key, text] of steps) {
          for (const headers of [ours, theirs]) {
            if (action === "append") headers.append(key, text);
            else if (action === "set") headers.set(key, text);
            else headers.delete(key);
          }
        }
        expect([...ours]).toEqual([...theirs]);
        for (const key of ["A", "set-cookie", "accept", "absent"]) {
          expect(ours.get(key)).toEqual(theirs.get(key));
          expect(ours.has(key)).toBe(theirs.has(key));
        }
        expect(ours.getSetCookie()).toEqual(theirs.getSetCookie());
      }),
    );
  });
});
