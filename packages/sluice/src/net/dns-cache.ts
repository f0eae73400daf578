/**
 * Addresses of hosts, remembered for a while. Decides: how long (a fixed time, as getaddrinfo tells no TTL), how many
 * (least recently used leave first), in which order addresses are given (each use begins with the next one of its family,
 * which spreads connections over servers), and that one question is on its way at a time, however many ask.
 *
 * Failures are not remembered: whoever asks next asks anew. A look-up goes on when those who waited for it have gone; its
 * answer is remembered.
 */

import { isIP } from "node:net";
import type { Clock } from "../concurrency/clock.js";
import { UsageError } from "../errors.js";
import { refuseUnknown } from "../options.js";
import { type AskForAddresses, askServers, askSystem, askUser, type UserLookup } from "./dns-lookup.js";
import type { ResolvedAddress } from "./happy-eyeballs.js";

const DEFAULT_TTL_MS = 10_000;
const DEFAULT_MAX_ENTRIES = 1000;
/** Addresses kept of one answer, which a name server could make thousands long. */
const MOST_ADDRESSES = 64;

/** Where addresses come from, and how long they are believed. */
export interface DnsCacheOptions {
  /** How long an answer is used again, in milliseconds; 0 asks each time, `Infinity` only once. @default 10_000 */
  readonly ttl?: number | undefined;
  /** Most hosts remembered; 0 remembers none. @default 1_000 */
  readonly maxEntries?: number | undefined;
  /**
   * Name servers to ask instead of the system, as "192.0.2.1" or "[2001:db8::1]:5353". The hosts file is not read then,
   * but for localhost. Throws `options/bad-dns-server`. Not together with `lookup`.
   */
  readonly servers?: readonly string[] | undefined;
  /** Finds the addresses of a host instead of the system: resolves with IP literals, rejects if there are none. */
  readonly lookup?: UserLookup | undefined;
  /** Keeps addresses of this family only, whoever finds them; a host that has none fails. IP literals in URLs stay as they are. */
  readonly family?: 4 | 6 | undefined;
}

const KNOWN: ReadonlySet<string> = new Set<keyof DnsCacheOptions>(["ttl", "maxEntries", "servers", "lookup", "family"]);

/** Hears the answer: addresses, best first and never none, or the reason why there are none. */
export type DnsWaiter = (failure: Error | undefined, addresses: readonly ResolvedAddress[]) => void;

/** A waiter's place. */
export interface DnsWait {
  /** Stops waiting; the look-up goes on for the others, and for the memory. */
  leave(): void;
}

interface Entry {
  readonly addresses: readonly ResolvedAddress[];
  readonly freshUntil: number;
  uses: number;
}

/** Look-ups with a memory. Hosts are taken as they are written: give them in lower case. */
export class DnsCache {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxEntries: number;
  readonly #ask: AskForAddresses;
  readonly #family: 4 | 6 | undefined;
  /** In the order of use: the least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #pending = new Map<string, Set<DnsWaiter>>();

  /** Throws {@link UsageError} `options/unknown`, `options/out-of-range`, `options/bad-dns-server` or `options/conflict`. */
  constructor(clock: Clock, options: DnsCacheOptions = {}) {
    refuseUnknown("connector.dns", options, KNOWN);
    const { ttl = DEFAULT_TTL_MS, maxEntries = DEFAULT_MAX_ENTRIES, servers, lookup, family } = options;
    if (!(ttl >= 0)) throw outOfRange("dns.ttl", "0 or more milliseconds, or Infinity", ttl);
    if (!(maxEntries >= 0)) throw outOfRange("dns.maxEntries", "0 or more, or Infinity", maxEntries);
    if (family !== undefined && family !== 4 && family !== 6) throw outOfRange("dns.family", "4 or 6", family);
    if (servers !== undefined && lookup !== undefined) {
      throw new UsageError("options/conflict", "Cannot use dns.servers together with dns.lookup: give one of them");
    }
    this.#clock = clock;
    this.#ttlMs = ttl;
    this.#maxEntries = maxEntries;
    this.#family = family;
    this.#ask = askSystem;
    if (lookup !== undefined) this.#ask = askUser(lookup);
    if (servers !== undefined) this.#ask = askServers(servers);
  }

  /** Hosts remembered, stale ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** Addresses known without asking: of an IP literal, or remembered. Counts as a use: the next one gets another order. */
  tryResolve(host: string): readonly ResolvedAddress[] | undefined {
    const family = isIP(host);
    if (family === 4 || family === 6) return [{ address: host, family }];
    const entry = this.#entries.get(host);
    if (entry === undefined) return undefined;
    this.#entries.delete(host);
    if (this.#clock.now() >= entry.freshUntil) return undefined;
    this.#entries.set(host, entry);
    return nextOrder(entry);
  }

  /** Asks, or joins those who have asked already. `waiter` hears the answer in a later turn, unless it left before. */
  resolve(host: string, waiter: DnsWaiter): DnsWait {
    let waiters = this.#pending.get(host);
    if (waiters === undefined) {
      waiters = new Set();
      this.#pending.set(host, waiters);
      this.#askFor(host, waiters);
    }
    const joined = waiters.add(waiter);
    return { leave: () => void joined.delete(waiter) };
  }

  /** Forgets one host, or all. A look-up under way is not joined any more, and its answer not remembered. */
  clear(host?: string): void {
    if (host === undefined) {
      this.#entries.clear();
      this.#pending.clear();
      return;
    }
    this.#entries.delete(host);
    this.#pending.delete(host);
  }

  #askFor(host: string, waiters: ReadonlySet<DnsWaiter>): void {
    this.#ask(host, (failure, found) => {
      const cleared = this.#pending.get(host) !== waiters;
      if (!cleared) this.#pending.delete(host);
      const usable = this.#family === undefined ? found : found.filter(({ family }) => family === this.#family);
      if (failure !== undefined || usable.length === 0) {
        const reason = failure ?? noAddresses(this.#family);
        for (const waiter of waiters) waiter(reason, []);
        return;
      }
      const entry: Entry = {
        addresses: usable.slice(0, MOST_ADDRESSES),
        freshUntil: this.#clock.now() + this.#ttlMs,
        uses: 0,
      };
      if (!cleared) this.#remember(host, entry);
      for (const waiter of waiters) waiter(undefined, nextOrder(entry));
    });
  }

  #remember(host: string, entry: Entry): void {
    if (this.#ttlMs === 0 || this.#maxEntries === 0) return;
    this.#entries.delete(host);
    this.#entries.set(host, entry);
    if (this.#entries.size <= this.#maxEntries) return;
    const [leastRecent] = this.#entries.keys();
    if (leastRecent !== undefined) this.#entries.delete(leastRecent);
  }
}

/** Within each family the addresses move up by one place a use; which family is first stays the resolver's choice. */
function nextOrder(entry: Entry): readonly ResolvedAddress[] {
  const { addresses, uses } = entry;
  entry.uses += 1;
  if (addresses.length === 1) return addresses;
  const firstFamily = addresses[0]?.family;
  const first = addresses.filter(({ family }) => family === firstFamily);
  const second = addresses.filter(({ family }) => family !== firstFamily);
  return [...rotated(first, uses), ...rotated(second, uses)];
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  if (list.length < 2) return list;
  const from = by % list.length;
  return [...list.slice(from), ...list.slice(0, from)];
}

/** `family` is there for whoever words the error. */
function noAddresses(family: 4 | 6 | undefined): Error {
  const fault = Object.assign(new Error("The answer has no addresses"), { code: "ENODATA" });
  return family === undefined ? fault : Object.assign(fault, { family });
}

function outOfRange(name: string, expected: string, received: number): UsageError {
  return new UsageError("options/out-of-range", `Cannot use ${name}: expected ${expected}, received ${received}`);
}
