/**
 * Keeps one bearer token for many requests: gets the first, gets the next before it ends or when it was refused, and has all who
 * need it wait for one and the same refresh.
 *
 * A refresh belongs to no request: whoever waits may leave, and it goes on for the others, until `refreshTimeout`. A server
 * that refuses every token must not make a refresh of every request: `minRefreshInterval`.
 */
import { onAbort } from "../../../concurrency/abort.js";
import type { Clock } from "../../../concurrency/clock.js";
import { callLater } from "../../../concurrency/deadline.js";
import { AuthenticationError, UsageError } from "../../../errors.js";
import type { ClientRequest } from "../../request.js";

/** A token, and how long it is good for. */
export interface BearerToken {
  readonly token: string;
  /** When it ends: a `Date`, or milliseconds since the Unix epoch. @default it is kept until a server refuses it */
  readonly expiresAt?: Date | number | undefined;
}

/** Why a token is asked for. */
export interface RefreshRequest {
  /** There is none yet or it has ended, it is about to end, or a server answered 401 to it. */
  readonly reason: "needed" | "expiring" | "refused";
  /** The token there was. */
  readonly previous: string | undefined;
  /** Aborted at `refreshTimeout`. */
  readonly signal: AbortSignal;
}

/** How a shared token is got and kept. */
export interface RefreshOptions {
  /**
   * Gets a token. Not called while a call of it is under way, until `refreshTimeout`: all requests wait for that one. If it asks over the same
   * session, it must do so with `auth: false`, or it would wait for itself.
   */
  readonly refresh: (why: RefreshRequest) => BearerToken | string | Promise<BearerToken | string>;
  /** What to begin with. @default none: the first request has `refresh` called */
  readonly token?: BearerToken | string | undefined;
  /**
   * So many milliseconds before a token ends, the next one is got, while requests go on with the old one; at most half of its
   * life before. @default 30_000
   */
  readonly refreshBefore?: number;
  /** Longest time for one call of `refresh`, in milliseconds; `Infinity` for no limit. @default 60_000 */
  readonly refreshTimeout?: number;
  /**
   * A token that is refused within so many milliseconds of being got is not refreshed again: the 401 is the answer.
   * @default 1_000
   */
  readonly minRefreshInterval?: number;
}

interface Kept {
  readonly token: string;
  readonly expiresAt: number;
  /** When to get the next one, by the wall clock. */
  readonly dueAt: number;
}

type Settings = Required<Omit<RefreshOptions, "token">> & Pick<RefreshOptions, "token">;

/** The times of {@link RefreshOptions} where nobody set one, in milliseconds. */
export const REFRESH_DEFAULTS = { refreshBefore: 30_000, refreshTimeout: 60_000, minRefreshInterval: 1_000 } as const;

const NEVER = Number.POSITIVE_INFINITY;

/** See the head of this file. */
export class TokenKeeper {
  readonly #settings: Settings;
  #kept: Kept | undefined;
  /** The token that a server refused and that has had no successor yet. */
  #refused: string | undefined;
  #pending: Promise<Kept> | undefined;
  /** When the latest refresh ended, well or not, on the monotonic clock. */
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(settings: Settings) {
    this.#settings = settings;
    // From when on it holds is unknown: it is renewed by its end alone.
    const { token } = settings;
    this.#kept = token === undefined ? undefined : keptFrom(token, Number.NEGATIVE_INFINITY, settings.refreshBefore);
  }

  /** The token to send: the one there is, or a new one. Rejects with `auth/refresh-failed`, or with the request's own end. */
  async token(request: ClientRequest): Promise<string> {
    const kept = this.#kept;
    const { clock } = request;
    const now = clock.wallTime();
    if (kept === undefined || kept.expiresAt <= now) return (await this.#wait("needed", request)).token;
    if (kept.token === this.#refused && this.#isRested(clock)) return (await this.#wait("refused", request)).token;
    if (kept.dueAt <= now && this.#isRested(clock)) this.#refreshAhead(clock);
    return kept.token;
  }

  /** The server answered 401 to `token`, by a request that cannot be sent again: the next one gets a new token first. */
  refused(token: string): void {
    if (this.#kept?.token === token) this.#refused = token;
  }

  /** Whether there is, or may soon be, another token than the one that was refused. */
  mayReplace(token: string, clock: Clock): boolean {
    return this.#kept?.token !== token || this.#pending !== undefined || this.#isRested(clock);
  }

  /** Another token than the one that was refused: a newer one that has come meanwhile, or else a new one. */
  async replacement(token: string, request: ClientRequest): Promise<string> {
    const kept = this.#kept;
    if (kept !== undefined && kept.token !== token) return kept.token;
    return (await this.#wait("refused", request)).token;
  }

  #isRested(clock: Clock): boolean {
    return clock.now() - this.#refreshedAt >= this.#settings.minRefreshInterval;
  }

  /** Nobody waits for it: should it fail, requests go on with the token there is, until that ends. */
  #refreshAhead(clock: Clock): void {
    this.#start("expiring", clock).catch(() => undefined);
  }

  /** The refresh under way or a new one, for as long as `request` lives. Every waiter gets an error of its own. */
  async #wait(reason: RefreshRequest["reason"], request: ClientRequest): Promise<Kept> {
    const pending = this.#pending ?? this.#start(reason, request.clock);
    let stop = (): void => undefined;
    const ended = new Promise<never>((_resolve, reject) => {
      stop = onAbort(request.signal, reject);
    });
    try {
      return await Promise.race([pending.catch((cause: unknown) => Promise.reject(failed(cause))), ended]);
    } finally {
      stop();
    }
  }

  #start(reason: RefreshRequest["reason"], clock: Clock): Promise<Kept> {
    this.#pending ??= this.#refresh(reason, clock).finally(() => {
      this.#pending = undefined;
      this.#refreshedAt = clock.now();
    });
    return this.#pending;
  }

  async #refresh(reason: RefreshRequest["reason"], clock: Clock): Promise<Kept> {
    const { refresh, refreshBefore, refreshTimeout } = this.#settings;
    const controller = new AbortController();
    const previous = this.#kept?.token;
    const late = new Promise<never>((_resolve, reject) => {
      controller.signal.addEventListener("abort", () => reject(controller.signal.reason));
    });
    const deadline = callLater(clock, refreshTimeout, () =>
      controller.abort(
        new AuthenticationError(
          "auth/refresh-timeout",
          `\`refresh\` took longer than ${refreshTimeout} ms (refreshTimeout)`,
        ),
      ),
    );
    try {
      const given = await Promise.race([refresh({ reason, previous, signal: controller.signal }), late]);
      this.#kept = keptFrom(given, clock.wallTime(), refreshBefore);
      this.#refused = undefined;
      return this.#kept;
    } finally {
      clock.disarm(deadline);
    }
  }
}

/** Throws `UsageError` `auth/token`, which does not repeat it, for what is no token: empty, or with spaces or control characters. */
export function checkedToken(token: unknown): string {
  if (typeof token === "string" && /^[\x21-\x7e]+$/.test(token)) return token;
  const what = typeof token === "string" ? "what is empty, or has spaces or control characters" : typeof token;
  throw new UsageError("auth/token", `Cannot send ${what} as a bearer token: visible ASCII characters are needed`);
}

function keptFrom(given: BearerToken | string, now: number, refreshBefore: number): Kept {
  const { token, expiresAt = NEVER } = typeof given === "object" && given !== null ? given : { token: given };
  const end = Number(expiresAt);
  if (Number.isNaN(end)) {
    throw new UsageError("auth/token", "Cannot keep a bearer token: its expiresAt is neither a Date nor a number");
  }
  const life = Math.max(0, end - now);
  return { token: checkedToken(token), expiresAt: end, dueAt: end - Math.min(refreshBefore, life / 2) };
}

/** The cause is the caller's own error: it is kept, not quoted. */
function failed(cause: unknown): AuthenticationError {
  return new AuthenticationError("auth/refresh-failed", "Cannot get a bearer token: `refresh` failed, see the cause", {
    cause,
  });
}
