/**
 * Where a session's connections come from: the pool with its limits, and everything that decides how a connection is made (DNS,
 * addresses, TLS). Several sessions may share one connector; whoever made it closes it.
 */

import { type Clock, systemClock } from "../concurrency/clock.js";
import { ConnectError, SluiceError, UsageError } from "../errors.js";
import { HTTP1_RESPONSE_LIMITS, type Http1Limits, resolveHttp1Limits } from "../http1/limits.js";
import { Dialer, type DialTarget } from "../net/dial.js";
import { DnsCache, type DnsCacheOptions } from "../net/dns-cache.js";
import { checkTlsOptions, type TlsClientOptions } from "../net/tls-client.js";
import type { Transport } from "../net/transport.js";
import { refuseUnknown, requireFunction, requireNumber } from "../options.js";
import type { ConnectorStats } from "./connector-stats.js";
import type { Exchange } from "./exchange.js";
import type { ExchangePool } from "./exchange-pool.js";
import { Pool } from "./pool.js";
import type { PoolDialDone, PoolDialer, PoolTarget } from "./pool-dial.js";
import type { ProxySetting } from "./proxy/proxy-options.js";
import { RouteDialer } from "./proxy/route-dialer.js";
import { type Router, RouterMaker } from "./proxy/router.js";
import { OpenSockets } from "./websocket/open-sockets.js";

/** What bounds a connector and decides how its connections are made. */
export interface ConnectorOptions {
  /** Most connections at a time, over all origins; 1 to Infinity. @default 100 */
  readonly limit?: number;
  /** Most connections to one origin at a time; 1 to Infinity. @default Infinity */
  readonly limitPerHost?: number;
  /** Most requests that wait for a place; one more is refused with `pool/queue-full`. 0: nobody waits. @default Infinity */
  readonly maxQueue?: number;
  /**
   * Most connections that have become WebSockets and are counted no more above, 1 to Infinity; one more is refused with
   * `pool/upgraded-limit`: places that may be held for days are not waited for. @default Infinity
   */
  readonly limitUpgraded?: number;
  /** Milliseconds after which an unused connection is closed. @default 15_000 */
  readonly keepAliveTimeout?: number;
  /** Most bytes of unread bodies held in memory, over all connections. @default 16 MiB */
  readonly unreadMemory?: number;
  /** Trust, client certificate, versions: see {@link TlsClientOptions}. */
  readonly tls?: TlsClientOptions;
  /** Path of a Unix socket that every connection goes to, whatever the URL's host. */
  readonly unixSocket?: string;
  /** Local IP address to connect from. */
  readonly localAddress?: string;
  /** Cache and source of addresses. */
  readonly dns?: DnsCacheOptions;
  /** Milliseconds before the next address is tried as well (RFC 8305 §5); Infinity: one after the other. @default 250 */
  readonly happyEyeballsDelay?: number;
  /**
   * Asked for every address before it is connected to, for redirects and retries too; false refuses it. For a guard against
   * private networks see `denyPrivateNetworks`. With a proxy the target's addresses are looked up and asked for here as
   * well, and the proxy is asked for a tunnel to one that was allowed; the proxy's own address is not asked for.
   */
  readonly allowAddress?: (address: string, host: string) => boolean;
  /** The proxy of requests that name none: one, `"env"` for the environment's, or a function of the URL. @default none */
  readonly proxy?: ProxySetting;
  /** Bounds on what a peer may send in a head, a chunk or a trailer section. @default those for responses, see {@link Http1Limits} */
  readonly limits?: Partial<Http1Limits>;
  /**
   * Makes connections in place of the network: an in-memory pair, a scripted transport, a tunnel. TLS is then its business, and
   * so is a proxy, which `target.proxy` names: plain requests that the proxy is to pass on are written to it in any case.
   */
  readonly connect?: (target: DialTarget) => Transport | Promise<Transport>;
  /** Source of time; a `ManualClock` in tests. @default the system's */
  readonly clock?: Clock;
  /** Gives a number from 0 up to 1, for the jitter of `retry` and `throttle` of its sessions; a seeded one in tests. @default the system's */
  readonly random?: () => number;
}

const KNOWN: ReadonlySet<string> = new Set<keyof ConnectorOptions>([
  "limit",
  "limitPerHost",
  "maxQueue",
  "limitUpgraded",
  "keepAliveTimeout",
  "unreadMemory",
  "tls",
  "unixSocket",
  "localAddress",
  "dns",
  "happyEyeballsDelay",
  "allowAddress",
  "proxy",
  "limits",
  "connect",
  "clock",
  "random",
]);

const DEFAULTS = {
  limit: 100,
  limitPerHost: Number.POSITIVE_INFINITY,
  maxQueue: Number.POSITIVE_INFINITY,
  limitUpgraded: Number.POSITIVE_INFINITY,
  keepAliveTimeout: 15_000,
  unreadMemory: 16 * 1024 * 1024,
} as const;

const LEAST: Readonly<Record<keyof typeof DEFAULTS, number>> = {
  limit: 1,
  limitPerHost: 1,
  maxQueue: 0,
  limitUpgraded: 1,
  keepAliveTimeout: 0,
  unreadMemory: 0,
};

/** A pool of connections that one or several sessions use. */
export class Connector {
  readonly clock: Clock;
  /** See {@link ConnectorOptions.random}. */
  readonly random: (() => number) | undefined;
  /** WebSockets on its connections. @internal */
  readonly sockets: OpenSockets;
  readonly #pool: Pool;
  readonly #options: ConnectorOptions;
  /** One object per secure or plain origin would be enough; TLS settings are the connector's, so two serve all. */
  readonly #tls: TlsClientOptions;
  readonly #limits: Readonly<Required<Http1Limits>>;
  readonly #routers: RouterMaker;
  readonly #dns: DnsCache;
  #closing: Promise<void> | undefined;

  /** Throws `UsageError` for an option that is unknown or out of range. */
  constructor(options: ConnectorOptions = {}) {
    refuseUnknown("connector", options, KNOWN);
    const sizes = { ...DEFAULTS, ...definedOf(options) };
    for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
      requireNumber(`connector.${name}`, sizes[name], LEAST[name], Number.POSITIVE_INFINITY);
    }
    this.clock = options.clock ?? systemClock;
    if (options.random !== undefined) requireFunction("connector.random", options.random);
    this.random = options.random;
    this.sockets = new OpenSockets(sizes.limitUpgraded);
    this.#options = options;
    if (options.tls !== undefined) checkTlsOptions("connector.tls", options.tls);
    this.#tls = { alpn: ["http/1.1"], ...options.tls };
    const limits = resolveHttp1Limits(options.limits, HTTP1_RESPONSE_LIMITS);
    this.#limits = limits;
    const { connect, allowAddress, proxy } = options;
    this.#refuseProxyToUnixSocket(proxy);
    const { ca, minVersion } = this.#tls;
    this.#routers = new RouterMaker(proxy, { ca, minVersion }, allowAddress !== undefined);
    const dns = new DnsCache(this.clock, options.dns);
    this.#dns = dns;
    const dialer = connect === undefined ? this.#networkDialer(dns) : customDialer(connect);
    this.#pool = new Pool(this.clock, { ...sizes, limits }, dialer, (exchange) => this.#targetOf(exchange));
  }

  /** Where exchanges ask for their connections. @internal */
  get pool(): ExchangePool {
    return this.#pool;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Open, idle, dialing and queued, by origin. */
  stats(): Record<string, ConnectorStats> {
    return this.#pool.stats();
  }

  /** Forgets the addresses of one host, or of all: the next connection looks them up anew. Those that are open stay. */
  forgetAddresses(host?: string): void {
    this.#dns.clear(host?.toLowerCase());
  }

  /**
   * Refuses new requests, closes idle connections and ends WebSockets (1001) at once; exchanges, and the closing of WebSockets, may take
   * `grace` milliseconds, then they are broken off. Resolves when every connection is gone. Idempotent. Throws `UsageError` for a grace out of range.
   * @default grace 0
   */
  close(options: { readonly grace?: number } = {}): Promise<void> {
    const { grace = 0 } = options;
    requireNumber("close.grace", grace, 0, Number.POSITIVE_INFINITY);
    const ended = this.sockets.end(this.clock, grace);
    this.#closing ??= bothDone(this.#pool.drain(), ended);
    if (grace === 0) this.#pool.destroy();
    else if (grace !== Number.POSITIVE_INFINITY) this.#pool.destroyIn(grace);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * How requests find their way with these settings of a session or of one request; undefined: straight to their origins.
   * Throws `UsageError` for a setting that cannot be.
   * @internal
   */
  routerFor(proxy: ProxySetting | undefined, servername: string | undefined): Router | undefined {
    this.#refuseProxyToUnixSocket(proxy);
    return this.#routers.routerFor(proxy, servername);
  }

  #refuseProxyToUnixSocket(proxy: ProxySetting | undefined): void {
    if (this.#options.unixSocket === undefined || proxy === undefined || proxy === false) return;
    throw new UsageError("options/conflict", "Cannot use a proxy together with connector.unixSocket: give one of them");
  }

  #networkDialer(dns: DnsCache): PoolDialer {
    const { happyEyeballsDelay, allowAddress } = this.#options;
    const dialer = new Dialer({ clock: this.clock, dns, happyEyeballsDelay, allowAddress });
    return new RouteDialer({ dialer, dns, allowAddress, limits: this.#limits });
  }

  #targetOf(exchange: Exchange): PoolTarget {
    const { target, route } = exchange.request;
    const { hostname: host, port, secure } = target;
    const { unixSocket, localAddress } = this.#options;
    const tls = secure ? this.#tls : undefined;
    if (route === undefined) return { host, port, tls, unixSocket, localAddress };
    const { proxy, servername } = route;
    return { host, port, tls, unixSocket, localAddress, servername, proxy, route, sessionScope: route.key };
  }
}

async function bothDone(one: Promise<void>, other: Promise<void>): Promise<void> {
  await one;
  await other;
}

/** The options that are there: an explicit `undefined` leaves the default. */
function definedOf(options: ConnectorOptions): Partial<Record<keyof typeof DEFAULTS, number>> {
  const defined: Partial<Record<keyof typeof DEFAULTS, number>> = {};
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = options[name];
    if (value !== undefined) defined[name] = value;
  }
  return defined;
}

/** What a user's `connect` threw, as dialing has it: an error of ours as it is, another as the cause of one. */
function connectFailure({ host, port }: DialTarget, error: unknown): Error {
  if (error instanceof SluiceError) return error;
  const message = `Cannot connect to ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`;
  return new ConnectError("connect/failed", message, { cause: error, phase: "connect" });
}

/** A user's `connect` in the shape of the dialer. */
function customDialer(connect: NonNullable<ConnectorOptions["connect"]>): PoolDialer {
  return {
    dial({ route: _route, sessionScope: _scope, ...plain }, events, done: PoolDialDone) {
      const { host, port } = plain;
      let waiting = true;
      const settle: PoolDialDone = (error, transport) => {
        if (waiting) {
          waiting = false;
          done(error, transport);
        } else transport?.destroy();
      };
      Promise.resolve()
        .then(() => {
          events.onConnectStart?.(host, port);
          return connect(plain);
        })
        .then(
          (transport) => {
            if (waiting) events.onConnectEnd?.(host, port);
            settle(undefined, transport);
          },
          (error: unknown) => {
            const failure = connectFailure(plain, error);
            if (waiting) events.onConnectFailed?.(host, port, failure);
            settle(failure, undefined);
          },
        );
      return { cancel: (reason) => queueMicrotask(() => settle(reason, undefined)) };
    },
  };
}
