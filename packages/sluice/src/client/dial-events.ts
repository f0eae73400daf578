/** What happens while dialing, passed on to the exchange that the dial is for: as trace events, and as durations for its timings. */
import type { Clock } from "../concurrency/clock.js";
import type { DialEvents } from "../net/dial.js";
import type { Exchange } from "./exchange.js";
import type { ClientTraceDetails, ClientTraceName } from "./tracing.js";

/** Events for a dial to `host`; `owner` is asked each time, for it may change while the dial is under way. */
export function dialEvents(host: string, owner: () => Exchange | undefined, clock: Clock): DialEvents {
  let began = 0;

  function tell<Name extends ClientTraceName>(name: Name, details: ClientTraceDetails[Name]): void {
    owner()?.request.tracer?.emit(name, details);
  }

  /** A part is over that began last. */
  function measure(part: "dns" | "connect" | "tls"): void {
    const exchange = owner();
    if (exchange !== undefined) exchange.times[part] = clock.now() - began;
  }

  return {
    onDnsCacheHit: () => tell("dnsCacheHit", { host }),
    onDnsCacheMiss: () => tell("dnsCacheMiss", { host }),
    onDnsStart: () => {
      began = clock.now();
      tell("dnsStart", { host });
    },
    onDnsEnd: (_host, addresses) => {
      measure("dns");
      tell("dnsEnd", { host, addresses });
    },
    onConnectStart: (address, port) => {
      began = clock.now();
      tell("connectStart", { host, address, port });
    },
    onConnectEnd: (address, port) => {
      measure("connect");
      tell("connectEnd", { host, address, port });
    },
    onTlsStart: () => {
      began = clock.now();
      tell("tlsStart", { host });
    },
    onTlsEnd: (tls) => {
      measure("tls");
      tell("tlsEnd", { host, tls });
    },
  };
}
