/** Dials straight, or, where a route has a proxy, by it. What only proxies need is loaded with the first of them. */

import type { DialEvents } from "../../net/dial.js";
import type { PoolDialDone, PoolDialer, PoolDialing, PoolTarget } from "../pool-dial.js";
import type { ProxyDialerParts } from "./proxy-dialer.js";

/** The network's dialer for every route. */
export class RouteDialer implements PoolDialer {
  readonly #parts: ProxyDialerParts;
  #byProxy: typeof import("./proxy-dialer.js") | undefined;

  constructor(parts: ProxyDialerParts) {
    this.#parts = parts;
  }

  dial(target: PoolTarget, events: DialEvents, done: PoolDialDone, limitMs: number): PoolDialing {
    const { route } = target;
    const proxy = route?.proxy;
    if (route === undefined || proxy === undefined) return this.#parts.dialer.dial(target, events, done, limitMs);
    const order = { target, route, proxy, events, limitMs };
    if (this.#byProxy !== undefined) return this.#byProxy.dialByProxy(this.#parts, order, done);
    let cancelled: Error | undefined;
    let dialing: PoolDialing | undefined;
    import("./proxy-dialer.js").then(
      (module) => {
        this.#byProxy = module;
        if (cancelled === undefined) dialing = module.dialByProxy(this.#parts, order, done);
        else done(cancelled, undefined);
      },
      (error: Error) => done(error, undefined),
    );
    return {
      cancel: (reason) => {
        if (dialing === undefined) cancelled ??= reason;
        else dialing.cancel(reason);
      },
    };
  }
}
