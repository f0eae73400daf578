/**
 * One seed: a small world of services and customers on a network as bad as the seed has it, and at the end what must hold. Everything is
 * drawn from the seed, so a seed that fails fails again.
 */

import type { Connector, ConnectorOptions } from "../../src/client/connector.js";
import type { ClientMiddleware } from "../../src/client/middleware.js";
import type { SessionOptions } from "../../src/client/options.js";
import { ClientSession } from "../../src/client/session.js";
import { sleep } from "../../src/concurrency/sleep.js";
import type { Server } from "../../src/server/server.js";
import type { NetworkConditions } from "../../src/testing/simulation/network-conditions.js";
import { SimulatedNetwork } from "../../src/testing/simulation/simulated-network.js";
import { visit } from "./customer.js";
import { Dice } from "./dice.js";
import { makeService } from "./service.js";
import { type BudgetRule, Witness } from "./witness.js";

const ORIGINS = ["http://a.example", "https://b.example", "http://c.example:8080"] as const;
const UNREAD_TIMEOUT_MS = 2_000;
/** The longest `total`, and then the longest that a body may be left unread. */
const ALL_OVER_MS = 30_000;

/** A bug put in on purpose. */
export interface Sabotage {
  readonly hopMiddleware?: readonly ClientMiddleware[];
  /** What is made of every signal that a caller gives. */
  readonly signals?: (signal: AbortSignal) => AbortSignal;
  /** Tries beyond those that are allowed. */
  readonly extraAttempts?: number;
}

export interface Outcome {
  readonly seed: number;
  readonly breaches: readonly string[];
  /** Equal for two runs that went the same way, on the wire and in what became of the requests. */
  readonly digest: string;
  readonly requests: number;
  readonly events: number;
  readonly outcomes: readonly string[];
}

/** Runs one seed to its end. */
export async function simulate(seed: number, sabotage: Sabotage = {}): Promise<Outcome> {
  const witness = new Witness();
  const dice = new Dice(new SimulatedNetwork({ seed }).random);
  const net = new SimulatedNetwork({ seed, ...weather(dice) });
  const world = new World(net, dice, witness, sabotage);
  try {
    await net.run(() => world.live());
    await net.run(() => world.end());
  } catch (error) {
    witness.breach("stuck", String(error));
  }
  await net.close();
  const digest = `${net.digest} ${checksum(witness.outcomes)}`;
  return {
    seed,
    breaches: witness.breaches,
    digest,
    requests: witness.outcomes.length,
    events: net.eventCount,
    outcomes: witness.outcomes,
  };
}

function weather(dice: Dice): NetworkConditions {
  const rare = () => (dice.chance(0.4) ? dice.random() * 0.05 : 0);
  return {
    latency: dice.pick([0, 5, [1, 100], [0, 1_000]] as const),
    bandwidth: dice.pick([Number.POSITIVE_INFINITY, 1_000_000, 50_000]),
    splits: dice.pick([0, 0.2, 0.9]),
    joins: dice.pick([0, 0.3]),
    stalls: rare(),
    stallTime: [100, 10_000],
    resets: rare(),
    halfCloses: rare(),
    refusals: rare() * 3,
    dnsFailures: rare(),
  };
}

class World {
  readonly #net: SimulatedNetwork;
  readonly #dice: Dice;
  readonly #witness: Witness;
  readonly #sabotage: Sabotage;
  readonly #origins: readonly string[];
  readonly #connectors: Connector[] = [];
  readonly #sessions: ClientSession[] = [];
  readonly #servers = new Map<string, Server>();

  constructor(net: SimulatedNetwork, dice: Dice, witness: Witness, sabotage: Sabotage) {
    this.#net = net;
    this.#dice = dice;
    this.#witness = witness;
    this.#sabotage = sabotage;
    this.#origins = ORIGINS.slice(0, dice.int(1, ORIGINS.length));
  }

  /** Opens everything, has customers do their work and fate do its own; ends when every request has. */
  async live(): Promise<void> {
    const dice = this.#dice;
    for (const origin of this.#origins) await this.#serve(origin);
    const work: Promise<void>[] = [];
    for (let customers = dice.int(1, 3); customers > 0; customers -= 1) {
      const { session, options } = this.#openSession(`s${customers}`);
      const parts = {
        net: this.#net,
        dice,
        witness: this.#witness,
        session,
        options,
        origins: this.#origins,
        ...(this.#sabotage.signals === undefined ? {} : { spoil: this.#sabotage.signals }),
      };
      for (let lanes = dice.int(1, 5); lanes > 0; lanes -= 1) work.push(visit(parts, dice.int(1, 8)));
    }
    for (let blows = dice.int(0, 2); blows > 0; blows -= 1) work.push(this.#blow());
    await Promise.all(work);
    // Bodies that were forgotten are given up by and by.
    await sleep(ALL_OVER_MS, { clock: this.#net.clock });
  }

  /** Closes everything; nothing may be left then. */
  async end(): Promise<void> {
    const witness = this.#witness;
    for (const connector of this.#connectors) this.#checkPlaces(connector);
    for (const session of this.#sessions) await session.close();
    for (const connector of this.#connectors) await connector.close();
    for (const server of this.#servers.values()) await server.close({ grace: 0 });
    const { pendingTimers } = this.#net;
    if (pendingTimers !== 0) witness.breach("leaked timer", `${pendingTimers} run when all is closed`);
    await this.#net.clock.still();
    const { openEnds } = this.#net;
    if (openEnds !== 0) witness.breach("lost socket", `${openEnds} ends are open when all is closed`);
    witness.atTheEnd();
  }

  #checkPlaces(connector: Connector): void {
    for (const [origin, { open, idle, dialing, queued }] of Object.entries(connector.stats())) {
      if (open === idle + dialing && queued === 0) continue;
      const counts = `${open} connections, ${idle} idle, ${dialing} dialing, ${queued} queued`;
      this.#witness.breach("lost place", `${origin}: ${counts}, when every request has ended`);
    }
  }

  async #serve(origin: string): Promise<void> {
    const parts = { clock: this.#net.clock, dice: this.#dice, witness: this.#witness, origins: this.#origins };
    this.#servers.set(origin, await this.#net.listen(makeService(parts), origin));
  }

  #openSession(name: string): { session: ClientSession; options: SessionOptions } {
    const options = this.#sessionOptions(name);
    const session = new ClientSession({ ...options, connector: this.#connector() });
    this.#sessions.push(session);
    return { session, options };
  }

  #connector(): Connector {
    const dice = this.#dice;
    const [shared] = this.#connectors;
    if (shared !== undefined && dice.chance(0.3)) return shared;
    const options: ConnectorOptions = {
      limit: dice.pick([1, 2, 6, 100]),
      limitPerHost: dice.pick([1, 3, Number.POSITIVE_INFINITY]),
      maxQueue: dice.pick([0, 3, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]),
      keepAliveTimeout: dice.pick([0, 50, 1_000, 15_000]),
      unreadMemory: dice.pick([0, 100_000, 16_000_000]),
    };
    const connector = this.#net.connector(options);
    this.#connectors.push(connector);
    return connector;
  }

  #sessionOptions(name: string): SessionOptions {
    const dice = this.#dice;
    const { random } = dice;
    const { hopMiddleware = [] } = this.#sabotage;
    const throttle = {
      requests: dice.int(2, 50),
      burst: dice.int(1, 5),
      jitter: [0, dice.int(0, 300)] as const,
      random,
    };
    return {
      cookies: false,
      decompress: false,
      unreadTimeout: UNREAD_TIMEOUT_MS,
      hopMiddleware,
      ...(dice.chance(0.3) ? { throttle } : {}),
      ...(dice.chance(0.6) ? this.#retryOptions(name) : {}),
    };
  }

  #retryOptions(name: string): Pick<SessionOptions, "retry" | "middleware"> {
    const dice = this.#dice;
    const witness = this.#witness;
    const { clock } = this.#net;
    const attempts = dice.int(1, 4);
    const rule: BudgetRule | false = dice.pick([false, { share: 0.2, floor: 0 }, { share: 0.1, floor: 0.1 }] as const);
    const accountOf = (url: URL) => `${name} ${url.origin}`;
    return {
      middleware: [
        (request, next) => {
          witness.earned(accountOf(request.url), clock.now());
          return next(request);
        },
      ],
      retry: {
        attempts: attempts + (this.#sabotage.extraAttempts ?? 0),
        baseDelay: dice.int(10, 500),
        budget: rule,
        random: dice.random,
        beforeRetry: (request) => {
          witness.retried(request.url.searchParams.get("id") ?? "nobody", attempts);
          if (rule !== false) witness.spent(accountOf(request.url), rule, clock.now());
          return undefined;
        },
      },
    };
  }

  /** Something happens to the world. */
  async #blow(): Promise<void> {
    const dice = this.#dice;
    const { clock } = this.#net;
    await sleep(dice.int(0, 10_000), { clock });
    switch (dice.pick(["weather", "restart", "leave"] as const)) {
      case "weather":
        this.#net.change(weather(dice));
        break;
      case "restart": {
        const origin = dice.pick(this.#origins);
        const server = this.#servers.get(origin);
        this.#servers.delete(origin);
        // It may be down already.
        if (server === undefined) break;
        await server.close({ grace: dice.pick([0, 100, 5_000]) });
        await sleep(dice.int(0, 3_000), { clock });
        await this.#serve(origin);
        break;
      }
      case "leave":
        await dice.pick(this.#sessions).close({ grace: dice.pick([0, 1_000]) });
        break;
    }
  }
}

/** FNV-1a over lines. */
function checksum(lines: readonly string[]): string {
  let hash = 0x811c9dc5;
  for (const line of lines) {
    for (let at = 0; at < line.length; at += 1) hash = Math.imul(hash ^ line.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
