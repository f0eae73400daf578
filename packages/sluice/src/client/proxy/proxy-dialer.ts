/**
 * Dials through a proxy: says what to ask it for, and, where names are looked up on our side, tries the target's addresses one
 * after the other. They are looked up here for SOCKS 4 and 5 (as opposed to 4a and 5h), and for every proxy when the connector
 * has a policy for addresses: then the address that was allowed is the one the proxy is asked for, and no name reaches it.
 */

import { ConnectError, ProxyError } from "../../errors.js";
import type { Http1Limits } from "../../http1/limits.js";
import { connectError, dnsError, refusalOf } from "../../net/connect-error.js";
import type { DialEvents, DialTarget } from "../../net/dial.js";
import type { DnsCache } from "../../net/dns-cache.js";
import { interleaveFamilies, type ResolvedAddress } from "../../net/happy-eyeballs.js";
import type { OpenTunnel } from "../../net/proxy-hop.js";
import { socksTunnel } from "../../net/socks-tunnel.js";
import type { Transport } from "../../net/transport.js";
import { connectTunnel } from "../../wire/connect-tunnel.js";
import type { PoolDialDone, PoolDialer, PoolDialing } from "../pool-dial.js";
import type { ProxyServer } from "./proxy-server.js";
import type { Route } from "./route.js";

/** What dialing through proxies needs of the connector. */
export interface ProxyDialerParts {
  /** Connects to the proxy, and speaks TLS behind it. */
  readonly dialer: PoolDialer;
  readonly dns: DnsCache;
  readonly allowAddress: ((address: string, host: string) => boolean) | undefined;
  /** For the proxy's answer to CONNECT. */
  readonly limits: Readonly<Required<Http1Limits>>;
}

/** One dial, and whom it is for. */
interface Order {
  readonly target: DialTarget;
  readonly route: Route;
  readonly proxy: ProxyServer;
  readonly events: DialEvents;
  readonly limitMs: number;
}

/** Dials `target` by `route`, which has a proxy. As `PoolDialer.dial`. */
export function dialByProxy(parts: ProxyDialerParts, order: Order, done: PoolDialDone): PoolDialing {
  const dialing = new ProxyDialing(parts, order, done);
  dialing.begin();
  return dialing;
}

class ProxyDialing implements PoolDialing {
  readonly #parts: ProxyDialerParts;
  readonly #order: Order;
  readonly #done: PoolDialDone;
  readonly #failures: Error[] = [];
  /** Addresses of the target that are still to be tried. */
  #addresses: string[] = [];
  #stop: ((reason: Error) => void) | undefined;
  #over = false;

  constructor(parts: ProxyDialerParts, order: Order, done: PoolDialDone) {
    this.#parts = parts;
    this.#order = order;
    this.#done = done;
  }

  begin(): void {
    const { route, proxy, target } = this.#order;
    const isNamed = proxy.scheme !== "socks4" && proxy.scheme !== "socks5" && this.#parts.allowAddress === undefined;
    if (route.forwards) this.#dial(undefined);
    else if (isNamed) this.#dialTo(target.host);
    else this.#resolve();
  }

  cancel(reason: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop?.(reason);
    queueMicrotask(() => this.#done(reason, undefined));
  }

  #resolve(): void {
    const { target, events } = this.#order;
    const { host } = target;
    const { dns } = this.#parts;
    const known = dns.tryResolve(host);
    if (known !== undefined) {
      this.#tryThese(known);
      return;
    }
    events.onDnsStart?.(host);
    const wait = dns.resolve(host, (failure, addresses) => {
      if (failure === undefined) {
        events.onDnsEnd?.(host, addresses.map(literalOf));
        this.#tryThese(addresses);
      } else this.#finish(dnsError(host, failure), undefined);
    });
    this.#stop = () => wait.leave();
  }

  #tryThese(addresses: readonly ResolvedAddress[]): void {
    const { target } = this.#order;
    const { allowAddress } = this.#parts;
    for (const address of interleaveFamilies(addresses).map(literalOf)) {
      const refusal = allowAddress === undefined ? undefined : refusalOf(allowAddress, address, target.host);
      if (refusal === undefined) this.#addresses.push(address);
      else this.#failures.push(refusal);
    }
    this.#tryNext();
  }

  #tryNext(): void {
    const next = this.#addresses.shift();
    if (next !== undefined) this.#dialTo(next);
    else this.#finish(this.#failure(), undefined);
  }

  #dialTo(host: string): void {
    try {
      this.#dial(this.#tunnelTo(host));
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #dial(openTunnel: OpenTunnel | undefined): void {
    const { target, proxy, events, limitMs } = this.#order;
    const { label, host, port, tls } = proxy;
    const hop = { label, host, port, tls, openTunnel };
    const dialing = this.#parts.dialer.dial(
      { ...target, proxy: hop },
      events,
      (error, transport) => {
        if (transport !== undefined) this.#finish(undefined, transport);
        else if (error !== undefined) this.#failed(error);
      },
      limitMs,
    );
    this.#stop = (reason) => dialing.cancel(reason);
  }

  #tunnelTo(host: string): OpenTunnel {
    const { proxy, target, limitMs } = this.#order;
    const { scheme, label, credentials, fields } = proxy;
    const { port } = target;
    if (proxy.isHttp) {
      const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
      return connectTunnel({ authority, fields, label, limits: this.#parts.limits });
    }
    const version = scheme === "socks4" || scheme === "socks4a" ? 4 : 5;
    if (version === 4 && host.includes(":")) {
      const message = `Cannot connect to ${host} by the proxy ${label}: SOCKS 4 knows no IPv6 addresses`;
      throw new ConnectError("connect/no-usable-address", message, { phase: "connect" });
    }
    return socksTunnel({ version, host, port, credentials, label, limitMs });
  }

  /** One try has failed; another address may be in better reach of the proxy. */
  #failed(error: Error): void {
    if (this.#over) return;
    this.#failures.push(error);
    if (this.#addresses.length > 0 && isAboutTheAddress(error)) this.#tryNext();
    else this.#finish(this.#failure(), undefined);
  }

  #failure(): Error {
    const { host, port } = this.#order.target;
    const told = this.#failures.findLast((failure) => failure instanceof ProxyError) ?? this.#failures.at(-1);
    return told ?? connectError(`${host}:${port}`, this.#failures);
  }

  #finish(error: Error | undefined, transport: Transport | undefined): void {
    if (this.#over) {
      transport?.destroy();
      return;
    }
    this.#over = true;
    this.#stop = undefined;
    // A refusal may be found before `dial` has returned.
    queueMicrotask(() => this.#done(error, transport));
  }
}

/** The proxy is well, and has no way to this address; a refusal of the request as such would be the same for the next one. */
function isAboutTheAddress(error: Error): boolean {
  if (error instanceof ConnectError && error.code === "connect/no-usable-address") return true;
  if (!(error instanceof ProxyError) || error.code !== "proxy/refused") return false;
  return error.status === undefined || error.status >= 500;
}

function literalOf({ address }: ResolvedAddress): string {
  return address;
}
