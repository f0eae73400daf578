/** How one request gets to its origin, where that is not straight: by a proxy, or to a server that is asked for by another name. */

import type { RequestUrl } from "../request-url.js";
import type { ProxyServer } from "./proxy-server.js";

/** Ends the part of a key that may be shown. */
const SECRET_BEHIND = "\n";

/** One way. Connections are interchangeable between requests whose routes have the same key. */
export class Route {
  readonly key: string;
  readonly proxy: ProxyServer | undefined;
  /** Name to ask for and to find in the certificate, in place of the host. */
  readonly servername: string | undefined;
  /** The proxy gets the request itself and passes it on (RFC 9112 §3.2.2): it is no tunnel. */
  readonly forwards: boolean;

  constructor(target: RequestUrl, proxy: ProxyServer | undefined, servername: string | undefined, forwards: boolean) {
    this.proxy = proxy;
    this.servername = target.secure ? servername : undefined;
    this.forwards = forwards;
    const named = this.servername === undefined ? target.origin : `${target.origin} as ${servername}`;
    // A tunnel ends at the origin, another connection at the proxy.
    const means = forwards ? "" : "\ntunnel";
    this.key = proxy === undefined ? named : `${named} via ${proxy.label}${SECRET_BEHIND}${proxy.key}${means}`;
  }
}

/** A key without its secrets. */
export function shownRoute(key: string): string {
  const end = key.indexOf(SECRET_BEHIND);
  return end === -1 ? key : key.slice(0, end);
}
