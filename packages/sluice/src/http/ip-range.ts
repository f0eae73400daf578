/**
 * IP addresses as text and the ranges that hold them (RFC 4632 §3.1, RFC 4291 §2.2 and §2.3). An IPv4 address mapped into IPv6
 * (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2: what a dual-stack socket reports) is the IPv4 address.
 */

import { UsageError } from "../errors.js";

/** A parsed address. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** The addresses that share their first `prefix` bits with `value`. */
export interface IpRange extends IpAddress {
  readonly prefix: number;
}

const MAPPED_PREFIX = 0xffffn;
const DECIMAL_OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_GROUP = /^[0-9A-Fa-f]{1,4}$/;
const PREFIX_LENGTH = /^(?:0|[1-9][0-9]{0,2})$/;
/** Longer than any address: `ffff:…:255.255.255.255` has 45 characters. */
const MAX_ADDRESS_LENGTH = 45;

/** Reads an address without port, brackets or zone; `undefined` if it is none. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > MAX_ADDRESS_LENGTH) return undefined;
  if (!text.includes(":")) return parseIpv4(text);
  const value = parseIpv6(text);
  if (value === undefined) return undefined;
  return value >> 32n === MAPPED_PREFIX ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

/** Reads `address` or `address/prefix`. Throws `UsageError` `options/address-range`, naming what is wrong. */
export function parseIpRange(text: string): IpRange {
  const slash = text.indexOf("/");
  const address = parseIp(slash === -1 ? text : text.slice(0, slash));
  if (address === undefined)
    throw rangeError(text, "expected an IP address, or one with a prefix length as in 10.0.0.0/8");
  if (slash === -1) return { ...address, prefix: address.bits };
  const digits = text.slice(slash + 1);
  const prefix = PREFIX_LENGTH.test(digits) ? Number(digits) : Number.NaN;
  if (!(prefix <= address.bits)) throw rangeError(text, `expected a prefix length of 0 to ${address.bits}`);
  if (hostBits(address.bits, prefix, address.value) !== 0n) throw rangeError(text, "it has bits set beyond its prefix");
  return { ...address, prefix };
}

/** Whether `address` lies in `range`; an IPv4 address is in no IPv6 range. */
export function inRange(address: IpAddress, range: IpRange): boolean {
  if (address.bits !== range.bits) return false;
  const ignored = BigInt(range.bits - range.prefix);
  return address.value >> ignored === range.value >> ignored;
}

/** The usual spelling of an address in text: a mapped IPv4 address loses its IPv6 dress, everything else stays. */
export function plainAddress(text: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(text)?.[1];
  return mapped !== undefined && parseIpv4(mapped) !== undefined ? mapped : text;
}

function parseIpv4(text: string): IpAddress | undefined {
  const octets = text.split(".");
  if (octets.length !== 4) return undefined;
  let value = 0n;
  for (const octet of octets) {
    // No leading zeros: some readers take them for octal.
    if (!DECIMAL_OCTET.test(octet) || Number(octet) > 255) return undefined;
    value = (value << 8n) | BigInt(octet);
  }
  return { bits: 32, value };
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
  if (head === undefined) return undefined;
  const last = (tail ?? head).at(-1);
  const embedded = last?.includes(".") ? parseIpv4(last) : undefined;
  if (last?.includes(".")) {
    if (embedded === undefined) return undefined;
    (tail ?? head).splice(-1, 1, (embedded.value >> 16n).toString(16), (embedded.value & 0xffffn).toString(16));
  }
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = tail === undefined ? head : [...head, ...new Array<string>(missing).fill("0"), ...tail];
  let value = 0n;
  for (const group of groups) {
    if (!HEX_GROUP.test(group)) return undefined;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return value;
}

function hostBits(bits: number, prefix: number, value: bigint): bigint {
  return value & ((1n << BigInt(bits - prefix)) - 1n);
}

function rangeError(text: string, reason: string): UsageError {
  return new UsageError("options/address-range", `Cannot use "${text}" as a range of addresses: ${reason}`);
}
