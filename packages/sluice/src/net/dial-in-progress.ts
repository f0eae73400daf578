/**
 * One dialing, from the name to the connected (and on TLS trusted) transport. Its states:
 *
 *   resolving → racing → securing → over                             a Unix socket starts at racing, against nobody
 *   resolving → racing → securing → tunnelling → securing → over     the same for a proxy, then for what lies behind it
 *
 * `over` can follow any of them, by failure or by cancel. What is under way in a state is released through `#stop`,
 * so that leaving the state, however it comes, leaves nothing open.
 */

import { isIP } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { UsageError } from "../errors.js";
import { connectError, dnsError, refusalOf } from "./connect-error.js";
import type { DialDone, DialEvents, Dialing, DialTarget } from "./dial.js";
import type { DialContext } from "./dial-context.js";
import {
  AddressRace,
  type Attempt,
  type AttemptOutcome,
  interleaveFamilies,
  type ResolvedAddress,
} from "./happy-eyeballs.js";
import { type OpeningSocket, openSocket, type Place } from "./open-socket.js";
import { type ProxyHop, unreachableProxy } from "./proxy-hop.js";
import { SocketTransport } from "./socket-transport.js";
import { nodeTlsOptions, type TlsPlace } from "./tls-client.js";
import { awaitHandshake } from "./tls-handshake.js";
import type { Transport } from "./transport.js";

/** An attempt that has ended before it was given back. */
const ENDED_ATTEMPT: Attempt = { abandon: () => undefined };

/** {@link Dialing} with its effects; made by `Dialer.dial`. */
export class DialInProgress implements Dialing {
  readonly #context: DialContext;
  readonly #target: DialTarget;
  readonly #events: DialEvents;
  readonly #done: DialDone;
  /** What is connected to: the proxy, or the target itself. */
  readonly #first: TlsPlace;
  #tlsOptions: ConnectionOptions | undefined;
  /** Releases what is under way. */
  #stop: (() => void) | undefined;
  #over = false;
  /** Inside `begin` or `cancel`, where `done` may not be called yet. */
  #deferDone = true;

  constructor(context: DialContext, target: DialTarget, events: DialEvents, done: DialDone) {
    this.#context = context;
    this.#target = target;
    this.#events = events;
    this.#done = done;
    const { proxy } = target;
    this.#first =
      proxy === undefined
        ? placeOf(target)
        : { host: proxy.host, port: proxy.port, tls: proxy.tls, servername: undefined, scope: scopeOf(target) };
  }

  begin(): void {
    const { unixSocket, localAddress } = this.#target;
    const { tls } = this.#first;
    try {
      if (localAddress !== undefined) requireIp(localAddress);
      if (tls !== undefined) this.#tlsOptions = nodeTlsOptions(this.#first, tls, this.#context.sessions);
      if (unixSocket === undefined) this.#resolve();
      else this.#connectUnix(unixSocket);
    } catch (error) {
      this.#finish(asError(error), undefined);
    }
    this.#deferDone = false;
  }

  cancel(reason: Error): void {
    if (this.#over) return;
    this.#deferDone = true;
    this.#finish(reason, undefined);
  }

  #resolve(): void {
    const { host } = this.#first;
    const events = this.#events;
    const { dns } = this.#context;
    const known = dns.tryResolve(host);
    if (known !== undefined) {
      if (isIP(host) === 0) events.onDnsCacheHit?.(host);
      this.#race(known);
      return;
    }
    events.onDnsCacheMiss?.(host);
    events.onDnsStart?.(host);
    const wait = dns.resolve(host, (failure, addresses) => {
      if (failure !== undefined) {
        const error = dnsError(host, failure);
        events.onDnsFailed?.(host, error);
        this.#failFirst(error);
        return;
      }
      if (events.onDnsEnd !== undefined) events.onDnsEnd(host, addresses.map(literalOf));
      this.#race(addresses);
    });
    this.#stop = () => wait.leave();
  }

  #race(addresses: readonly ResolvedAddress[]): void {
    const { clock, happyEyeballsDelayMs } = this.#context;
    const { localAddress } = this.#target;
    const { host, port } = this.#first;
    // A socket bound to an IPv4 address cannot connect to an IPv6 one, nor the other way round.
    const family = localAddress === undefined ? 0 : isIP(localAddress);
    const usable = family === 0 ? addresses : addresses.filter((address) => address.family === family);
    const race = new AddressRace<OpeningSocket>({
      clock,
      delayMs: happyEyeballsDelayMs,
      addresses: interleaveFamilies(usable),
      start: ({ address }, outcome) => this.#attemptAllowed(address, { address, port, localAddress }, outcome),
      done: (winner, failures) => this.#connected(winner, failures, `${host}:${port}`),
    });
    this.#stop = () => race.cancel();
    race.begin();
  }

  #connectUnix(path: string): void {
    const attempt = this.#attempt({ path }, (error, winner) => {
      this.#connected(winner, error === undefined ? [] : [error], path);
    });
    if (!this.#over) this.#stop = () => attempt.abandon();
  }

  #attemptAllowed(address: string, place: Place, outcome: AttemptOutcome<OpeningSocket>): Attempt {
    const { allowAddress } = this.#context;
    // Whoever configured the proxy has chosen its address; the policy is for those that URLs lead to.
    const isAsked = allowAddress !== undefined && this.#target.proxy === undefined;
    const refusal = isAsked ? refusalOf(allowAddress, address, this.#first.host) : undefined;
    if (refusal === undefined) return this.#attempt(place, outcome);
    outcome(refusal, undefined);
    return ENDED_ATTEMPT;
  }

  #attempt(place: Place, outcome: AttemptOutcome<OpeningSocket>): Attempt {
    const events = this.#events;
    const [address, port] = "path" in place ? [place.path, 0] : [place.address, place.port];
    events.onConnectStart?.(address, port);
    let opening: OpeningSocket;
    try {
      opening = openSocket(place, this.#tlsOptions, this.#context.takeReadBuffer());
    } catch (error) {
      events.onConnectFailed?.(address, port, asError(error));
      outcome(asError(error), undefined);
      return ENDED_ATTEMPT;
    }
    const { socket, transport } = opening;
    const connected = () => {
      socket.off("error", failed);
      events.onConnectEnd?.(address, port);
      outcome(undefined, opening);
    };
    const failed = (error: Error) => {
      socket.off("connect", connected);
      events.onConnectFailed?.(address, port, error);
      outcome(error, undefined);
    };
    socket.once("connect", connected).once("error", failed);
    return {
      abandon: () => {
        socket.off("connect", connected).off("error", failed);
        transport.destroy();
      },
    };
  }

  #connected(opening: OpeningSocket | undefined, failures: readonly Error[], place: string): void {
    const { tls } = this.#first;
    if (opening === undefined) this.#failFirst(connectError(place, failures));
    else if (tls === undefined) this.#reached(opening.transport);
    else {
      this.#secure(opening.socket as TLSSocket, opening.transport, this.#first, (error) => {
        if (error === undefined) this.#reached(opening.transport);
        else this.#failFirst(error);
      });
    }
  }

  #secure(socket: TLSSocket, transport: Transport, place: TlsPlace, done: (error: Error | undefined) => void): void {
    const handshake = { place, sessions: this.#context.sessions, events: this.#events };
    const stop = awaitHandshake(socket, handshake, (error) => {
      if (error !== undefined) {
        this.#events.onTlsFailed?.(error);
        transport.destroy();
      }
      done(error);
    });
    this.#stop = () => {
      stop();
      transport.destroy();
    };
  }

  /** The first place is reached; a proxy is asked to lead on. */
  #reached(transport: SocketTransport): void {
    const openTunnel = this.#target.proxy?.openTunnel;
    if (openTunnel === undefined) {
      this.#finish(undefined, transport);
      return;
    }
    const opening = openTunnel(transport, (error, rest) => {
      if (error === undefined) this.#throughTunnel(transport, rest);
      else this.#finish(error, undefined);
    });
    this.#stop = () => {
      opening.cancel();
      transport.destroy();
    };
  }

  #throughTunnel(transport: SocketTransport, rest: Uint8Array): void {
    const { tls } = this.#target;
    transport.detach(rest);
    if (tls === undefined) {
      this.#finish(undefined, transport);
      return;
    }
    const place = placeOf(this.#target);
    let secured: TLSSocket;
    try {
      const options = nodeTlsOptions(place, tls, this.#context.sessions);
      secured = process.getBuiltinModule("node:tls").connect({ ...options, socket: transport.release() });
    } catch (error) {
      this.#finish(asError(error), undefined);
      return;
    }
    const inner = new SocketTransport(secured);
    this.#secure(secured, inner, place, (error) => this.#finish(error, error === undefined ? inner : undefined));
  }

  /** The first place is out of reach; if that is a proxy, the error says so. */
  #failFirst(error: Error): void {
    const proxy: ProxyHop | undefined = this.#target.proxy;
    this.#finish(proxy === undefined ? error : unreachableProxy(proxy, error), undefined);
  }

  /** The one way out of all states. */
  #finish(error: Error | undefined, transport: Transport | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const stop = this.#stop;
    this.#stop = undefined;
    if (transport === undefined) stop?.();
    if (this.#deferDone) queueMicrotask(() => this.#done(error, transport));
    else this.#done(error, transport);
  }
}

/** The host without the brackets that an IPv6 literal has in a URL (RFC 3986 §3.2.2). */
function placeOf(target: DialTarget): TlsPlace {
  const { host, port, tls, servername } = target;
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return { host: bare, port, tls, servername, scope: scopeOf(target) };
}

function scopeOf({ sessionScope, unixSocket }: DialTarget): string {
  return sessionScope ?? unixSocket ?? "";
}

function requireIp(localAddress: string): void {
  if (isIP(localAddress) !== 0) return;
  throw new UsageError("options/bad-address", `Cannot connect from ${localAddress}: localAddress is not an IP address`);
}

function literalOf({ address }: ResolvedAddress): string {
  return address;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
