/** What the origin learns of the client, and what a client can make it believe: nothing. */
import { afterEach, describe, expect, test } from "vitest";
import { forwardingFields } from "../../src/proxy/forwarding-fields.js";
import { cameThrough, viaWith } from "../../src/proxy/via.js";
import { Application } from "../../src/server/application.js";
import type { ApplicationOptions } from "../../src/server/options.js";
import { closeAll } from "../interop/places.js";
import { ask, type FakeRequest } from "../server/fake-exchange.js";
import { RawClient } from "../server/raw-client.js";
import { answering, linesOf, passage, proxied, RawOrigin } from "./proxy-setup.js";

afterEach(closeAll);

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** The fields made for a request, as lines. */
async function made(
  form: "x-forwarded" | "forwarded" | "both",
  request: FakeRequest,
  options: ApplicationOptions = {},
) {
  const app = new Application(options);
  app.get("/", (asked) => ({ fields: forwardingFields(asked, form, "") }));
  const { fields } = JSON.parse((await ask(app.dispatch, "GET", "/", request)).text) as { fields: string[] };
  const lines: string[] = [];
  for (let at = 0; at < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`);
  return lines;
}

const claim = [
  ...["Host", "shop.example:8443", "X-Forwarded-For", "203.0.113.9, 198.51.100.2", "X-Forwarded-Proto", "https"],
  ...["X-Forwarded-Host", "claimed.example", "Forwarded", 'for="[2001:db8::9]";proto=https;host=fw.example'],
];

describe("from a peer that is no trusted proxy", () => {
  test("what it claims counts for nothing", async () => {
    expect(await made("both", { fields: claim, remoteAddress: "192.0.2.7" })).toEqual([
      'Forwarded: for=192.0.2.7;host="shop.example:8443";proto=http',
      "X-Forwarded-For: 192.0.2.7",
      "X-Forwarded-Proto: http",
      "X-Forwarded-Host: shop.example:8443",
    ]);
    const options = { trustProxy: ["10.0.0.0/8"] };
    expect(await made("x-forwarded", { fields: claim, remoteAddress: "192.0.2.7" }, options)).toContain(
      "X-Forwarded-For: 192.0.2.7",
    );
  });

  test.each([
    ["::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"],
    ["2001:db8::7", '"[2001:db8::7]"', "2001:db8::7"],
    ["fe80::1%eth0", '"[fe80::1]"', "fe80::1"],
  ])("of address %s it says %s", async (remoteAddress, node, plain) => {
    const lines = await made("both", { fields: ["Host", "a"], remoteAddress, secure: true });
    expect(lines[0]).toBe(`Forwarded: for=${node};host=a;proto=https`);
    expect(lines[1]).toBe(`X-Forwarded-For: ${plain}`);
  });

  test("on a Unix socket it says that it does not know, and without Host nothing of that", async () => {
    expect(await made("both", { fields: [], remoteAddress: undefined, version: 10 })).toEqual([
      "Forwarded: for=unknown;proto=http",
      "X-Forwarded-Proto: http",
    ]);
  });
});

describe("from a trusted proxy", () => {
  const from = (fields: readonly ("forwarded" | "x-forwarded-for" | "x-forwarded-proto" | "x-forwarded-host")[]) => ({
    trustProxy: { from: ["192.0.2.7"], fields },
  });

  test("X-Forwarded-For is continued, and scheme and host are the outermost one's", async () => {
    const options = from(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]);
    expect(await made("x-forwarded", { fields: claim, remoteAddress: "192.0.2.7" }, options)).toEqual([
      "X-Forwarded-For: 203.0.113.9, 198.51.100.2, 192.0.2.7",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: claimed.example",
    ]);
  });

  test("Forwarded is continued", async () => {
    expect(await made("forwarded", { fields: claim, remoteAddress: "192.0.2.7" }, from(["forwarded"]))).toEqual([
      'Forwarded: for="[2001:db8::9]";proto=https;host=fw.example, for=192.0.2.7;host="shop.example:8443";proto=http',
    ]);
  });

  test("what it tells in one form is told in the other", async () => {
    const lists = from(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]);
    expect(await made("forwarded", { fields: claim, remoteAddress: "192.0.2.7" }, lists)).toEqual([
      'Forwarded: for=198.51.100.2;host=claimed.example;proto=https, for=192.0.2.7;host="shop.example:8443";proto=http',
    ]);
    expect(await made("x-forwarded", { fields: claim, remoteAddress: "192.0.2.7" }, from(["forwarded"]))).toEqual([
      "X-Forwarded-For: 2001:db8::9, 192.0.2.7",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: fw.example",
    ]);
  });

  test("a field that it only passes on is not continued", async () => {
    expect(
      await made("x-forwarded", { fields: claim, remoteAddress: "192.0.2.7" }, from(["x-forwarded-proto"])),
    ).toEqual(["X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example:8443"]);
  });
});

describe("on the wire", () => {
  const request = [
    "GET / HTTP/1.1",
    "Host: public.example",
    "Connection: close, X-Forwarded-For, Via",
    "X-Forwarded-For: 6.6.6.6",
    "X_Forwarded_For: 6.6.6.6",
    "x.forwarded.proto: https",
    "X-Forwarded-Ssl: on",
    "X-Forwarded-Port: 443",
    "X-Real-IP: 6.6.6.6",
    "Forwarded: for=6.6.6.6",
    "Content_Length: 9",
    "Transfer.Encoding: chunked",
    "Proxy_Authorization: x",
    "X_Odd: stays",
    "",
    "",
  ].join("\r\n");

  test("no spelling of a forwarding or framing field gets past us, and Connection cannot take ours out", async () => {
    const { sent } = await passage(request, OK);
    expect(sent).not.toContain("6.6.6.6");
    expect(linesOf(sent)).toEqual([
      "host: <origin>",
      "X_Odd: stays",
      "X-Forwarded-For: 127.0.0.1",
      "X-Forwarded-Proto: http",
      "X-Forwarded-Host: public.example",
      "Via: 1.1 test",
    ]);
  });

  test("forwarded: none says nothing, and lets nothing be said", async () => {
    const { sent } = await passage(request, OK, { forwarded: "none", via: false });
    expect(linesOf(sent)).toEqual(["host: <origin>", "X_Odd: stays"]);
  });
});

describe("Via", () => {
  test("is continued in both directions with the version that was spoken", async () => {
    const { sent, got } = await passage(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nVia: 1.0 fred, 1.1 edge (x)\r\nVia: 2 far\r\n\r\n",
      "HTTP/1.1 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 0\r\n\r\n",
    );
    expect(linesOf(sent)).toContain("Via: 1.0 fred, 1.1 edge (x), 2 far, 1.1 test");
    expect(linesOf(got)).toContain("Via: 1.1 inner, 1.1 test");
    expect(viaWith(undefined, "1.0", "me")).toBe("1.0 me");
    expect(viaWith("", "1.1", "me")).toBe("1.1 me");
  });

  test("stays as it came where the proxy has no name", async () => {
    const { got } = await passage(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 0\r\n\r\n",
      { via: false },
    );
    expect(linesOf(got)).toContain("Via: 1.1 inner");
  });

  test.each([
    ["1.1 me", true],
    ["1.1 other, 1.0 ME (comment)", true],
    ["1.1  me", true],
    ["1.1 me.example, 1.1 notme", false],
    ["me", false],
    [undefined, false],
  ])("%j came through me: %s", (via, came) => {
    expect(cameThrough(via, "me")).toBe(came);
  });

  test("a request that comes back is answered 508 in the second round", async () => {
    let rounds = 0;
    const { server } = await proxied(() => {
      rounds += 1;
      return server.url;
    });
    const client = await RawClient.to(server);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 508 /);
    expect(rounds).toBe(1);
  });

  test("has a name of its own for every proxy that has none: two in a row are no loop", async () => {
    const origin = await RawOrigin.start(answering(OK));
    const inner = await proxied(origin.url, { via: undefined } as object);
    const outer = await proxied(inner.server.url, { via: undefined } as object);
    const client = await RawClient.to(outer.server);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 /);
    const via = /Via: 1\.1 (sluice-[0-9a-f]{8}), 1\.1 (sluice-[0-9a-f]{8})/.exec(origin.received);
    expect(via?.[1]).not.toBe(via?.[2]);
  });
});

describe("Max-Forwards", () => {
  const options = (hops: string) =>
    `OPTIONS /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nMax-Forwards: ${hops}\r\n\r\n`;

  test("of OPTIONS counts down, and at 0 the proxy itself answers", async () => {
    expect(linesOf((await passage(options("3"), OK)).sent)).toContain("Max-Forwards: 2");
    const last = await passage(options("0"), OK);
    expect(last.sent).toBe("");
    expect(last.got).toMatch(/^HTTP\/1\.1 204 /);
    expect(linesOf((await passage(options("many"), OK)).sent).join()).not.toContain("Max-Forwards");
  });
});
