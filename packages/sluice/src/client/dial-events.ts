/** What happens while dialing, passed on to the exchange that the dial is for: as trace events, and as durations for its timings. */
import type { Clock } from "../concurrency/clock.js";
import type { DialEvents } from "../net/dial.js";
import type { Exchange } from "./exchange.js";
import { type ClientTraceDetails, type ClientTraceName, codeOf } from "./tracing.js";

type Part = "dns" | "connect" | "tls";

/** Events for a dial to `host`, perhaps by way of a proxy, whose name is looked up then; `owner` is asked each time, for it may change while the dial is under way. */
export function dialEvents(host: string, owner: () => Exchange | undefined, clock: Clock): DialEvents {
  const began: { [part in Part]?: number } = {};
  /** When each address was begun with: several are tried at a time. */
  const attempts = new Map<string, number>();

  function tell<Name extends ClientTraceName>(name: Name, details: ClientTraceDetails[Name]): void {
    owner()?.request.tracer?.emit(name, details);
  }

  /** How long a part took; of addresses the first one begins it, and the one that connects ends it. */
  function ended(part: Part): number {
    const elapsed = clock.now() - (began[part] ?? clock.now());
    const exchange = owner();
    if (exchange !== undefined) exchange.times[part] = elapsed;
    return elapsed;
  }

  function connectEnded(address: string, port: number, code: string | undefined): void {
    const now = clock.now();
    const elapsed = now - (attempts.get(`${address} ${port}`) ?? now);
    tell("connectEnd", { host, address, port, elapsed, code });
  }

  return {
    onDnsCacheHit: (name) => tell("dnsCacheHit", { host: name }),
    onDnsCacheMiss: (name) => tell("dnsCacheMiss", { host: name }),
    onDnsStart: (name) => {
      began.dns = clock.now();
      tell("dnsStart", { host: name });
    },
    onDnsEnd: (name, addresses) => tell("dnsEnd", { host: name, addresses, elapsed: ended("dns"), code: undefined }),
    onDnsFailed: (name, error) =>
      tell("dnsEnd", { host: name, addresses: [], elapsed: ended("dns"), code: codeOf(error) }),
    onConnectStart: (address, port) => {
      began.connect ??= clock.now();
      attempts.set(`${address} ${port}`, clock.now());
      tell("connectStart", { host, address, port });
    },
    onConnectEnd: (address, port) => {
      ended("connect");
      connectEnded(address, port, undefined);
    },
    onConnectFailed: (address, port, error) => connectEnded(address, port, codeOf(error)),
    onTlsStart: () => {
      began.tls = clock.now();
      tell("tlsStart", { host });
    },
    onTlsEnd: (tls) => tell("tlsEnd", { host, tls, elapsed: ended("tls"), code: undefined }),
    onTlsFailed: (error) => tell("tlsEnd", { host, tls: undefined, elapsed: ended("tls"), code: codeOf(error) }),
  };
}
