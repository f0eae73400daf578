import { describe, expect, test } from "vitest";
import { DEFLATE_DEFAULTS, type DeflateOptions, resolveDeflate } from "../../src/websocket/deflate-options.js";
import { type Extension, formatExtension, parseExtensions } from "../../src/websocket/extensions.js";
import { acceptDeflate, agreeDeflate, offerDeflate } from "../../src/websocket/permessage-deflate.js";

describe("Sec-WebSocket-Extensions (RFC 6455 §9.1)", () => {
  test.each<[string, Extension[]]>([
    ["", []],
    [" , ", []],
    ["foo", [{ name: "foo", parameters: [] }]],
    ["Foo;Bar", [{ name: "foo", parameters: [["bar", true]] }]],
    ['foo ; a = 1 ;b="2"', [{ name: "foo", parameters: [["a", "1"], ["b", "2"]] }]], // biome-ignore format: one row
    ["foo,, bar", [{ name: "foo", parameters: [] }, { name: "bar", parameters: [] }]], // biome-ignore format: one row
    ['foo;a="1\\2"', [{ name: "foo", parameters: [["a", "12"]] }]],
  ])("%j is read", (value, expected) => {
    expect(parseExtensions(value)).toEqual(expected);
  });

  test.each([
    "foo;",
    "foo; ;a",
    ";a",
    "foo;a=",
    "foo;=a",
    'foo;a=""',
    'foo;a="b',
    'foo;a="b c"',
    "foo bar",
    "foo;a=b c",
    "f/o",
    'foo;a="b"c',
    "é",
  ])("%j is malformed", (value) => {
    expect(parseExtensions(value)).toBeUndefined();
  });

  test("is refused when it is far longer than anybody means it", () => {
    expect(parseExtensions(Array.from({ length: 32 }, () => "x").join())?.length).toBe(32);
    expect(parseExtensions(Array.from({ length: 33 }, () => "x").join())).toBeUndefined();
    expect(parseExtensions(`x${";a".repeat(16)}`)?.[0]?.parameters.length).toBe(16);
    expect(parseExtensions(`x${";a".repeat(17)}`)).toBeUndefined();
  });

  test("is written as it is read", () => {
    const value = "foo; a; b=1";
    expect(parseExtensions(value)?.map(formatExtension)).toEqual([value]);
  });
});

function wishes(chosen: DeflateOptions = {}) {
  return { ...DEFLATE_DEFAULTS, ...chosen };
}

/** What a client that offers `offer` gets from a server with `chosen`. */
function answered(offer: string, chosen: DeflateOptions = {}): string | undefined {
  const accepted = acceptDeflate(parseExtensions(offer) ?? [], wishes(chosen));
  return accepted === undefined ? undefined : formatExtension(accepted.answer);
}

describe("permessage-deflate: a client's offer", () => {
  test.each<[DeflateOptions, string]>([
    [{}, "client_max_window_bits"],
    [{ clientMaxWindowBits: 15 }, "client_max_window_bits"],
    [{ clientMaxWindowBits: 9 }, "client_max_window_bits=9"],
    [{ serverMaxWindowBits: 8 }, "server_max_window_bits=8; client_max_window_bits"],
    [{ serverNoContextTakeover: true }, "server_no_context_takeover; client_max_window_bits"],
    [{ clientNoContextTakeover: true }, "client_no_context_takeover; client_max_window_bits"],
  ])("of %j says so", (chosen, parameters) => {
    expect(formatExtension(offerDeflate(wishes(chosen)))).toBe(`permessage-deflate; ${parameters}`);
  });
});

describe("permessage-deflate: a server's answer", () => {
  test.each([
    ["permessage-deflate", "permessage-deflate"],
    ["foo, permessage-deflate", "permessage-deflate"],
    ["permessage-deflate; client_max_window_bits", "permessage-deflate"],
    ["permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=10"],
    ["permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"],
    ["permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8"],
    ["permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15"],
    ['permessage-deflate; server_max_window_bits="10"', "permessage-deflate; server_max_window_bits=10"],
    ["permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"],
    ["permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"],
    ["permessage-deflate; unknown, permessage-deflate", "permessage-deflate"],
    [
      "permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9",
      "permessage-deflate; server_max_window_bits=9",
    ],
  ])("to %j is %j", (offer, answer) => {
    expect(answered(offer)).toBe(answer);
  });

  test.each([
    "foo",
    "permessage-deflate; unknown",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=09",
    "permessage-deflate; server_max_window_bits=+9",
    "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
    "x-webkit-deflate-frame",
  ])("declines %j", (offer) => {
    expect(answered(offer)).toBeUndefined();
  });

  test("has the server's own wishes in it, and never more than was offered", () => {
    const chosen = { serverNoContextTakeover: true, serverMaxWindowBits: 11 };
    expect(answered("permessage-deflate", chosen)).toBe(
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
    );
    expect(answered("permessage-deflate; server_max_window_bits=9", chosen)).toContain("server_max_window_bits=9");
    expect(answered("permessage-deflate; client_max_window_bits", { clientMaxWindowBits: 10 })).toContain(
      "client_max_window_bits=10",
    );
    expect(answered("permessage-deflate", { clientNoContextTakeover: true })).toContain("client_no_context_takeover");
  });

  test("limits a client's window only if the client has said that it can (RFC 7692 §7.1.2.2)", () => {
    expect(answered("permessage-deflate", { clientMaxWindowBits: 10 })).toBeUndefined();
    expect(
      answered("permessage-deflate, permessage-deflate; client_max_window_bits=9", { clientMaxWindowBits: 10 }),
    ).toBe("permessage-deflate; client_max_window_bits=9");
  });
});

describe("permessage-deflate: what an answer means to a client", () => {
  function meaning(answer: string, chosen: DeflateOptions = {}) {
    const [extension = { name: "", parameters: [] }] = parseExtensions(`permessage-deflate${answer}`) ?? [];
    return agreeDeflate(extension, wishes(chosen));
  }

  const NONE = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };

  test("each parameter, offered or not", () => {
    expect(meaning("")).toEqual(NONE);
    expect(meaning("; server_no_context_takeover")).toEqual({ ...NONE, serverNoContextTakeover: true });
    expect(meaning("; client_no_context_takeover")).toEqual({ ...NONE, clientNoContextTakeover: true });
    expect(meaning("; server_max_window_bits=8")).toEqual({ ...NONE, serverMaxWindowBits: 8 });
    expect(meaning("; client_max_window_bits=8")).toEqual({ ...NONE, clientMaxWindowBits: 8 });
  });

  test("our own limits hold even if the server does not repeat them", () => {
    expect(meaning("", { clientMaxWindowBits: 10, clientNoContextTakeover: true })).toEqual({
      ...NONE,
      clientNoContextTakeover: true,
      clientMaxWindowBits: 10,
    });
  });

  test.each<[string, DeflateOptions]>([
    ["; unknown", {}],
    ["; client_max_window_bits", {}],
    ["; server_max_window_bits", {}],
    ["; server_max_window_bits=7", {}],
    ["; client_max_window_bits=16", {}],
    ["; server_no_context_takeover=1", {}],
    ["; server_max_window_bits=9; server_max_window_bits=9", {}],
    ["", { serverNoContextTakeover: true }],
    ["", { serverMaxWindowBits: 10 }],
    ["; server_max_window_bits=11", { serverMaxWindowBits: 10 }],
    ["; client_max_window_bits=11", { clientMaxWindowBits: 10 }],
  ])("%j to %j is none that can be agreed to", (answer, chosen) => {
    expect(meaning(answer, chosen)).toBeUndefined();
  });

  test("is what the server meant, for all that both can wish", () => {
    for (const server of [
      {},
      { serverMaxWindowBits: 9 },
      { clientMaxWindowBits: 9 },
      { serverNoContextTakeover: true },
    ]) {
      for (const client of [
        {},
        { clientMaxWindowBits: 8 },
        { serverMaxWindowBits: 10 },
        { clientNoContextTakeover: true },
      ]) {
        const accepted = acceptDeflate([offerDeflate(wishes(client))], wishes(server));
        if (accepted === undefined) throw new Error("declined");
        expect(agreeDeflate(accepted.answer, wishes(client))).toEqual(accepted.agreement);
      }
    }
  });
});

describe("options of compression", () => {
  test("are absent, the defaults, or what was chosen", () => {
    expect([resolveDeflate(undefined), resolveDeflate(false)]).toEqual([undefined, undefined]);
    expect(resolveDeflate(true)).toBe(DEFLATE_DEFAULTS);
    expect(resolveDeflate({ threshold: 0, level: undefined as unknown as number })).toEqual({
      ...DEFLATE_DEFAULTS,
      threshold: 0,
    });
  });

  test.each<[object, string]>([
    [{ level: 0 }, "out-of-range"],
    [{ level: 10 }, "out-of-range"],
    [{ level: 1.5 }, "out-of-range"],
    [{ threshold: -1 }, "out-of-range"],
    [{ serverMaxWindowBits: 7 }, "out-of-range"],
    [{ clientMaxWindowBits: 16 }, "out-of-range"],
    [{ clientNoContextTakeover: "yes" }, "unknown-value"],
    [{ windowBits: 9 }, "unknown"],
  ])("%j are refused", (given, code) => {
    expect(() => resolveDeflate(given)).toThrow(
      expect.objectContaining({ name: "UsageError", code: `options/${code}` }),
    );
  });

  test("no object is refused", () => {
    expect(() => resolveDeflate("yes" as never)).toThrow(expect.objectContaining({ code: "options/unknown-value" }));
  });
});
