/** What a fetch-style application is told about a request beside the request itself. */

import type { PeerInfo } from "../../net/transport.js";
import type { ServerExchange } from "../exchange.js";
import { type ClientView, viewOfPeer } from "../trust-proxy.js";

/** Whoever keeps promises that outlive their answers. */
export interface Afterwards {
  /** The server's end waits for `work`; its failure is reported. */
  waitUntil(work: PromiseLike<unknown>): void;
}

/** The connection in the words of Node's own server, as far as frameworks ask for it. */
export interface IncomingInfo {
  readonly socket: {
    readonly remoteAddress: string | undefined;
    readonly remotePort: number | undefined;
    readonly remoteFamily: "IPv4" | "IPv6" | undefined;
  };
}

/**
 * The second and the third argument of a fetch handler: what hono calls `c.env` and `c.executionCtx`. Nothing in it is made before it
 * is asked for.
 */
export class FetchContext {
  /** Free for the application: what `executionCtx.props` is to hono's types. */
  readonly props: unknown = undefined;
  readonly #exchange: ServerExchange;
  readonly #view: ClientView | undefined;
  readonly #afterwards: Afterwards;

  constructor(exchange: ServerExchange, view: ClientView | undefined, afterwards: Afterwards) {
    this.#exchange = exchange;
    this.#view = view;
    this.#afterwards = afterwards;
  }

  /** The client's IP address, as trusted proxies tell it; undefined on a Unix socket without one. */
  get remoteAddress(): string | undefined {
    return (this.#view ?? viewOfPeer(this.#exchange.peer().remoteAddress)).address;
  }

  /** The connection itself: addresses and ports of its two ends, and what TLS has agreed on. */
  get peer(): PeerInfo {
    return this.#exchange.peer();
  }

  /** Aborted when the client goes away before the answer is complete, or the server is closed hard. */
  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  /**
   * Has the end of the server wait for work that goes on after the answer, ten seconds at most. A failure of it is reported. Needs
   * no `this`.
   */
  get waitUntil(): (work: PromiseLike<unknown>) => void {
    return (work) => this.#afterwards.waitUntil(work);
  }

  /** Does nothing: there is no other server that a failed request could be passed on to. Needs no `this`. */
  get passThroughOnException(): () => void {
    return () => undefined;
  }

  /** For code that looks for Node's own request here, such as `getConnInfo` of @hono/node-server; it has no more than this. */
  get incoming(): IncomingInfo {
    const { remoteAddress, remotePort } = this.#exchange.peer();
    const family = remoteAddress?.includes(":") ? "IPv6" : "IPv4";
    return { socket: { remoteAddress, remotePort, remoteFamily: remoteAddress === undefined ? undefined : family } };
  }
}
