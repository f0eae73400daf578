/**
 * Who may write to the unfinished file of a target: a lock file beside it, which names the process that holds it and is touched now and
 * then ("heartbeat").
 *
 * A lock whose process is gone never blocks: a process is known by its id and its start time, so an id used again deceives nobody. A lock
 * whose process lives always does, stopped or asleep. Of a process that cannot be looked at from here (another machine on the same file
 * system, another container) the heartbeat decides, by the file system's clock. To take a dead one's lock away is itself guarded by a
 * lock, named after the dead one's token: of two that find the same dead lock only one removes it, and neither removes the other's.
 */

import type { Clock } from "../../../concurrency/clock.js";
import { CallbackDeadline } from "../../../concurrency/deadline.js";
import { sleep } from "../../../concurrency/sleep.js";
import { SluiceError } from "../../../errors.js";
import { codeOf, type DurableFiles, writeNewText } from "../../../platform/durable-files.js";
import { ownIdentity, type ProcessIdentity, stateOf } from "../../../platform/process-identity.js";
import { randomHex } from "../../../platform/random.js";
import { diskError } from "./disk-errors.js";

/** How a lock is asked for. */
export interface LockOptions {
  readonly files: DurableFiles;
  readonly clock: Clock;
  /** Takes it away even from a process that lives, which stops when it notices. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/** What a lock file says. */
interface Holder extends ProcessIdentity {
  readonly token: string;
}

const HEARTBEAT_MS = 10_000;
/** After so long without one, a holder that cannot be looked at counts as gone. */
const SILENCE_MS = 60_000;
/** A lock without a holder's name in it: its maker was killed between making and writing, or is just about to write. */
const NAMELESS_MS = 2_000;
const MOST_LOCK_BYTES = 4_096;
const TOKEN_BYTES = 8;
/** Two that get in each other's way try again after a moment, and not for ever. */
const TRIES = 20;
const PAUSE_MS = 25;

/** See the head of this file. Held from {@link acquireLock} until {@link TargetLock.release}. */
export class TargetLock {
  readonly #path: string;
  readonly #token: string;
  readonly #options: LockOptions;
  readonly #heartbeat: CallbackDeadline;
  #lost = false;

  constructor(path: string, token: string, options: LockOptions) {
    this.#path = path;
    this.#token = token;
    this.#options = options;
    this.#heartbeat = new CallbackDeadline(() => void this.#beat());
    options.clock.arm(this.#heartbeat, HEARTBEAT_MS);
  }

  /** Throws `SluiceError` `download/lock-lost` when somebody has taken it away with `force`. */
  async verify(): Promise<void> {
    const holder = await readHolder(this.#options.files, this.#path);
    if (!this.#lost && holder?.token === this.#token) return;
    this.#lost = true;
    const message = `Cannot go on downloading: another process has taken the lock ${this.#path} with force`;
    throw new SluiceError("download/lock-lost", message);
  }

  /** Idempotent. */
  async release(): Promise<void> {
    const { clock, files } = this.#options;
    clock.disarm(this.#heartbeat);
    if (this.#lost) return;
    this.#lost = true;
    const holder = await readHolder(files, this.#path);
    if (holder?.token === this.#token) await files.remove(this.#path);
  }

  async #beat(): Promise<void> {
    const { clock, files } = this.#options;
    try {
      await files.touch(this.#path);
    } catch (error) {
      // Taken away, or the disk is in trouble: whoever writes next will be told.
      if (codeOf(error) === undefined) throw error;
    }
    if (!this.#lost) clock.arm(this.#heartbeat, HEARTBEAT_MS);
  }
}

/** Waits for nobody: rejects with `SluiceError` `download/locked` when a live process holds it, with the disk's error if there is one. */
export async function acquireLock(path: string, options: LockOptions): Promise<TargetLock> {
  const { files, clock, signal } = options;
  const token = randomHex(TOKEN_BYTES);
  const candidate = `${path}.${token}`;
  try {
    await writeNewText(files, candidate, JSON.stringify({ token, ...ownIdentity() }));
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      if (await tryLink(files, candidate, path)) return new TargetLock(path, token, options);
      await clearAway(path, candidate, options);
      await sleep(attempt > 1 ? PAUSE_MS : 0, { clock, signal });
    }
    throw locked(path, "others are trying to get it at the same time");
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw diskError("lock", path, error);
  } finally {
    await files.remove(candidate);
  }
}

/** Gives the file its name as the lock, if the name is free: at once with all that is in it. */
async function tryLink(files: DurableFiles, candidate: string, path: string): Promise<boolean> {
  try {
    await files.link(candidate, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    return await tryWrite(files, candidate, path, error);
  }
}

/** Some file systems have no second names: there the lock is made and then written, which leaves a moment without a holder's name. */
async function tryWrite(files: DurableFiles, candidate: string, path: string, cause: unknown): Promise<boolean> {
  const text = await files.readText(candidate, MOST_LOCK_BYTES);
  if (text === undefined) throw cause;
  try {
    await writeNewText(files, path, text);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock if its holder is gone; harmless if it has gone by itself. Rejects with `download/locked` if the holder lives. */
async function clearAway(path: string, candidate: string, options: LockOptions): Promise<void> {
  const { files } = options;
  const holder = await readHolder(files, path);
  const [lock, mine] = [await files.status(path), await files.status(candidate)];
  if (lock === undefined || mine === undefined) return;
  // Both times are the file system's.
  const silence = mine.modifiedTime - lock.modifiedTime;
  if (holder === undefined) {
    if (silence > NAMELESS_MS || options.force) await files.remove(path);
    return;
  }
  const state = stateOf(holder);
  const gone = state === "gone" || (state === "unknown" && silence > SILENCE_MS);
  if (!gone && !options.force) throw heldBy(path, holder, silence);
  const guard = await acquireLock(`${path}.${holder.token}`, { ...options, force: false });
  try {
    const still = await readHolder(files, path);
    if (still?.token === holder.token) await files.remove(path);
  } finally {
    await guard.release();
  }
}

async function readHolder(files: DurableFiles, path: string): Promise<Holder | undefined> {
  const text = await files.readText(path, MOST_LOCK_BYTES);
  if (text === undefined) return undefined;
  try {
    return holderOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function holderOf(value: unknown): Holder | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { token, pid, place, startedAt } = value as Readonly<Record<string, unknown>>;
  if (typeof token !== "string" || !/^[0-9a-f]{1,64}$/.test(token)) return undefined;
  if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0 || typeof place !== "string") return undefined;
  return { token, pid, place, startedAt: typeof startedAt === "string" ? startedAt : undefined };
}

function heldBy(path: string, { pid, place }: Holder, silence: number): SluiceError {
  const own = ownIdentity();
  if (place === own.place && pid === own.pid) return locked(path, `this process (${pid}) is at it already`);
  if (place === own.place) return locked(path, `process ${pid} is at it`);
  const host = place.slice(0, Math.max(0, place.indexOf("|")));
  const seconds = Math.max(0, Math.round(silence / 1_000));
  const rest = `it is taken over after ${SILENCE_MS / 1_000} s without a sign of life`;
  return locked(path, `process ${pid} on ${host} is at it, as of ${seconds} s ago; ${rest}`);
}

function locked(path: string, why: string): SluiceError {
  return new SluiceError("download/locked", `Cannot lock ${path}: ${why}; \`force\` takes it away`);
}
