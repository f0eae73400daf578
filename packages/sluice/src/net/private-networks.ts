/**
 * A guard for programs that request URLs they were given: it lets a connection go to the public internet only. Decides by the
 * address itself (RFC 6890 and the IANA registries of special-purpose addresses that continue it), never by a name, so that a
 * name that leads elsewhere the next time it is asked (DNS rebinding) gains nothing.
 *
 * IPv4 is what is left when the special ranges are taken out. IPv6 is the other way round: only 2000::/3 is handed out for the
 * public internet (RFC 4291 §2.4), so everything outside it is refused, known or not. An IPv4 address in an IPv6 dress is
 * judged as the IPv4 address: mapped (::ffff:0:0/96) and translated by NAT64 (64:ff9b::/96, RFC 6052 §2.1).
 */

import { type IpAddress, type IpRange, inRange, parseIp, parseIpRange } from "../http/ip-range.js";
import { refuseUnknown } from "../options.js";

/** What is let through beside the public internet, or refused beside what is private. */
export interface PrivateNetworkOptions {
  /** Lets 127.0.0.0/8 and ::1 through. @default false */
  readonly loopback?: boolean;
  /** Private addresses that may be used all the same, as "10.1.2.3" or "10.1.0.0/16". Goes before everything else. @default [] */
  readonly allow?: readonly string[];
  /** Public addresses that may not be used: your own, for example. @default [] */
  readonly deny?: readonly string[];
}

const LOOPBACK = ["127.0.0.0/8", "::1"];

/** Not for the public internet, in the order of the IANA registries. */
const SPECIAL_IPV4 = [
  "0.0.0.0/8", // this network, RFC 791 §3.2
  "10.0.0.0/8", // private, RFC 1918
  "100.64.0.0/10", // behind a carrier's NAT, RFC 6598
  "127.0.0.0/8", // loopback, RFC 1122 §3.2.1.3
  "169.254.0.0/16", // link-local, RFC 3927: also where clouds keep their metadata
  "172.16.0.0/12", // private, RFC 1918
  "192.0.0.0/24", // IETF protocol assignments, RFC 6890 §2.1
  "192.0.2.0/24", // documentation, RFC 5737
  "192.88.99.0/24", // 6to4 relays, withdrawn by RFC 7526
  "192.168.0.0/16", // private, RFC 1918
  "198.18.0.0/15", // benchmarks, RFC 2544
  "198.51.100.0/24", // documentation, RFC 5737
  "203.0.113.0/24", // documentation, RFC 5737
  "224.0.0.0/4", // multicast, RFC 5771
  "240.0.0.0/4", // reserved, RFC 1112 §4, and broadcast
];

const GLOBAL_IPV6 = "2000::/3";
/** Special inside of {@link GLOBAL_IPV6}. */
const SPECIAL_IPV6 = [
  "2001::/23", // IETF protocol assignments, RFC 2928: Teredo, ORCHID, benchmarks
  "2001:db8::/32", // documentation, RFC 3849
  "2002::/16", // 6to4, which carries any IPv4 address in it, RFC 3056
  "3fff::/20", // documentation, RFC 9637
];
const NAT64 = "64:ff9b::/96";

const KNOWN: ReadonlySet<string> = new Set<keyof PrivateNetworkOptions>(["loopback", "allow", "deny"]);

/**
 * A policy for `allowAddress` of a connector that refuses private, local and otherwise special addresses.
 *
 * @throws UsageError `options/address-range` for an entry that is no address or range, `options/unknown`
 */
export function denyPrivateNetworks(options: PrivateNetworkOptions = {}): (address: string, host?: string) => boolean {
  const { loopback = false, allow = [], deny = [] } = options;
  refuseUnknown("denyPrivateNetworks", options, KNOWN);
  const allowed = [...allow, ...(loopback ? LOOPBACK : [])].map(parseIpRange);
  const denied = [...deny, ...SPECIAL_IPV4, ...SPECIAL_IPV6].map(parseIpRange);
  const globalIpv6 = parseIpRange(GLOBAL_IPV6);
  const nat64 = parseIpRange(NAT64);
  return (text) => {
    const address = parseIp(text);
    // With a zone (fe80::1%eth0) it is no address that the internet knows.
    if (address === undefined) return false;
    if (isInAny(address, allowed)) return true;
    const judged = inRange(address, nat64) ? translated(address) : address;
    if (judged.bits === 128 && !inRange(judged, globalIpv6)) return false;
    return !isInAny(judged, denied);
  };
}

/** The IPv4 address that a NAT64 gateway would connect to. */
function translated(address: IpAddress): IpAddress {
  return { bits: 32, value: address.value & 0xffffffffn };
}

function isInAny(address: IpAddress, ranges: readonly IpRange[]): boolean {
  return ranges.some((range) => inRange(address, range));
}
