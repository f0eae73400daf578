/**
 * A connector that answers instead of the network: for tests of code that makes requests. Requests go through the whole client, from the
 * session to bytes on a connection in memory, and are answered by the server's engine; only the network is missing. Nothing global is
 * touched, and what was not prepared is an error.
 */

import { Connector, type ConnectorOptions } from "../../client/connector.js";
import type { ExchangePool } from "../../client/exchange-pool.js";
import { checkedMethod } from "../../client/request-method.js";
import { type Clock, systemClock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { parseUrl } from "../../http/parse-url.js";
import type { DialTarget } from "../../net/dial.js";
import { memoryPair } from "../../net/memory.js";
import type { PeerInfo, Transport } from "../../net/transport.js";
import { resolveConnectionOptions } from "../../server/connection-options.js";
import { linkSettingsFrom } from "../../server/listen.js";
import { MockBook } from "./mock-book.js";
import { MockConnection, type MockHost } from "./mock-connection.js";
import type { MockRequest, ShownNames } from "./mock-request.js";
import { MockRoute } from "./mock-route.js";
import { type MockMatch, type MockUrl, RequestMatcher } from "./request-matcher.js";
import { SelectingPool } from "./selecting-pool.js";

/** Options of a {@link MockConnector}: a connector's own, limits of the pool above all, and what its messages may show. */
export interface MockConnectorOptions extends Omit<ConnectorOptions, "connect"> {
  /** Query names whose values may stand in messages; all others are shown as `…`. @default none */
  readonly showQuery?: readonly string[];
  /** Further header names whose values are secret. @default none */
  readonly secretHeaders?: readonly string[];
}

const NEVER = Number.POSITIVE_INFINITY;
/** What a test sends is no attack. */
const UNLIMITED = {
  maxHeadBytes: NEVER,
  maxLineBytes: NEVER,
  maxFieldCount: NEVER,
  maxTargetBytes: NEVER,
  maxTrailerBytes: NEVER,
  maxTrailerCount: NEVER,
  maxChunkExtensionBytes: NEVER,
};

/** See the head of this file. Closing it, by `close()` or `await using`, is its maker's duty. */
export class MockConnector extends Connector {
  readonly #book: MockBook;
  readonly #shown: ShownNames;
  readonly #selecting: SelectingPool;

  /** Throws `UsageError` for an option that is unknown or out of range. */
  constructor(options: MockConnectorOptions = {}) {
    const { showQuery, secretHeaders, ...rest } = options;
    const shown: ShownNames = {
      showQuery: showQuery === undefined ? undefined : new Set(showQuery),
      secretFields: secretHeaders === undefined ? undefined : new Set(secretHeaders.map((name) => name.toLowerCase())),
    };
    const host = hostOf(rest.clock ?? systemClock, shown);
    super({ ...rest, connect: (target) => connectTo(host, target) });
    this.#book = host.book;
    this.#shown = shown;
    this.#selecting = new SelectingPool(super.pool);
  }

  override get pool(): ExchangePool {
    return this.#selecting;
  }

  /** The requests that arrived, in order: each send is one, whether it was answered or not. */
  get calls(): readonly MockRequest[] {
    return this.#book.calls;
  }

  /** The routes that still expect requests. */
  get pending(): readonly MockRoute[] {
    return this.#book.routes.filter((route) => route.pending);
  }

  /**
   * Prepares answers to requests of this method (`*`: of any), URL and match: say which with `reply`, `raw` or `fail`. Of several routes
   * that match, the one registered first answers, until its answers are used up. Throws `UsageError` `options/…`, `url/invalid`,
   * `request/…` for a method that is none.
   */
  request(method: string, url: MockUrl, match: MockMatch = {}): MockRoute {
    const wanted = method === "*" ? undefined : checkedMethod(method);
    const route = new MockRoute(new RequestMatcher(wanted, url, match, this.#shown));
    this.#book.routes.push(route);
    return route;
  }

  get(url: MockUrl, match?: MockMatch): MockRoute {
    return this.request("GET", url, match);
  }

  head(url: MockUrl, match?: MockMatch): MockRoute {
    return this.request("HEAD", url, match);
  }

  post(url: MockUrl, match?: MockMatch): MockRoute {
    return this.request("POST", url, match);
  }

  put(url: MockUrl, match?: MockMatch): MockRoute {
    return this.request("PUT", url, match);
  }

  patch(url: MockUrl, match?: MockMatch): MockRoute {
    return this.request("PATCH", url, match);
  }

  delete(url: MockUrl, match?: MockMatch): MockRoute {
    return this.request("DELETE", url, match);
  }

  options(url: MockUrl, match?: MockMatch): MockRoute {
    return this.request("OPTIONS", url, match);
  }

  query(url: MockUrl, match?: MockMatch): MockRoute {
    return this.request("QUERY", url, match);
  }

  /**
   * Lets requests to `origin` through to `connector`, which may reach the network, and is closed by whoever made it. They are no calls of
   * the mock. Throws `UsageError` `url/invalid` for what is no origin, such as `https://example.com`.
   */
  passThrough(origin: string | URL, connector: Connector): this {
    const url = parseUrl(String(origin));
    if (url === undefined || url.href !== `${url.origin}/`) {
      throw new UsageError(
        "url/invalid",
        "Cannot pass requests through: expected an origin, such as https://example.com",
      );
    }
    this.#selecting.select(url.origin, connector.pool);
    return this;
  }

  /**
   * Throws unless everything expected has come, and nothing else: `UsageError` `mock/pending`, or the first `mock/unmatched` or
   * `mock/reply-failed`, which the code under test may have caught.
   */
  assertDone(): void {
    this.#book.assertDone();
  }

  /** Forgets routes, calls and failures; connections stay. */
  reset(): void {
    this.#book.routes = [];
    this.#book.calls = [];
    this.#book.failures = [];
  }
}

function hostOf(clock: Clock, shown: ShownNames): MockHost {
  const options = resolveConnectionOptions({ limits: UNLIMITED });
  return { book: new MockBook(), clock, shown, settings: linkSettingsFrom(options, clock) };
}

function connectTo(host: MockHost, { host: name, port, tls }: DialTarget): Transport {
  const authority = name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
  const origin = new URL(`${tls === undefined ? "http" : "https"}://${authority}:${port}`);
  const [near, far] = memoryPair({
    peers: [serverSeen(name, port, tls !== undefined), serverSeen(name, port, tls !== undefined)],
  });
  new MockConnection(host, near, far, origin);
  return near;
}

/** No address: there is no network. TLS as it would be, without certificates. */
function serverSeen(servername: string, port: number, secure: boolean): PeerInfo {
  const tls = {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    alpn: "http/1.1",
    servername,
    authorized: true,
    resumed: false,
  };
  return {
    remoteAddress: undefined,
    remotePort: port,
    localAddress: undefined,
    localPort: undefined,
    tls: secure ? tls : undefined,
  };
}
