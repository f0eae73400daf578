/** An origin in memory and a session with a cache before it, both on one clock that stands still unless the test moves it. */

import { type CacheOptions, cache } from "../../../../src/client/middleware/cache/cache.js";
import { MemoryCacheStore } from "../../../../src/client/middleware/cache/store/memory-store.js";
import type { ClientMiddleware } from "../../../../src/client/middleware.js";
import type { RequestOptions, SessionOptions } from "../../../../src/client/options.js";
import type { ClientResponse } from "../../../../src/client/response.js";
import type { ClientSession } from "../../../../src/client/session.js";
import { formatHttpDate } from "../../../../src/http/dates.js";
import { type Answer, answer, FakeNet, type Seen, turns } from "../../fake-net.js";

export const URL_A = "http://a.test/x";
export const SECOND = 1_000;
export const DAY = 24 * 60 * 60 * SECOND;

/** What the origin answers to its `count`-th request, beginning with 1. */
export type Script = (seen: Seen, count: number, origin: CachedOrigin) => Answer | Promise<Answer>;

/** Status, body and field lines, in whatever order they come. */
export class CachedOrigin {
  readonly net: FakeNet;
  readonly store: MemoryCacheStore;
  readonly middleware: ClientMiddleware;
  readonly session: ClientSession;

  constructor(script: Script, options: CacheOptions = {}, session: SessionOptions = {}) {
    this.net = new FakeNet((seen) => script(seen, this.net.seen.length, this));
    this.store = new MemoryCacheStore();
    this.middleware = cache({ store: this.store, ...options });
    this.session = this.net.session({ hopMiddleware: [this.middleware], ...session });
  }

  /** Requests that reached the origin. */
  get asked(): number {
    return this.net.seen.length;
  }

  get last(): Seen {
    const seen = this.net.seen.at(-1);
    if (seen === undefined) throw new Error("Nothing was asked");
    return seen;
  }

  /** The HTTP date `seconds` from now. */
  date(seconds = 0): string {
    return formatHttpDate(this.net.clock.wallTime() + seconds * SECOND);
  }

  /** Lets seconds pass. */
  async pass(seconds: number): Promise<void> {
    await this.net.clock.advanceAsync(seconds * SECOND);
  }

  /** A GET, read to its end: what came of it. */
  async get(headers: Record<string, string> = {}, url = URL_A, more: RequestOptions = {}): Promise<Got> {
    return got(await this.session.get(url, { headers, ...more }));
  }
}

export interface Got {
  readonly status: number;
  readonly body: string;
  readonly how: ClientResponse["cacheStatus"];
  readonly response: ClientResponse;
}

/** A response read to its end; what it left is stored when this resolves. */
export async function got(response: ClientResponse): Promise<Got> {
  const body = await response.text();
  await turns(1);
  return { status: response.status, body, how: response.cacheStatus, response };
}

/** A 200 of now, with field lines. */
export function fresh(origin: CachedOrigin, body: string, ...lines: string[]): string {
  return reply(200, body, `date: ${origin.date()}`, ...lines);
}

/** An answer with field lines. */
export function reply(status: number, body: string, ...lines: string[]): string {
  return answer(status, body, lines.map((line) => `${line}\r\n`).join(""));
}

/** A 304, which has no content and no length. */
export function notModified(...lines: string[]): string {
  return `HTTP/1.1 304 Not Modified\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
}

/** A clause of a specification: its section, what it says, and the proof that it is kept. */
export type Clause = readonly [section: string, says: string, check: () => Promise<void>];

/** Answers `body 1`, `body 2` … each with these lines. */
export function always(...lines: string[]): Script {
  return (_seen, count, origin) => fresh(origin, `body ${count}`, ...lines);
}

/** How the second of two requests is answered, after `seconds`. */
export async function second(script: Script, seconds = 0, headers: Record<string, string> = {}): Promise<string> {
  const origin = new CachedOrigin(script);
  await origin.get();
  await origin.pass(seconds);
  return (await origin.get(headers)).how ?? "none";
}
