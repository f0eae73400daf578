import { describe, expect, test } from "vitest";
import { denyPrivateNetworks } from "../../src/net/private-networks.js";

const allows = denyPrivateNetworks();

describe("denyPrivateNetworks", () => {
  test("lets the public internet through", () => {
    const open = [
      "1.1.1.1",
      "9.255.255.255",
      "11.0.0.0",
      "100.63.255.255",
      "100.128.0.0",
      "172.15.255.255",
      "172.32.0.0",
    ];
    const more = ["192.0.1.0", "192.88.98.255", "192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255"];
    for (const address of [...open, ...more]) expect(allows(address), address).toBe(true);
    for (const address of ["2606:4700::1111", "2001:200::1", "2a00::1", "3ffe::1"]) {
      expect(allows(address), address).toBe(true);
    }
  });

  test.each([
    ["this network", "0.0.0.0", "0.255.255.255"],
    ["private 10/8", "10.0.0.0", "10.255.255.255"],
    ["shared 100.64/10", "100.64.0.0", "100.127.255.255"],
    ["loopback", "127.0.0.1", "127.255.255.255"],
    ["link-local, cloud metadata among it", "169.254.169.254", "169.254.0.0"],
    ["private 172.16/12", "172.16.0.0", "172.31.255.255"],
    ["protocol assignments", "192.0.0.0", "192.0.0.255"],
    ["documentation", "192.0.2.1", "198.51.100.255", "203.0.113.0"],
    ["withdrawn 6to4 relays", "192.88.99.1"],
    ["private 192.168/16", "192.168.0.0", "192.168.255.255"],
    ["benchmarks", "198.18.0.0", "198.19.255.255"],
    ["multicast, reserved and broadcast", "224.0.0.1", "239.255.255.255", "240.0.0.0", "255.255.255.255"],
    ["IPv6 unspecified and loopback", "::", "::1"],
    ["IPv4-compatible IPv6", "::8.8.8.8"],
    ["NAT64 for local use", "64:ff9b:1::808:808"],
    ["discard-only", "100::1"],
    ["IPv6 assignments: Teredo, benchmarks, ORCHID", "2001::1", "2001:2::1", "2001:20::1"],
    ["IPv6 documentation", "2001:db8::1", "3fff::1", "3fff:fff::1"],
    ["6to4", "2002:808:808::1"],
    ["segment routing", "5f00::1"],
    ["unique local", "fc00::1", "fdff:ffff::1"],
    ["link-local, with a zone and without", "fe80::1", "fe80::1%eth0", "febf::1"],
    ["site-local", "fec0::1"],
    ["IPv6 multicast", "ff02::1"],
    ["what nobody has been given", "4000::1", "8000::1", "e000::1"],
  ])("refuses %s", (_what, ...addresses) => {
    for (const address of addresses) expect(allows(address), address).toBe(false);
  });

  test("judges an IPv4 address in an IPv6 dress as the IPv4 address", () => {
    for (const dress of ["::ffff:", "64:ff9b::"]) {
      expect(allows(`${dress}10.0.0.1`), dress).toBe(false);
      expect(allows(`${dress}127.0.0.1`), dress).toBe(false);
      expect(allows(`${dress}8.8.8.8`), dress).toBe(true);
    }
    expect(allows("::ffff:7f00:1")).toBe(false);
    expect(allows("64:ff9b::a9fe:a9fe")).toBe(false);
  });

  test("refuses what is no address", () => {
    for (const text of ["", "localhost", "010.0.0.1", "1.2.3", "1.2.3.4.5", ":::", "8.8.8.8/32", "[::1]"]) {
      expect(allows(text), text).toBe(false);
    }
  });

  test("loopback lets this machine through, and nothing else", () => {
    const local = denyPrivateNetworks({ loopback: true });
    for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]) expect(local(address)).toBe(true);
    expect(local("10.0.0.1")).toBe(false);
    expect(local("0.0.0.0")).toBe(false);
  });

  test("allow opens, deny closes, and allow goes first", () => {
    const guard = denyPrivateNetworks({
      allow: ["10.1.0.0/16", "fd00::5", "8.8.8.8"],
      deny: ["8.8.0.0/16", "2a00::/12"],
    });
    expect(["10.1.2.3", "fd00::5", "8.8.8.8"].map((address) => guard(address))).toEqual([true, true, true]);
    expect(["10.2.0.1", "fd00::6", "8.8.4.4", "2a01::1"].map((address) => guard(address))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    const translated = denyPrivateNetworks({ deny: ["8.8.8.8"] });
    expect(translated("64:ff9b::8.8.8.8")).toBe(false);
  });

  test("refuses options it does not know", () => {
    expect(() => denyPrivateNetworks({ allow: ["10.0.0.0/33"] })).toThrow(
      expect.objectContaining({ code: "options/address-range" }),
    );
    expect(() => denyPrivateNetworks({ lopback: true } as object)).toThrow(
      expect.objectContaining({ code: "options/unknown" }),
    );
  });
});
