/**
 * Joins those who connect with those who listen. Each connection's fate (how long it takes, whether it fails) is drawn when it is asked
 * for, all at once, so that one condition does not change what the others draw.
 */

import type { Clock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { connectError, dnsError } from "../../net/connect-error.js";
import type { DialTarget } from "../../net/dial.js";
import type { ListenAddress, Listener } from "../../net/listen.js";
import type { Transport } from "../../net/transport.js";
import type { ListenHost } from "../../server/listen.js";
import { type MemoryAddress, memoryPeer, memoryTls, portOf } from "../memory-peer.js";
import type { EventLog, SimulatedEventKind } from "./event-log.js";
import { draw, type ResolvedConditions } from "./network-conditions.js";
import { pause } from "./network-deadline.js";
import type { PathHost } from "./simulated-path.js";
import { simulatedPair } from "./simulated-transport.js";

const ROUND_TRIP = 2;
const FIRST_EPHEMERAL_PORT = 49_152;
const EPHEMERAL_PORTS = 16_384;

/** What a switch is made of. */
export interface SwitchParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly conditions: ResolvedConditions;
  readonly log: EventLog;
  readonly highWaterMark: number;
}

/** What listens at an origin. */
interface Listening {
  readonly host: ListenHost;
  /** Connections whose server's end is open. */
  open: number;
}

interface Fate {
  readonly dnsMs: number;
  readonly failsDns: boolean;
  readonly connectMs: number;
  readonly refused: boolean;
  readonly lends: boolean;
}

/** Listeners and connections of one simulated network. */
export class SimulatedSwitch implements PathHost {
  readonly clock: Clock;
  readonly random: () => number;
  /** What holds from now on. */
  conditions: ResolvedConditions;
  /** Ends that are open: two for each connection. */
  openEnds = 0;
  armedByNetwork = 0;
  readonly #log: EventLog;
  readonly #highWaterMark: number;
  readonly #listening = new Map<string, Listening>();
  #dials = 0;

  constructor(parts: SwitchParts) {
    this.clock = parts.clock;
    this.random = parts.random;
    this.conditions = parts.conditions;
    this.#log = parts.log;
    this.#highWaterMark = parts.highWaterMark;
  }

  /** Listens at the origin of `url`. Throws `UsageError` `listen/address-in-use`. */
  open(url: URL, host: ListenHost): Listener {
    const { origin, hostname } = url;
    if (this.#listening.has(origin)) {
      throw new UsageError(
        "listen/address-in-use",
        `Cannot listen at ${origin}: a server of this network does already`,
      );
    }
    const listening: Listening = { host, open: 0 };
    this.#listening.set(origin, listening);
    const address: ListenAddress = { host: hostname, port: portOf(url), path: undefined };
    return {
      address,
      secure: url.protocol === "https:",
      get connections() {
        return listening.open;
      },
      close: async () => {
        if (this.#listening.get(origin) === listening) this.#listening.delete(origin);
      },
      ref() {},
      unref() {},
    };
  }

  /** The client's end of a new connection. Rejects with `DnsError` or `ConnectError`. */
  async connect(target: DialTarget): Promise<Transport> {
    this.#dials += 1;
    const dial = this.#dials;
    const url = urlOf(target);
    this.#note("dial", dial, "client");
    const fate = this.#drawFate(target.tls !== undefined);
    await pause(this, fate.dnsMs);
    if (fate.failsDns) {
      this.#note("dns-failure", dial, "client");
      throw dnsError(url.hostname, systemError("ENOTFOUND", "getaddrinfo"));
    }
    await pause(this, fate.connectMs);
    const listening = this.#listening.get(url.origin);
    if (listening === undefined || fate.refused) {
      this.#note("refused", dial, "client");
      throw connectError(`${url.hostname}:${portOf(url)}`, [systemError("ECONNREFUSED", "connect")]);
    }
    return this.#join(dial, url, listening, fate);
  }

  #drawFate(secure: boolean): Fate {
    const { random } = this;
    const { latency, stalls, stallTime, refusals, dnsFailures } = this.conditions;
    const stallMs = random() < stalls ? draw(stallTime, random) : 0;
    return {
      dnsMs: draw(latency, random),
      failsDns: random() < dnsFailures,
      connectMs: draw(latency, random) * (secure ? ROUND_TRIP * 2 : ROUND_TRIP) + stallMs,
      refused: random() < refusals,
      lends: random() < 1 / 2,
    };
  }

  #join(dial: number, url: URL, listening: Listening, { lends }: Fate): Transport {
    const server: MemoryAddress = { host: url.hostname, port: portOf(url) };
    const port = FIRST_EPHEMERAL_PORT + (dial % EPHEMERAL_PORTS);
    const client: MemoryAddress = { host: `10.${(dial >> 16) & 0xff}.${(dial >> 8) & 0xff}.${dial & 0xff}`, port };
    const tls = url.protocol === "https:" ? memoryTls(url.hostname) : undefined;
    const shared = { highWaterMark: this.#highWaterMark, lends };
    this.openEnds += 2;
    listening.open += 1;
    this.#note("open", dial, "client");
    const [near, far] = simulatedPair(
      this,
      {
        ...shared,
        peer: memoryPeer(server, client, tls),
        log: (kind, size) => this.#happened(kind, dial, "client", size),
      },
      {
        ...shared,
        peer: memoryPeer(client, server, tls),
        log: (kind, size) => {
          if (kind === "closed") listening.open -= 1;
          this.#happened(kind, dial, "server", size);
        },
      },
    );
    listening.host.onConnection(far);
    return near;
  }

  #happened(kind: SimulatedEventKind, connection: number, end: "client" | "server", size: number): void {
    if (kind === "closed") this.openEnds -= 1;
    this.#log.add({ time: this.clock.now(), kind, connection, end, size });
  }

  #note(kind: SimulatedEventKind, connection: number, end: "client" | "server"): void {
    this.#happened(kind, connection, end, 0);
  }
}

function urlOf({ host, port, tls }: DialTarget): URL {
  const authority = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return new URL(`${tls === undefined ? "http" : "https"}://${authority}:${port}`);
}

/** Named and coded as Node's own, because dialing tells them apart so. */
function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
