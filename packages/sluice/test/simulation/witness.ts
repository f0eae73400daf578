/**
 * What must always hold, watched from both sides: customers tell what they asked for and got, services what came and what they answered.
 * Each breach is a line that begins with the kind of bug it stands for.
 */

export type Breach =
  | "cross-wired"
  | "deadline"
  | "lost place"
  | "lost socket"
  | "leaked timer"
  | "leaked listener"
  | "sent twice"
  | "too many tries"
  | "budget"
  | "memory"
  | "unanswered"
  | "stuck"
  | "unexpected";

/** Unread, a body holds its high-water mark and the piece that went beyond it; the link may have one more in hand. */
const MOST_UNREAD_BYTES = 3 * 64 * 1024;
/** Methods that must not reach a handler twice (RFC 9110 §9.2.2). */
const ONCE: ReadonlySet<string> = new Set(["POST", "PATCH"]);

export interface BudgetRule {
  readonly share: number;
  readonly floor: number;
}

interface Spending {
  requests: number;
  retries: number;
  readonly since: number;
}

/** Collects facts and breaches of one run. */
export class Witness {
  readonly breaches: string[] = [];
  /** What became of each request, in the order of their ends. */
  readonly outcomes: string[] = [];
  readonly #accepted = new Map<string, number>();
  readonly #tries = new Map<string, number>();
  readonly #spending = new Map<string, Spending>();
  #unanswered = 0;
  #listeners = 0;
  #next = 0;

  breach(kind: Breach, what: string): void {
    this.breaches.push(`${kind}: ${what}`);
  }

  newId(): string {
    this.#next += 1;
    return `r${this.#next}`;
  }

  /** A handler was given a request. */
  accepted(id: string, method: string, path: string): void {
    this.#unanswered += 1;
    const key = `${id} ${method} ${path}`;
    const times = (this.#accepted.get(key) ?? 0) + 1;
    this.#accepted.set(key, times);
    if (times > 1 && ONCE.has(method)) this.breach("sent twice", `${key} reached a handler ${times} times`);
  }

  /** Its answer is over: complete, or its connection is broken. */
  answered(): void {
    this.#unanswered -= 1;
  }

  /** An answer, or a body, is not the one that belongs to `id`. */
  mismatch(id: string, what: string): void {
    this.breach("cross-wired", `${id} ${what}`);
  }

  /** A request is tried again. `rule`: undefined for no budget. */
  retried(id: string, most: number): void {
    const tries = (this.#tries.get(id) ?? 1) + 1;
    this.#tries.set(id, tries);
    if (tries > most) this.breach("too many tries", `${id} is tried for the ${tries}th time, of at most ${most}`);
  }

  /** A request that may be tried again begins, on an account of the session's. */
  earned(account: string, now: number): void {
    this.#account(account, now).requests += 1;
  }

  spent(account: string, rule: BudgetRule, now: number): void {
    const spending = this.#account(account, now);
    spending.retries += 1;
    const seconds = (now - spending.since) / 1_000;
    const free = rule.floor === 0 ? 0 : Math.max(1, rule.floor * 10) + rule.floor * seconds;
    const most = rule.share * spending.requests + free;
    if (spending.retries > most + 1e-6) {
      this.breach("budget", `${account}: ${spending.retries} retries, of at most ${most} after ${seconds} s`);
    }
  }

  unread(id: string, bytes: number): void {
    if (bytes > MOST_UNREAD_BYTES) this.breach("memory", `${id} holds ${bytes} bytes that nobody reads`);
  }

  ended(id: string, outcome: string, elapsed: number, most: number): void {
    this.outcomes.push(`${id} ${outcome} ${elapsed}`);
    if (elapsed > most) this.breach("deadline", `${id} ended after ${elapsed} ms, of at most ${most}: ${outcome}`);
  }

  /** A signal that counts who listens to it. */
  watch(signal: AbortSignal): AbortSignal {
    const { addEventListener, removeEventListener } = signal;
    let listening = 0;
    const count = (change: number) => {
      if (listening + change < 0) return;
      listening += change;
      this.#listeners += change;
    };
    signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>) => {
      count(1);
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<AbortSignal["removeEventListener"]>) => {
      count(-1);
      removeEventListener.apply(signal, args);
    };
    addEventListener.call(signal, "abort", () => count(-listening), { once: true });
    return signal;
  }

  /** To be called when every request has ended, and everything that answers them is closed. */
  atTheEnd(): void {
    if (this.#unanswered !== 0) this.breach("unanswered", `${this.#unanswered} requests that a service accepted`);
    if (this.#listeners !== 0) this.breach("leaked listener", `${this.#listeners} on signals of callers`);
  }

  #account(name: string, now: number): Spending {
    const known = this.#spending.get(name);
    if (known !== undefined) return known;
    const made = { requests: 0, retries: 0, since: now };
    this.#spending.set(name, made);
    return made;
  }
}

/** The body that belongs to a request: its id, over and over. */
export function bodyOf(id: string, size: number): Buffer {
  return Buffer.alloc(size, `<${id}>`);
}
