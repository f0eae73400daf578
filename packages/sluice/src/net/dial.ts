/**
 * From a host and port to a connected transport: DNS → happy eyeballs → TCP → TLS, by a proxy or straight, or a Unix socket. Everything is told by
 * plain callbacks, so that a connection costs no promise; one dialing in progress is a {@link Dialing}.
 *
 * This is where failures to connect get their classes and words ({@link DnsError}, {@link ConnectError}, {@link TlsError}).
 * They name host and port; method and URL are the client's to add. An error that ends an established connection is not
 * dialing's business: it reaches `onClose` as the system gave it.
 */

import type { Clock } from "../concurrency/clock.js";
import { UsageError } from "../errors.js";
import type { DialContext } from "./dial-context.js";
import { DialInProgress } from "./dial-in-progress.js";
import type { DnsCache } from "./dns-cache.js";
import type { ProxyHop } from "./proxy-hop.js";
import { readBufferSource } from "./read-buffer.js";
import type { TlsClientOptions } from "./tls-client.js";
import { TlsSessions } from "./tls-sessions.js";
import type { TlsInfo, Transport } from "./transport.js";

/** RFC 8305 §8: the recommended Connection Attempt Delay. */
const DEFAULT_HAPPY_EYEBALLS_DELAY_MS = 250;
/** Bytes read from a socket at once; Node's own reads are of this size. */
const DEFAULT_READ_BUFFER_BYTES = 64 * 1024;
const LEAST_READ_BUFFER_BYTES = 1024;
const MOST_READ_BUFFER_BYTES = 16 * 1024 * 1024;

/** Where to connect, and how to speak there. */
export interface DialTarget {
  /** Name or IP literal, as `URL.hostname` has it (IPv6 in brackets or not). With TLS, also the name to be proven. */
  readonly host: string;
  readonly port: number;
  /** Speak TLS. The same object for the same settings lets the certificates be read once. */
  readonly tls?: TlsClientOptions | undefined;
  /** Name to ask for and to find in the certificate, instead of the one in `tls` and of the host. */
  readonly servername?: string | undefined;
  /** TLS sessions are resumed between connections with the same one only. */
  readonly sessionScope?: string | undefined;
  /** The proxy that leads to host and port. It is what is looked up and connected to; `allowAddress` is not asked about it. */
  readonly proxy?: ProxyHop | undefined;
  /** Path of a Unix socket to connect to instead of host and port. */
  readonly unixSocket?: string | undefined;
  /** Local IP address to connect from; only remote addresses of its family are tried. */
  readonly localAddress?: string | undefined;
}

/** What happens on the way, for traces and timings. Absent callbacks cost nothing. They must not throw. */
export interface DialEvents {
  onDnsCacheHit?(host: string): void;
  onDnsCacheMiss?(host: string): void;
  /** After a miss: this dialing asks, or waits for the answer to the same question asked by another. */
  onDnsStart?(host: string): void;
  onDnsEnd?(host: string, addresses: readonly string[]): void;
  onDnsFailed?(host: string, error: Error): void;
  /** One attempt begins; several may be under way. For a Unix socket, `address` is its path and `port` 0. */
  onConnectStart?(address: string, port: number): void;
  onConnectEnd?(address: string, port: number): void;
  /** One attempt failed; others may go on. Attempts given up because another won are not reported. */
  onConnectFailed?(address: string, port: number, error: Error): void;
  onTlsStart?(servername: string | undefined): void;
  onTlsEnd?(outcome: TlsInfo): void;
  onTlsFailed?(error: Error): void;
}

/** A dialing under way. */
export interface Dialing {
  /** Gives up: closes what is open and tells `done` the `reason`, in a microtask. Does nothing after the end. */
  cancel(reason: Error): void;
}

/** Hears the end of a dialing: exactly once, with one of the two, and never inside `dial` or `cancel`. */
export type DialDone = (error: Error | undefined, transport: Transport | undefined) => void;

/** What all connections of a dialer have in common. */
export interface DialerOptions {
  readonly clock: Clock;
  readonly dns: DnsCache;
  /**
   * Milliseconds before the next address is tried beside one that has not answered; 0 tries all at once, `Infinity` one
   * after the other. RFC 8305 §5. @default 250
   */
  readonly happyEyeballsDelay?: number | undefined;
  /**
   * Asked for each IP address before it is connected to, with the host it was found under; false refuses it with
   * {@link ConnectError} `connect/address-refused`. This is the place for a guard against private networks: it sees the
   * address that is really used. Unix sockets are not asked for.
   */
  readonly allowAddress?: ((address: string, host: string) => boolean) | undefined;
  /**
   * Size in bytes of the buffer that all this dialer's plain TCP connections read into: the most that one read takes.
   * 1,024 to 16 MiB. @default 65_536
   */
  readonly readBufferSize?: number | undefined;
}

/** Opens connections. Stateless but for the DNS cache, TLS sessions and the read buffer: dialings don't know of each other. */
export class Dialer {
  readonly #context: DialContext;

  /** Throws {@link UsageError} `options/out-of-range`. */
  constructor(options: DialerOptions) {
    const { happyEyeballsDelay = DEFAULT_HAPPY_EYEBALLS_DELAY_MS, readBufferSize = DEFAULT_READ_BUFFER_BYTES } =
      options;
    if (!(happyEyeballsDelay >= 0)) {
      throw outOfRange("happyEyeballsDelay", "0 or more milliseconds, or Infinity", happyEyeballsDelay);
    }
    const sizeFits = readBufferSize >= LEAST_READ_BUFFER_BYTES && readBufferSize <= MOST_READ_BUFFER_BYTES;
    if (!Number.isInteger(readBufferSize) || !sizeFits) {
      throw outOfRange("readBufferSize", "1024 to 16777216 bytes", readBufferSize);
    }
    this.#context = {
      clock: options.clock,
      dns: options.dns,
      happyEyeballsDelayMs: happyEyeballsDelay,
      allowAddress: options.allowAddress,
      sessions: new TlsSessions(),
      takeReadBuffer: readBufferSource(readBufferSize),
    };
  }

  dial(target: DialTarget, events: DialEvents, done: DialDone): Dialing {
    const dialing = new DialInProgress(this.#context, target, events, done);
    dialing.begin();
    return dialing;
  }
}

function outOfRange(name: string, expected: string, received: number): UsageError {
  return new UsageError("options/out-of-range", `Cannot use ${name}: expected ${expected}, received ${received}`);
}
