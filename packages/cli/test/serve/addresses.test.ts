import { expect, test } from "vitest";
import { type InterfaceAddress, isLoopback, networkAddresses, urlAt } from "../../src/serve/addresses.js";

const INTERFACES: readonly InterfaceAddress[] = [
  { address: "127.0.0.1", family: "IPv4", internal: true },
  { address: "::1", family: "IPv6", internal: true },
  { address: "192.0.2.7", family: "IPv4", internal: false },
  { address: "2001:db8::7", family: "IPv6", internal: false },
  { address: "fe80::7", family: "IPv6", internal: false },
];

test("the addresses of the network are those that are bound to, without those of one link", () => {
  expect(networkAddresses("0.0.0.0", INTERFACES)).toEqual(["192.0.2.7"]);
  expect(networkAddresses("::", INTERFACES)).toEqual(["192.0.2.7", "2001:db8::7"]);
  for (const one of ["127.0.0.1", "192.0.2.7", "localhost"]) expect(networkAddresses(one, INTERFACES)).toEqual([]);
});

test("the machine's own interfaces are asked where no others are given", () => {
  for (const address of networkAddresses("::")) expect(isLoopback(address)).toBe(false);
});

test("loopback is 127.0.0.0/8, ::1 and its name", () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "::1"]) expect(isLoopback(host)).toBe(true);
  for (const host of ["0.0.0.0", "::", "192.0.2.7", "localhost.example", "1270.example"]) {
    expect(isLoopback(host)).toBe(false);
  }
});

test("another address takes the place of the host, in brackets if it is IPv6", () => {
  expect(urlAt("http://localhost:8080", "192.0.2.7")).toBe("http://192.0.2.7:8080");
  expect(urlAt("https://localhost:8443", "2001:db8::7")).toBe("https://[2001:db8::7]:8443");
  expect(urlAt("https://localhost", "192.0.2.7")).toBe("https://192.0.2.7");
});
