import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAuthenticationInfo, parseChallenges } from "../../src/http/challenges.js";

/** Challenges in a form that can be compared. */
const plainly = (value: string) =>
  parseChallenges(value).map(({ scheme, token68, parameters }) => [scheme, token68, Object.fromEntries(parameters)]);

describe("challenges in one field", () => {
  test.each([
    ["", []],
    [" , ,", []],
    ["Basic", [["basic", undefined, {}]]],
    ['BASIC realm="a"', [["basic", undefined, { realm: "a" }]]],
    ["Negotiate YII=", [["negotiate", "YII=", {}]]],
    ["NTLM a/b+c==", [["ntlm", "a/b+c==", {}]]],
    [
      'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
      [
        ["newauth", undefined, { realm: "apps", type: "1", title: 'Login to "apps"' }],
        ["basic", undefined, { realm: "simple" }],
      ],
    ],
    [
      'Negotiate, Basic realm="a, b", , Bearer\terror = "x" ,scope="y z"',
      [
        ["negotiate", undefined, {}],
        ["basic", undefined, { realm: "a, b" }],
        ["bearer", undefined, { error: "x", scope: "y z" }],
      ],
    ],
    [
      "Basic, Digest nonce=n,qop=auth , Negotiate abc",
      [
        ["basic", undefined, {}],
        ["digest", undefined, { nonce: "n", qop: "auth" }],
        ["negotiate", "abc", {}],
      ],
    ],
  ])("%j", (value, expected) => {
    expect(plainly(value)).toEqual(expected);
  });

  test("of two parameters of one name the first counts, in any case of letters", () => {
    expect(plainly('Digest Realm="a", realm="b", NONCE=c')).toEqual([
      ["digest", undefined, { realm: "a", nonce: "c" }],
    ]);
  });

  test("a parameter behind a token68, or behind nothing, belongs to nobody", () => {
    expect(plainly("Negotiate abc, realm=x")).toEqual([["negotiate", "abc", {}]]);
    expect(plainly("realm=x, Basic")).toEqual([["basic", undefined, {}]]);
  });

  test("what is broken is passed over, and what follows it is not counted to the challenge before", () => {
    expect(plainly('Digest realm="a", B@d realm="evil", nonce="evil", Basic realm="b"')).toEqual([
      ["digest", undefined, { realm: "a" }],
      ["basic", undefined, { realm: "b" }],
    ]);
    expect(plainly('Digest realm=a b, nonce="n"')).toEqual([["digest", undefined, { nonce: "n" }]]);
    expect(plainly('Digest realm="open, nonce="n", Basic')).toEqual([["digest", undefined, {}]]);
    expect(plainly('Digest realm="a", nonce="x\\')).toEqual([["digest", undefined, { realm: "a" }]]);
  });

  test("backslashes in quotes are taken away, those of a realm too", () => {
    expect(plainly('Basic realm="DOMAIN\\\\user"')).toEqual([["basic", undefined, { realm: "DOMAIN\\user" }]]);
  });

  test("a scheme named like a property of objects is a scheme", () => {
    expect(plainly("__proto__ constructor=1")).toEqual([["__proto__", undefined, { constructor: "1" }]]);
  });

  test("a very long field takes linear time", () => {
    const started = performance.now();
    parseChallenges(`Digest ${"a=b,".repeat(50_000)}${"x ".repeat(50_000)}`);
    parseChallenges(`${"Basic ,".repeat(50_000)}${'"'.repeat(50_001)}`);
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

describe("Authentication-Info", () => {
  test("is parameters without a scheme", () => {
    const info = parseAuthenticationInfo('nextnonce="n2", qop=auth , rspauth="abc", nc=00000001, broken, cnonce="a,b"');
    expect(Object.fromEntries(info)).toEqual({
      nextnonce: "n2",
      qop: "auth",
      rspauth: "abc",
      nc: "00000001",
      cnonce: "a,b",
    });
  });
});

// Properties.

const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
const token = fc.string({ unit: fc.constantFrom(...TOKEN), minLength: 1, maxLength: 8 });
const token68 = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(..."ABCabc019-._~+/"), minLength: 1, maxLength: 12 }),
    fc.constantFrom("", "=", "=="),
  )
  .map(([text, padding]) => text + padding);
const text = fc.string({ unit: fc.constantFrom(...' !"#\\,;=az\t\x80\xff'), maxLength: 12 });
const space = fc.constantFrom("", " ", "\t", "  ");
const parameters = fc.uniqueArray(fc.tuple(token, fc.oneof(token, text)), { maxLength: 5, selector: ([name]) => name });
const challenge = fc.record({
  scheme: token,
  content: fc.oneof(
    fc.record({ token68, parameters: fc.constant([] as [string, string][]) }),
    fc.record({ token68: fc.constant(undefined), parameters }),
  ),
  spaces: fc.array(space, { minLength: 4, maxLength: 4 }),
});

function written(name: string, value: string, spaces: readonly string[]): string {
  const isPlain = value !== "" && [...value].every((character) => TOKEN.includes(character));
  const content = isPlain ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
  return `${name}${spaces[0]}=${spaces[1]}${content}`;
}

test("whatever was written is read: schemes, parameters in any spacing, token68", () => {
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 5 }), (challenges) => {
      const field = challenges
        .map(({ scheme, content, spaces }) => {
          if (content.token68 !== undefined) return `${scheme} ${content.token68}`;
          const pairs = content.parameters.map(([name, value]) => written(name, value, spaces));
          return `${scheme} ${spaces[2]}${pairs.join(`${spaces[3]}, `)}`;
        })
        .join(" ,");
      expect(parseChallenges(field)).toEqual(
        challenges.map(({ scheme, content }) => ({
          scheme,
          token68: content.token68,
          parameters: new Map(content.parameters),
        })),
      );
    }),
  );
});

test("nothing throws, and what comes out is tokens and what stood in the field", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'Basic=", \\\t@x'), maxLength: 60 }), (field) => {
      for (const { scheme, parameters: found } of parseChallenges(field)) {
        expect(scheme).toMatch(/^[!#$%&'*+\-.^_`|~0-9a-z]+$/);
        for (const name of found.keys()) expect(field.toLowerCase()).toContain(name);
      }
    }),
  );
});
