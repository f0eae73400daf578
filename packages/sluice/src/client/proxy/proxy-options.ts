/** What a caller says about proxies; `proxy-server.ts` makes sense of it. */

import type { TlsClientOptions } from "../../net/tls-client.js";
import type { HeadersInput } from "../options.js";

/** One proxy. */
export interface ProxyOptions {
  /**
   * Scheme, host and port: `http:` (port 80), `https:` (443: TLS with the proxy itself), `socks5h:` or `socks:` (1080, the proxy
   * looks names up), `socks5:` (1080, we do), `socks4a:` and `socks4:` likewise. User information is credentials.
   */
  readonly url: string | URL;
  /** Goes before that in the URL. Over HTTP as Basic credentials (RFC 7617), over SOCKS 5 after RFC 1929, over SOCKS 4 as user id. */
  readonly username?: string;
  readonly password?: string;
  /** Further fields for the proxy alone, with CONNECT or with each request it passes on. HTTP only. */
  readonly headers?: HeadersInput;
  /** TLS with an `https:` proxy. @default the connector's `ca` and `minVersion` */
  readonly tls?: TlsClientOptions;
  /** Asks for a tunnel (CONNECT) for http: URLs too, instead of having the proxy pass requests on. HTTP only. @default false */
  readonly tunnel?: boolean;
}

/** What a function chooses: a proxy, or none. */
export type ProxyChoice = string | URL | ProxyOptions | false | null | undefined;

/**
 * Which proxy a request goes through: one for all, those of the environment, a function's choice for each URL, or `false` for
 * none. The function is asked for each hop and attempt, gets the URL without user information, and may answer with nothing, or
 * with a promise; the request's own end does not wait for that.
 */
export type ProxySetting = string | URL | ProxyOptions | false | ((url: URL) => ProxyChoice | Promise<ProxyChoice>);
