/**
 * Who the client is when proxies stand before the server. Nothing a client can write is believed: forwarding fields count only
 * when the peer of the connection is a trusted proxy, and only the fields that this proxy is known to set, because it passes
 * the others on as the client wrote them.
 */

import { UsageError } from "../errors.js";
import { type IpRange, inRange, parseIp, parseIpRange, plainAddress } from "../http/ip-range.js";
import { isAuthority } from "../http/target.js";
import type { FieldLines } from "../http1/sinks.js";
import { joinField } from "./field-lookup.js";
import { forwardedHops, listEntries, nodeAddress } from "./forwarded.js";

/** The fields by which proxies tell about the client. */
export type ForwardingField = "forwarded" | "x-forwarded-for" | "x-forwarded-proto" | "x-forwarded-host";

/** Which proxies are believed, and what they say. */
export interface TrustProxyOptions {
  /**
   * The proxies' addresses, as `"10.0.0.7"` or `"10.0.0.0/8"`, and `"unix"` for every peer on a Unix socket.
   * `UsageError` `options/address-range` for anything else.
   */
  readonly from: readonly string[];
  /**
   * The fields that these proxies set themselves on every request, whatever the client sent. A field they only pass on must not be here:
   * the client would choose what it says. `forwarded`, if listed and present, goes before the others.
   *
   * @default ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]
   */
  readonly fields?: readonly ForwardingField[];
}

/** What is known about the client's end of the first trusted hop. */
export interface ClientView {
  readonly address: string | undefined;
  /** The client's address, then those of the trusted proxies, the peer's last; unknown ones are left out. */
  readonly addresses: readonly string[];
  /** Undefined: as the connection has it. */
  readonly scheme: "http" | "https" | undefined;
  /** A valid authority; undefined: as the request has it. */
  readonly host: string | undefined;
}

const FIELDS: readonly ForwardingField[] = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
const DEFAULT_FIELDS: readonly ForwardingField[] = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
const UNIX = "unix";

/** See the head of this file. */
export class ProxyTrust {
  readonly #ranges: readonly IpRange[];
  readonly #unix: boolean;
  readonly #fields: ReadonlySet<ForwardingField>;

  constructor(options: readonly string[] | TrustProxyOptions) {
    const { from, fields = DEFAULT_FIELDS } = "from" in options ? options : { from: options };
    this.#unix = from.includes(UNIX);
    this.#ranges = from.filter((entry) => entry !== UNIX).map(parseIpRange);
    for (const field of fields) {
      if (FIELDS.includes(field)) continue;
      throw new UsageError(
        "options/unknown-value",
        `Cannot trust field "${field}": expected one of ${FIELDS.join(", ")}`,
      );
    }
    this.#fields = new Set(fields);
  }

  /** Whether a peer of this address is one of the proxies; no address is a Unix socket. */
  isTrusted(address: string | undefined): boolean {
    if (address === undefined) return this.#unix;
    const zone = address.indexOf("%"); // fe80::1%eth0
    const parsed = parseIp(zone === -1 ? address : address.slice(0, zone));
    return parsed !== undefined && this.#ranges.some((range) => inRange(parsed, range));
  }

  /** Whether the proxies set this field themselves, so that it says what they know and not what a client wrote. */
  believes(field: ForwardingField): boolean {
    return this.#fields.has(field);
  }

  /** The client as seen by the outermost trusted proxy; the peer itself when that is not trusted. */
  view(peerAddress: string | undefined, fields: FieldLines): ClientView {
    const peer = viewOfPeer(peerAddress);
    if (!this.isTrusted(peerAddress)) return peer;
    const forwarded = this.#joined(fields, "forwarded");
    return forwarded === undefined ? this.#viewByLists(peer, fields) : this.#viewByElements(peer, forwarded);
  }

  #viewByElements(peer: ClientView, forwarded: string): ClientView {
    const addresses = [...peer.addresses];
    let { scheme, host } = peer;
    for (const hop of forwardedHops(forwarded)) {
      const address = hop.address === undefined || parseIp(hop.address) === undefined ? undefined : hop.address;
      if (address !== undefined) addresses.unshift(plainAddress(address));
      scheme = readScheme(hop.proto);
      host = readHost(hop.host);
      if (address === undefined || !this.isTrusted(address)) break;
    }
    return { address: addresses[0], addresses, scheme, host };
  }

  #viewByLists(peer: ClientView, fields: FieldLines): ClientView {
    const addresses = [...peer.addresses];
    for (const entry of listEntries(this.#joined(fields, "x-forwarded-for") ?? "")) {
      const claimed = nodeAddress(entry);
      if (claimed === undefined || parseIp(claimed) === undefined) break;
      addresses.unshift(plainAddress(claimed));
      if (!this.isTrusted(claimed)) break;
    }
    const proto = nearestEntry(this.#joined(fields, "x-forwarded-proto"));
    const host = nearestEntry(this.#joined(fields, "x-forwarded-host"));
    return { address: addresses[0], addresses, scheme: readScheme(proto), host: readHost(host) };
  }

  #joined(fields: FieldLines, name: ForwardingField): string | undefined {
    return this.#fields.has(name) ? joinField(fields, name) : undefined;
  }
}

/** The client without any proxy: the peer of the connection. */
export function viewOfPeer(peerAddress: string | undefined): ClientView {
  const addresses = peerAddress === undefined ? [] : [plainAddress(peerAddress)];
  return { address: addresses[0], addresses, scheme: undefined, host: undefined };
}

/** The rightmost entry: whether proxies replace the field or add to it, that one a trusted proxy wrote. */
function nearestEntry(list: string | undefined): string | undefined {
  return list === undefined ? undefined : list.slice(list.lastIndexOf(",") + 1).trim();
}

function readScheme(proto: string | undefined): "http" | "https" | undefined {
  const scheme = proto?.toLowerCase();
  return scheme === "http" || scheme === "https" ? scheme : undefined;
}

function readHost(host: string | undefined): string | undefined {
  return host !== undefined && host !== "" && isAuthority(host) ? host : undefined;
}
