import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { HttpHeaders } from "../../src/http/headers.js";
import { handshakeKey, readUpgradeAnswer, upgradeRequestFields } from "../../src/websocket/client-handshake.js";
import { acceptValue } from "../../src/websocket/handshake-fields.js";
import { asksForWebSocket, readUpgradeRequest, upgradeAnswerFields } from "../../src/websocket/server-handshake.js";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const sha1 = (text: string): string => createHash("sha1").update(text).digest("base64");

const REQUEST = {
  Upgrade: "websocket",
  Connection: "keep-alive, Upgrade",
  "Sec-WebSocket-Key": KEY,
  "Sec-WebSocket-Version": "13",
};
const ANSWER = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": ACCEPT };

type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

function request(changed: Fields = {}, head: { method?: string; version?: number } = {}) {
  const headers = new HttpHeaders({ ...REQUEST, ...changed });
  return readUpgradeRequest({ method: "GET", version: 11, headers, ...head });
}

function answer(changed: Fields = {}, wishes = {}) {
  return readUpgradeAnswer(new HttpHeaders({ ...ANSWER, ...changed }), ACCEPT, { key: KEY, ...wishes });
}

test("the accept value is that of RFC 6455 §1.3", () => {
  expect(acceptValue(KEY, sha1)).toBe(ACCEPT);
});

test("a key is 16 octets in base64", () => {
  expect(handshakeKey(Buffer.from("the sample nonce"))).toBe(KEY);
});

describe("a client's request (RFC 6455 §4.2.1)", () => {
  test("is read with its key, sub-protocols and extensions, from one line or several", () => {
    expect(request()).toEqual({ key: KEY, protocols: [], extensions: [] });
    expect(
      request({
        Upgrade: "WebSocket",
        Connection: "UPGRADE",
        "Sec-WebSocket-Protocol": ["chat, superchat", "v1"],
        "Sec-WebSocket-Extensions": ["foo;a=1;b", 'bar;c="d"'],
      }),
    ).toEqual({
      key: KEY,
      protocols: ["chat", "superchat", "v1"],
      extensions: [
        {
          name: "foo",
          parameters: [
            ["a", "1"],
            ["b", true],
          ],
        },
        { name: "bar", parameters: [["c", "d"]] },
      ],
    });
  });

  test("is recognised by its Upgrade", () => {
    expect(asksForWebSocket(new HttpHeaders({ Upgrade: "h2c, WebSocket" }))).toBe(true);
    expect(asksForWebSocket(new HttpHeaders({ Upgrade: "websocket2" }))).toBe(false);
    expect(asksForWebSocket(new HttpHeaders())).toBe(false);
  });

  test.each<[string, Fields, string, number]>([
    ["no Upgrade", { Upgrade: undefined }, "upgrade-required", 426],
    ["another Upgrade", { Upgrade: "h2c" }, "upgrade-required", 426],
    ["no Connection", { Connection: undefined }, "handshake-invalid", 400],
    ["a Connection without upgrade", { Connection: "keep-alive" }, "handshake-invalid", 400],
    ["no version", { "Sec-WebSocket-Version": undefined }, "version-unsupported", 426],
    ["an old version", { "Sec-WebSocket-Version": "8" }, "version-unsupported", 426],
    ["a list of versions", { "Sec-WebSocket-Version": "13, 8" }, "version-unsupported", 426],
    ["two versions", { "Sec-WebSocket-Version": ["13", "13"] }, "field-repeated", 400],
    ["no key", { "Sec-WebSocket-Key": undefined }, "key-invalid", 400],
    ["an empty key", { "Sec-WebSocket-Key": "" }, "key-invalid", 400],
    ["a key of 15 octets", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j" }, "key-invalid", 400],
    ["a key of 17 octets", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZXM=" }, "key-invalid", 400],
    ["a key that is no base64", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25-ZQ==" }, "key-invalid", 400],
    ["a key with bits left over", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR==" }, "key-invalid", 400],
    ["two keys", { "Sec-WebSocket-Key": [KEY, KEY] }, "field-repeated", 400],
    ["a sub-protocol that is no token", { "Sec-WebSocket-Protocol": "a b" }, "protocol-invalid", 400],
    ["a sub-protocol twice", { "Sec-WebSocket-Protocol": "a, b, a" }, "protocol-invalid", 400],
    ["an empty sub-protocol", { "Sec-WebSocket-Protocol": "a,,b" }, "protocol-invalid", 400],
    ["malformed extensions", { "Sec-WebSocket-Extensions": "a; b=c d" }, "extensions-invalid", 400],
  ])("with %s is refused", (_title, changed, code, statusHint) => {
    expect(() => request(changed)).toThrow(expect.objectContaining({ code: `websocket/${code}`, statusHint }));
  });

  test.each([{ method: "POST" }, { method: "get" }, { version: 10 }])("is a GET of HTTP/1.1, and not %j", (head) => {
    expect(() => request({}, head)).toThrow(expect.objectContaining({ code: "websocket/handshake-invalid" }));
  });

  test("is written so that a server reads what was meant", () => {
    const extensions = [
      {
        name: "permessage-deflate",
        parameters: [
          ["client_max_window_bits", true],
          ["server_max_window_bits", "10"],
        ] as const,
      },
    ];
    const fields = upgradeRequestFields({ key: KEY, protocols: ["a", "b"], extensions });
    expect(fields).toContain("permessage-deflate; client_max_window_bits; server_max_window_bits=10");
    const headers = HttpHeaders.fromFields(fields);
    expect(readUpgradeRequest({ method: "GET", version: 11, headers })).toEqual({
      key: KEY,
      protocols: ["a", "b"],
      extensions,
    });
    expect(upgradeRequestFields({ key: KEY })).toEqual([
      "Upgrade",
      "websocket",
      "Connection",
      "Upgrade",
      "Sec-WebSocket-Key",
      KEY,
      "Sec-WebSocket-Version",
      "13",
    ]);
  });
});

describe("a server's answer (RFC 6455 §4.1)", () => {
  test("is read with the sub-protocol and the extensions that it agrees to", () => {
    expect(answer()).toEqual({ protocol: undefined, extensions: [] });
    const wishes = { protocols: ["a", "b"], extensions: [{ name: "foo", parameters: [] }] };
    expect(answer({ "Sec-WebSocket-Protocol": "b", "Sec-WebSocket-Extensions": "foo; x" }, wishes)).toEqual({
      protocol: "b",
      extensions: [{ name: "foo", parameters: [["x", true]] }],
    });
    expect(answer({}, wishes).protocol).toBeUndefined();
  });

  test.each<[string, Fields, string]>([
    ["no Upgrade", { Upgrade: undefined }, "handshake-invalid"],
    ["another Upgrade", { Upgrade: "websocket, h2c" }, "handshake-invalid"],
    ["no Connection", { Connection: undefined }, "handshake-invalid"],
    ["a Connection without upgrade", { Connection: "close" }, "handshake-invalid"],
    ["no accept value", { "Sec-WebSocket-Accept": undefined }, "accept-mismatch"],
    ["the accept value of another key", { "Sec-WebSocket-Accept": sha1("x") }, "accept-mismatch"],
    ["the accept value in another case", { "Sec-WebSocket-Accept": ACCEPT.toLowerCase() }, "accept-mismatch"],
    ["two accept values", { "Sec-WebSocket-Accept": [ACCEPT, ACCEPT] }, "field-repeated"],
    ["a sub-protocol that was not offered", { "Sec-WebSocket-Protocol": "c" }, "protocol-unexpected"],
    ["a sub-protocol in another case", { "Sec-WebSocket-Protocol": "A" }, "protocol-unexpected"],
    ["two sub-protocols", { "Sec-WebSocket-Protocol": ["a", "b"] }, "field-repeated"],
    ["an extension that was not offered", { "Sec-WebSocket-Extensions": "bar" }, "extension-unexpected"],
    ["an extension twice", { "Sec-WebSocket-Extensions": "foo, foo" }, "extension-unexpected"],
    ["malformed extensions", { "Sec-WebSocket-Extensions": "foo;=1" }, "extensions-invalid"],
  ])("with %s is refused", (_title, changed, code) => {
    const wishes = { protocols: ["a", "b"], extensions: [{ name: "foo", parameters: [] }] };
    expect(() => answer(changed, wishes)).toThrow(expect.objectContaining({ code: `websocket/${code}` }));
  });

  test("is written so that a client reads what was meant", () => {
    const extensions = [{ name: "foo", parameters: [["x", "1"]] as const }];
    const fields = upgradeAnswerFields({ accept: ACCEPT, protocol: "a", extensions });
    const wishes = { key: KEY, protocols: ["a"], extensions };
    expect(readUpgradeAnswer(HttpHeaders.fromFields(fields), ACCEPT, wishes)).toEqual({ protocol: "a", extensions });
    expect(upgradeAnswerFields({ accept: ACCEPT }).length).toBe(6);
  });
});
