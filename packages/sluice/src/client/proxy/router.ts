/**
 * Finds the way of each hop of a request: what the request says goes before what the session says, and that before the
 * connector. A redirect is a new hop, so its way is found anew: another host may have another proxy, or none.
 */

import { UsageError } from "../../errors.js";
import type { TlsClientOptions } from "../../net/tls-client.js";
import type { ClientRequest } from "../request.js";
import type { RequestUrl } from "../request-url.js";
import { EnvProxies } from "./env-proxies.js";
import type { ProxyChoice, ProxyOptions, ProxySetting } from "./proxy-options.js";
import { ProxyServer } from "./proxy-server.js";
import { Route } from "./route.js";

/** Proxies remembered that were given as text: functions give the same ones again and again. */
const REMEMBERED = 256;

/**
 * The way of a hop, or undefined: straight to its origin; a promise only where a `proxy` function returned one. Throws what that
 * function throws, and `UsageError`.
 */
export type Router = (request: ClientRequest) => Route | undefined | Promise<Route | undefined>;

type Choice = (url: RequestUrl) => ProxyServer | undefined | Promise<ProxyServer | undefined>;

/** Makes the routers of one connector's sessions. */
export class RouterMaker {
  readonly #tls: TlsClientOptions;
  readonly #tunnelsOnly: boolean;
  readonly #default: Choice | undefined;
  readonly #byText = new Map<string, ProxyServer>();
  readonly #byOptions = new WeakMap<object, ProxyServer>();

  /**
   * `tls`: for `https:` proxies without settings of their own. `tunnelsOnly`: no proxy is to look a name up, so none gets a
   * request to pass on. Throws `UsageError` `options/proxy`.
   */
  constructor(proxy: ProxySetting | undefined, tls: TlsClientOptions, tunnelsOnly: boolean) {
    this.#tls = tls;
    this.#tunnelsOnly = tunnelsOnly;
    this.#default = proxy === undefined ? undefined : this.#choiceOf(proxy);
  }

  /** Undefined where every request goes straight. Throws `UsageError` `options/proxy`. */
  routerFor(proxy: ProxySetting | undefined, servername: string | undefined): Router | undefined {
    if (servername !== undefined) requireServername(servername);
    const choice = proxy === undefined ? this.#default : this.#choiceOf(proxy);
    if (choice === undefined && servername === undefined) return undefined;
    return (request) => {
      const { target } = request;
      // The name was meant for the origin that was asked for, not for whatever it redirects to.
      const name = request.trust === "none" ? undefined : servername;
      const server = choice?.(target);
      if (server instanceof Promise) return server.then((chosen) => this.#route(request, chosen, name));
      return this.#route(request, server, name);
    };
  }

  #route(request: ClientRequest, server: ProxyServer | undefined, name: string | undefined): Route | undefined {
    const { target } = request;
    if (server === undefined && (name === undefined || !target.secure)) return undefined;
    return new Route(target, server, name, server !== undefined && this.#forwards(server, request));
  }

  /** RFC 6455 §4.1: a WebSocket asks for a tunnel, whatever its scheme. */
  #forwards(server: ProxyServer, { target, upgrades }: ClientRequest): boolean {
    return server.isHttp && !target.secure && !server.tunnel && !this.#tunnelsOnly && !upgrades;
  }

  #choiceOf(proxy: ProxySetting): Choice | undefined {
    if (proxy === false) return () => undefined;
    if (proxy === "env") {
      const environment = new EnvProxies(process.env);
      // What stands there wrong is told now, not with the first request.
      for (const text of [environment.http, environment.https]) if (text !== undefined) this.#serverOf(text);
      return (url) => {
        const text = environment.proxyFor(url);
        return text === undefined ? undefined : this.#serverOf(text);
      };
    }
    if (typeof proxy === "function") {
      return ({ url }) => {
        const chosen = proxy(url);
        if (isPromise(chosen)) return chosen.then((one) => this.#serverChosen(one));
        return this.#serverChosen(chosen);
      };
    }
    const server = this.#serverOf(proxy);
    return () => server;
  }

  #serverChosen(chosen: ProxyChoice): ProxyServer | undefined {
    return chosen === undefined || chosen === null || chosen === false ? undefined : this.#serverOf(chosen);
  }

  #serverOf(given: string | URL | ProxyOptions): ProxyServer {
    if (typeof given === "string" || given instanceof URL) return this.#serverNamed(String(given));
    if (typeof given !== "object" || "then" in given) {
      throw new UsageError(
        "options/proxy",
        "Cannot use proxy: expected a URL, options, or a function that returns them",
      );
    }
    let server = this.#byOptions.get(given);
    if (server === undefined) {
      server = new ProxyServer(given, this.#tls);
      this.#byOptions.set(given, server);
    }
    return server;
  }

  #serverNamed(text: string): ProxyServer {
    let server = this.#byText.get(text);
    if (server === undefined) {
      server = new ProxyServer(text, this.#tls);
      if (this.#byText.size >= REMEMBERED) this.#byText.clear();
      this.#byText.set(text, server);
    }
    return server;
  }
}

function requireServername(servername: unknown): void {
  if (typeof servername === "string" && servername !== "") return;
  throw new UsageError("options/unknown-value", "Cannot use servername: expected a host name");
}

function isPromise(value: ProxyChoice | Promise<ProxyChoice>): value is Promise<ProxyChoice> {
  return value instanceof Promise;
}
