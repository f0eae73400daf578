import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { inRange, parseIp, parseIpRange } from "../../src/http/ip-range.js";
import { ProxyTrust, type TrustProxyOptions } from "../../src/server/trust-proxy.js";

const PROXY = "10.0.0.1";
const CLIENT = "198.51.100.7";
const TRUSTED = ["10.0.0.0/8", "2001:db8::/32"];

function view(fields: readonly string[], options: readonly string[] | TrustProxyOptions = TRUSTED, peer = PROXY) {
  return new ProxyTrust(options).view(peer, fields);
}

function addressBy(fields: readonly string[], options?: readonly string[] | TrustProxyOptions, peer?: string) {
  return view(fields, options, peer).address;
}

describe("X-Forwarded-For", () => {
  test("a trusted proxy says who the client is", () => {
    expect(addressBy(["X-Forwarded-For", CLIENT])).toBe(CLIENT);
  });

  test("nobody else does", () => {
    const fields = ["X-Forwarded-For", "127.0.0.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "a.example"];
    expect(view(fields, TRUSTED, "203.0.113.9")).toMatchObject({
      address: "203.0.113.9",
      scheme: undefined,
      host: undefined,
    });
  });

  test("what the client wrote itself is to the left of the proxy's entry, and not believed", () => {
    expect(addressBy(["X-Forwarded-For", `127.0.0.1, 10.9.9.9, ${CLIENT}`])).toBe(CLIENT);
    expect(addressBy(["X-Forwarded-For", "127.0.0.1", "x-forwarded-for", CLIENT])).toBe(CLIENT);
  });

  test("a chain of trusted proxies is followed to its outer end", () => {
    expect(addressBy(["X-Forwarded-For", `spoof, ${CLIENT}, 10.0.0.3, 10.0.0.2`])).toBe(CLIENT);
    expect(addressBy(["X-Forwarded-For", "10.0.0.4,10.0.0.3"])).toBe("10.0.0.4");
  });

  test.each(["unknown", "_hidden", "", "1.2.3", "1.2.3.4.5", "999.1.1.1", "a.example", "01.2.3.4", "<script>"])(
    "an entry %j that is no address ends the walk at the last known one",
    (entry) => {
      expect(addressBy(["X-Forwarded-For", `${CLIENT}, ${entry}`])).toBe(PROXY);
      expect(addressBy(["X-Forwarded-For", `${CLIENT}, ${entry}, 10.0.0.2`])).toBe("10.0.0.2");
    },
  );

  test.each([
    [`${CLIENT}:1234`, CLIENT],
    ["2001:DB9::1", "2001:DB9::1"],
    ["[2001:db9::1]", "2001:db9::1"],
    ["[2001:db9::1]:443", "2001:db9::1"],
    ["::ffff:198.51.100.7", CLIENT],
  ])("%s is the address %s", (entry, address) => {
    expect(addressBy(["X-Forwarded-For", entry])).toBe(address);
  });

  test("no more than 32 entries are looked at", () => {
    const chain = [CLIENT, ...Array.from({ length: 40 }, (_, index) => `10.0.1.${index}`)];
    expect(addressBy(["X-Forwarded-For", chain.join(", ")])).toBe("10.0.1.8");
    expect(addressBy(["X-Forwarded-For", chain.slice(0, 32).join(",")])).toBe(CLIENT);
  });

  test("IPv4 peers in IPv6 dress, and peers with a zone, are recognised", () => {
    expect(addressBy(["X-Forwarded-For", CLIENT], TRUSTED, "::ffff:10.0.0.1")).toBe(CLIENT);
    expect(addressBy(["X-Forwarded-For", CLIENT], ["fe80::/10"], "fe80::1%eth0")).toBe(CLIENT);
    expect(addressBy(["X-Forwarded-For", "1.1.1.1"], TRUSTED, "::ffff:192.0.2.1")).toBe("192.0.2.1");
  });

  test("a Unix socket is trusted when named", () => {
    const fields = ["X-Forwarded-For", CLIENT];
    expect(new ProxyTrust(["unix"]).view(undefined, fields).address).toBe(CLIENT);
    expect(new ProxyTrust(["10.0.0.0/8"]).view(undefined, fields).address).toBeUndefined();
    expect(new ProxyTrust(["unix"]).view(CLIENT, ["X-Forwarded-For", "1.1.1.1"]).address).toBe(CLIENT);
  });
});

describe("all addresses", () => {
  test("are the client's, then those of the trusted proxies, the peer's last", () => {
    expect(view(["X-Forwarded-For", `spoof, ${CLIENT}, 10.0.0.3, 10.0.0.2`]).addresses).toEqual([
      CLIENT,
      "10.0.0.3",
      "10.0.0.2",
      PROXY,
    ]);
    const forwarded = ["Forwarded", `for=1.1.1.1, for=${CLIENT}, for="10.0.0.2:81"`];
    const options: TrustProxyOptions = { from: TRUSTED, fields: ["forwarded"] };
    expect(view(forwarded, options).addresses).toEqual([CLIENT, "10.0.0.2", PROXY]);
  });

  test("without a trusted proxy are the peer's alone; none on a Unix socket", () => {
    expect(view(["X-Forwarded-For", CLIENT], TRUSTED, "203.0.113.9").addresses).toEqual(["203.0.113.9"]);
    expect(new ProxyTrust(TRUSTED).view(undefined, []).addresses).toEqual([]);
    expect(new ProxyTrust(["unix"]).view(undefined, ["X-Forwarded-For", CLIENT]).addresses).toEqual([CLIENT]);
  });
});

describe("X-Forwarded-Proto and -Host", () => {
  test("the rightmost entry counts: the one a trusted proxy wrote", () => {
    const fields = ["X-Forwarded-Proto", "https, http", "X-Forwarded-Host", "evil.example, good.example:81"];
    expect(view(fields)).toMatchObject({ address: PROXY, scheme: "http", host: "good.example:81" });
  });

  test.each(["ftp", "javascript", "https:", ""])("scheme %j is none that we speak", (proto) => {
    expect(view(["X-Forwarded-Proto", proto]).scheme).toBeUndefined();
  });

  test.each(["a b", "a/b", "user@host", "host:port", "host:99999", "a\u00e9", ""])(
    "host %j is no authority",
    (host) => {
      expect(view(["X-Forwarded-Host", host]).host).toBeUndefined();
    },
  );

  test("fields that the proxy is not said to set are not read", () => {
    const options: TrustProxyOptions = { from: TRUSTED, fields: ["x-forwarded-for"] };
    const fields = ["X-Forwarded-For", CLIENT, "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https"];
    expect(view(fields, options)).toMatchObject({ address: CLIENT, scheme: undefined, host: undefined });
  });
});

describe("Forwarded (RFC 7239)", () => {
  const options: TrustProxyOptions = { from: TRUSTED, fields: ["forwarded", "x-forwarded-for"] };
  const of = (...values: string[]) =>
    view(
      values.flatMap((value) => ["Forwarded", value]),
      options,
    );

  test("is read only when named as what the proxy sets", () => {
    expect(addressBy(["Forwarded", `for=${CLIENT}`])).toBe(PROXY);
    expect(of(`for=${CLIENT}`).address).toBe(CLIENT);
  });

  test.each([
    [`for=${CLIENT};proto=https;host=a.example`, { address: CLIENT, scheme: "https", host: "a.example" }],
    [`For="${CLIENT}:80" ; Proto=HTTP`, { address: CLIENT, scheme: "http", host: undefined }],
    ['for="[2001:db9::7]:80";by="_x, y"', { address: "2001:db9::7", scheme: undefined, host: undefined }],
    ['host="a\\.example";proto=https', { address: PROXY, scheme: "https", host: "a.example" }],
    ["for=unknown;proto=https", { address: PROXY, scheme: "https", host: undefined }],
    [`for=1.1.1.1;proto=http, for=${CLIENT};proto=https`, { address: CLIENT, scheme: "https", host: undefined }],
    [`for=${CLIENT};proto=https, for=10.0.0.2;proto=http`, { address: CLIENT, scheme: "https", host: undefined }],
  ])("%s", (value, expected) => {
    expect(of(value)).toMatchObject(expected);
  });

  test.each([
    'for="1.1.1.1',
    'for="',
    '"',
    'for=1.1.1.1;host="\\',
    ",,,",
    "for=1.1.1.1;for=2.2.2.2",
    'x="a, for=9.9.9.9;y="',
  ])("what the client wrote, here %j, cannot change how the proxy's element is read", (spoof) => {
    expect(of(`${spoof}, for=${CLIENT};proto=https`)).toMatchObject({
      address: CLIENT,
      scheme: "https",
      host: undefined,
    });
    expect(of(`${spoof}, for="${CLIENT}:1"`).address).toBe(CLIENT);
    expect(of(spoof, `for=${CLIENT}`).address).toBe(CLIENT);
  });

  test("a malformed last element tells nothing", () => {
    expect(of(`for=${CLIENT}, for="`)).toMatchObject({ address: PROXY, scheme: undefined, host: undefined });
  });

  test("goes before X-Forwarded-For", () => {
    expect(view(["X-Forwarded-For", "1.1.1.1", "Forwarded", `for=${CLIENT}`], options).address).toBe(CLIENT);
  });

  test("a long list of commas and quotes costs no more than its length", () => {
    const started = performance.now();
    for (const hostile of [
      '",'.repeat(16_000),
      ',"'.repeat(16_000),
      'a="\\'.repeat(8_000),
      "for=10.0.0.2,".repeat(2_500),
    ]) {
      of(hostile);
      of(`${hostile}, for=${CLIENT}`);
    }
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

describe("ranges of addresses", () => {
  test.each([
    ["10.0.0.0/8", "10.255.255.255", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["0.0.0.0/0", "8.8.8.8", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "8.8.8.8", false],
    ["::/0", "::1", true],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::", false],
    ["::1", "0:0:0:0:0:0:0:1", true],
    ["127.0.0.1", "::ffff:7f00:1", true],
    ["fe80::/10", "febf::1", true],
    ["fe80::/10", "fec0::1", false],
  ])("%s and %s: %s", (range, address, expected) => {
    const parsed = parseIp(address);
    expect(parsed && inRange(parsed, parseIpRange(range))).toBe(expected);
  });

  test.each(["", "10", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.1/8", "::/129"])(
    "%j is no range",
    (range) => {
      expect(() => new ProxyTrust([range])).toThrow(UsageError);
    },
  );

  test.each([
    "localhost",
    "1::2::3",
    "12345::",
    "::1.2.3",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7",
    ":1",
    "::1/x",
    "1::%eth0",
  ])("%j is no address", (address) => {
    expect(parseIp(address)).toBeUndefined();
  });

  test("a field that is none is refused", () => {
    const fields = ["x-real-ip"] as unknown as NonNullable<TrustProxyOptions["fields"]>;
    expect(() => new ProxyTrust({ from: [], fields })).toThrow("x-real-ip");
  });
});
