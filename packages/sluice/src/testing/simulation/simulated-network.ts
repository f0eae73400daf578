/**
 * A network in one process: clients and servers of ours, joined by connections in memory with the latency and the faults that a seed
 * decides, on a clock that goes on by itself. The same seed makes the same things happen at the same moments, whatever the machine.
 */

import { Connector, type ConnectorOptions } from "../../client/connector.js";
import { nextTurn } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { parseUrl } from "../../http/parse-url.js";
import { requireNumber } from "../../options.js";
import { type Random, seededRandom } from "../../platform/random.js";
import type { Application } from "../../server/application.js";
import type { Server } from "../../server/server.js";
import { EventLog, type SimulatedEvent } from "./event-log.js";
import { CALM, type NetworkConditions, type ResolvedConditions, resolveConditions } from "./network-conditions.js";
import { SimulatedClock } from "./simulated-clock.js";
import { SimulatedSwitch } from "./simulated-switch.js";

/** Conditions of the network, and what decides. */
export interface SimulatedNetworkOptions extends NetworkConditions {
  /** Decides everything that is left to chance: an integer from 0 to 2^32 - 1. @default 0 */
  readonly seed?: number;
  /** Bytes underway in one direction of a connection from which on writing has to wait. At least 1. @default 65_536 */
  readonly highWaterMark?: number;
  /** Told of every event as it takes effect. Must not throw. */
  readonly onEvent?: (event: SimulatedEvent) => void;
}

const LARGEST_SEED = 2 ** 32 - 1;
/** Keeps the numbers that tests draw apart from those that the network draws. */
const TEST_STREAM = 0x9e3779b9;
/** And those for the jitter of clients. */
const JITTER_STREAM = 0x7f4a7c15;
const DEFAULT_HIGH_WATER_MARK = 64 * 1024;
/** Turns of the event loop that work may take without anything being left to happen in the simulation. */
const MOST_QUIET_TURNS = 100;

/** See the head of this file. Closing it, by `close()` or `await using`, is its maker's duty. */
export class SimulatedNetwork implements AsyncDisposable {
  readonly seed: number;
  /** Goes on by itself while something waits for it. For code of the test's own: `sleep(ms, { clock: net.clock })`. */
  readonly clock = new SimulatedClock();
  /** Numbers from 0 up to 1, from the seed: for the test's own choices. They change nothing of what the network draws. */
  readonly random: Random;
  readonly #jitter: Random;
  readonly #log: EventLog;
  readonly #switch: SimulatedSwitch;
  /** Modules are being read: nothing happens meanwhile, and yet nobody is stuck. */
  #loading = false;
  readonly #owned: (() => Promise<void>)[] = [];

  /** Throws `UsageError`: `options/unknown`, `options/out-of-range`. */
  constructor(options: SimulatedNetworkOptions = {}) {
    const { seed = 0, highWaterMark = DEFAULT_HIGH_WATER_MARK, onEvent, ...given } = options;
    requireNumber("network.highWaterMark", highWaterMark, 1, Number.POSITIVE_INFINITY);
    if (!(Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED)) {
      const message = `Cannot use network.seed: expected an integer from 0 to ${LARGEST_SEED}, received ${String(seed)}`;
      throw new UsageError("options/out-of-range", message);
    }
    this.seed = seed;
    this.random = seededRandom(seed ^ TEST_STREAM);
    this.#jitter = seededRandom(seed ^ JITTER_STREAM);
    this.#log = new EventLog(onEvent);
    const conditions = resolveConditions(CALM, given);
    const { clock } = this;
    this.#switch = new SimulatedSwitch({
      clock,
      random: seededRandom(seed),
      conditions,
      log: this.#log,
      highWaterMark,
    });
  }

  /** What the network is like now. */
  get conditions(): ResolvedConditions {
    return this.#switch.conditions;
  }

  /** Sixteen hexadecimal digits for all that has happened: equal for two runs that went the same way. */
  get digest(): string {
    return this.#log.digest;
  }

  /** How many events there were. */
  get eventCount(): number {
    return this.#log.count;
  }

  /** Ends of connections that are open: two for each connection. */
  get openEnds(): number {
    return this.#switch.openEnds;
  }

  /** Timers that clients and servers of this network have running: none, when all of them are closed. */
  get pendingTimers(): number {
    return this.clock.armedCount - this.#switch.armedByNetwork;
  }

  /** Changes what the network is like, from now on: a bad hour, or its end. Throws `UsageError` `options/…`. */
  change(conditions: NetworkConditions): void {
    this.#switch.conditions = resolveConditions(this.#switch.conditions, conditions);
  }

  /**
   * A connector to the servers of this network, and to nothing else, with its time and its chance. Closed with it, or earlier. Throws as
   * {@link Connector} does.
   */
  connector(options: Omit<ConnectorOptions, "connect" | "clock"> = {}): Connector {
    const { clock } = this;
    const connect: ConnectorOptions["connect"] = (target) => this.#switch.connect(target);
    const connector = new Connector({ random: this.#jitter, ...options, clock, connect });
    this.#owned.push(() => connector.close());
    return connector;
  }

  /**
   * Serves `app` at `origin`, such as `http://a.example` or `https://b.example:8443`, which needs no certificate. Closed with the
   * network, or earlier. Rejects with `UsageError`: `url/invalid`, `listen/address-in-use`, or as `app.listen` does.
   */
  async listen(app: Application, origin: string | URL): Promise<Server> {
    const url = parseUrl(String(origin));
    if (url === undefined || url.href !== `${url.origin}/`) {
      throw new UsageError("url/invalid", "Cannot listen: expected an origin, such as https://example.com");
    }
    await this.#loadSocketModules();
    const server = await app.listen({ clock: this.clock, open: (host) => this.#switch.open(url, host) });
    this.#owned.push(() => server.close({ grace: 0 }));
    return server;
  }

  /**
   * Does `work`, and gives its result. Rejects with `UsageError` `simulation/stuck` when nothing is left to happen and it has not ended:
   * what it waits for will never come. (It must not wait for files, threads or real timers, which are not seen.)
   */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    let settled = false;
    const working = Promise.resolve()
      .then(work)
      .finally(() => {
        settled = true;
      });
    return await Promise.race([working, this.#stuckUnless(() => settled)]);
  }

  /** Closes all that was made here, at once. Time stands still from then on. */
  async close(): Promise<void> {
    await Promise.all(this.#owned.splice(0).map((close) => close()));
    this.clock.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stuckUnless(settled: () => boolean): Promise<never> {
    for (let quiet = 0; quiet < MOST_QUIET_TURNS; quiet += 1) {
      await nextTurn();
      if (settled()) return new Promise(() => undefined);
      if (this.clock.moving) await this.clock.still();
      else if (!this.#loading) continue;
      quiet = 0;
    }
    const at = `at ${Math.round(this.clock.now())} ms, seed ${this.seed}`;
    throw new UsageError("simulation/stuck", `The work has not ended, and nothing is left to happen: ${at}`);
  }

  /** What the first WebSocket loads, on either side: the simulation's time would not wait for the disk. */
  async #loadSocketModules(): Promise<void> {
    this.#loading = true;
    try {
      await Promise.all([
        import("../../client/websocket/open-websocket.js"),
        import("../../server/websocket/handshake.js"),
      ]);
    } finally {
      this.#loading = false;
    }
  }
}
