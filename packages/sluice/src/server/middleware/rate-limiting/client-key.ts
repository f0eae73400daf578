/** Who counts as one client, by address. */

import { parseIp } from "../../../http/ip-range.js";
import type { ServerRequest } from "../../request/server-request.js";

const NETWORK_BITS = 64n;

/**
 * The client's IPv4 address, or the /64 of its IPv6 address: what one customer of a provider has at least, so that nobody gets a fresh
 * limit with each of 2^64 addresses (RFC 6177). All peers without address, those on a Unix socket, are one.
 */
export function clientKey({ remoteAddress }: Pick<ServerRequest, "remoteAddress">): string {
  if (remoteAddress === undefined) return "unix";
  if (!remoteAddress.includes(":")) return remoteAddress;
  const zone = remoteAddress.indexOf("%"); // fe80::1%eth0
  const parsed = parseIp(zone === -1 ? remoteAddress : remoteAddress.slice(0, zone));
  return parsed?.bits === 128 ? `${(parsed.value >> NETWORK_BITS).toString(16)}::/64` : remoteAddress;
}
