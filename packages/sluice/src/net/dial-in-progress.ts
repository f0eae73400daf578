/**
 * One dialing, from the name to the connected (and on TLS trusted) transport. Its states:
 *
 *   resolving → racing → securing → over        a Unix socket starts at racing, against nobody
 *
 * `over` can follow any of them, by failure or by cancel. What is under way in a state is released through `#stop`,
 * so that leaving the state, however it comes, leaves nothing open.
 */

import { isIP } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { UsageError } from "../errors.js";
import { addressRefused, connectError, dnsError } from "./connect-error.js";
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
import { describeTls } from "./peer-info.js";
import { nameToSend, nodeTlsOptions, type TlsClientOptions, verifyServer } from "./tls-client.js";
import { handshakeError } from "./tls-error.js";
import type { Transport } from "./transport.js";

/** An attempt that has ended before it was given back. */
const ENDED_ATTEMPT: Attempt = { abandon: () => undefined };

/** {@link Dialing} with its effects; made by `Dialer.dial`. */
export class DialInProgress implements Dialing {
  readonly #context: DialContext;
  readonly #target: DialTarget;
  readonly #events: DialEvents;
  readonly #done: DialDone;
  /** The host without the brackets that an IPv6 literal has in a URL (RFC 3986 §3.2.2). */
  readonly #host: string;
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
    const { host } = target;
    this.#host = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  }

  begin(): void {
    const { tls, unixSocket, localAddress } = this.#target;
    try {
      if (localAddress !== undefined) requireIp(localAddress);
      if (tls !== undefined) this.#tlsOptions = nodeTlsOptions(this.#host, tls);
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
    const host = this.#host;
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
        this.#finish(dnsError(host, failure), undefined);
        return;
      }
      if (events.onDnsEnd !== undefined) events.onDnsEnd(host, addresses.map(literalOf));
      this.#race(addresses);
    });
    this.#stop = () => wait.leave();
  }

  #race(addresses: readonly ResolvedAddress[]): void {
    const { clock, happyEyeballsDelayMs } = this.#context;
    const { port, localAddress } = this.#target;
    // A socket bound to an IPv4 address cannot connect to an IPv6 one, nor the other way round.
    const family = localAddress === undefined ? 0 : isIP(localAddress);
    const usable = family === 0 ? addresses : addresses.filter((address) => address.family === family);
    const race = new AddressRace<OpeningSocket>({
      clock,
      delayMs: happyEyeballsDelayMs,
      addresses: interleaveFamilies(usable),
      start: ({ address }, outcome) => this.#attemptAllowed(address, { address, port, localAddress }, outcome),
      done: (winner, failures) => this.#connected(winner, failures, `${this.#target.host}:${port}`),
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
    const refusal = allowAddress === undefined ? undefined : refusalOf(allowAddress, address, this.#host);
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
    const { tls } = this.#target;
    if (opening === undefined) this.#finish(connectError(place, failures), undefined);
    else if (tls === undefined) this.#finish(undefined, opening.transport);
    else this.#secure(opening, tls);
  }

  #secure({ socket, transport }: OpeningSocket, tls: TlsClientOptions): void {
    const { host, port } = this.#target;
    const tlsSocket = socket as TLSSocket;
    this.#events.onTlsStart?.(nameToSend(this.#host, tls));
    const settle = (error: Error | undefined) => {
      socket.off("secureConnect", secured).off("error", failed).off("close", closed);
      if (error !== undefined) transport.destroy();
      this.#finish(error, error === undefined ? transport : undefined);
    };
    const secured = () => {
      const fault = verifyServer(tlsSocket, this.#host, port, tls);
      if (fault === undefined) this.#events.onTlsEnd?.(describeTls(tlsSocket));
      settle(fault);
    };
    const failed = (error: Error) => settle(handshakeError(error, `${host}:${port}`));
    const closed = () => failed(new Error("The connection was closed during the handshake"));
    socket.once("secureConnect", secured).once("error", failed).once("close", closed);
    this.#stop = () => {
      socket.off("secureConnect", secured).off("error", failed).off("close", closed);
      transport.destroy();
    };
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

function refusalOf(
  allowAddress: (address: string, host: string) => boolean,
  address: string,
  host: string,
): Error | undefined {
  try {
    return allowAddress(address, host) ? undefined : addressRefused(host, address);
  } catch (error) {
    return addressRefused(host, address, error);
  }
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
