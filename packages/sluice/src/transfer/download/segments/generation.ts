/**
 * One version of the file, fetched by as many segments as are worth it, until it is whole or everything has to begin anew. Once a second
 * it looks whether another segment would help, whether one lags behind so far that a new connection is the better bet, and now and then
 * it has the store record what is there.
 */

import { CallbackDeadline } from "../../../concurrency/deadline.js";
import {
  type ConditionForm,
  firstCondition,
  hasStrongValidator,
  type RemoteVersion,
} from "../answers/remote-version.js";
import type { DownloadContext } from "../download-context.js";
import type { UsableAnswer } from "../probe.js";
import type { PartStore } from "../store/part-store.js";
import type { Fleet, Restart } from "./fleet.js";
import { Ramp } from "./ramp.js";
import { Segment } from "./segment.js";
import { type Claim, WorkPlan } from "./work-plan.js";

/** What is to be fetched. */
export interface GenerationOptions {
  readonly version: RemoteVersion;
  /** Without ranges, over one connection. */
  readonly plain: boolean;
  /** Milliseconds between two records. */
  readonly saveInterval: number;
  /** Before each record. Rejects to end the download. */
  readonly beforeSave: () => Promise<void>;
}

const LOOK_MS = 1_000;
/** A segment that has been at it for so long is one whose worth shows. */
const SETTLED_MS = LOOK_MS / 2;
/** A segment this much slower than the middle one, for so many looks on end, gets another connection. */
const LAGGING = 0.2;
const LAGGING_LOOKS = 10;
/** What would be done by then anyway is left alone. */
const LEAST_GAIN_MS = 3_000;

/** See the head of this file. */
export class Generation implements Fleet {
  readonly context: DownloadContext;
  readonly store: PartStore;
  readonly plan: WorkPlan;
  readonly resumable: boolean;
  version: RemoteVersion;
  condition: ConditionForm;
  /** Whether the end of an answer was that of its connection. */
  unknownEnd = false;
  /** Most segments that there were at once. */
  mostSegments = 0;
  readonly #options: GenerationOptions;
  readonly #controller = new AbortController();
  readonly #segments = new Map<Segment, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #ramp: Ramp | undefined;
  readonly #look: CallbackDeadline;
  #wanted: number;
  #frozen = false;
  #restart: Restart | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** Why the last segment that gave up did so. */
  #givenUp: unknown;
  #savedAt: number;
  #lookedAt: number;
  #bytesThen: number;
  #saving: Promise<void> | undefined;

  constructor(context: DownloadContext, store: PartStore, options: GenerationOptions) {
    const { version, plain } = options;
    const { trustSize, mostSegments, adaptive, minSegmentSize } = context.options;
    this.context = context;
    this.store = store;
    this.version = version;
    this.#options = options;
    this.condition = firstCondition(version);
    this.resumable = !plain && (hasStrongValidator(version) || (trustSize && version.size !== undefined));
    this.plan = new WorkPlan(store.extents, version.size ?? Number.POSITIVE_INFINITY, minSegmentSize);
    const most = this.resumable ? mostSegments : 1;
    this.#ramp = adaptive && context.options.limiter === undefined ? new Ramp(most) : undefined;
    this.#wanted = adaptive ? 1 : most;
    this.#savedAt = context.clock.now();
    this.#lookedAt = this.#savedAt;
    this.#bytesThen = context.meter.bytes;
    this.#look = new CallbackDeadline(() => this.#lookAround());
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get segments(): Iterable<Segment> {
    return this.#segments.keys();
  }

  /**
   * Resolves when the file is whole (undefined), or when it is to begin anew; nothing is being written any more then. Rejects with what
   * ended it; what had come is written.
   */
  async run(first: UsableAnswer | undefined): Promise<Restart | undefined> {
    const { clock, signal } = this.context;
    const abort = (): void => this.#fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    clock.arm(this.#look, Math.min(LOOK_MS, this.#options.saveInterval));
    try {
      if (signal.aborted) abort();
      this.#spawn(first);
      while (this.#running.size > 0) await Promise.race(this.#running);
      await this.#saving;
    } finally {
      signal.removeEventListener("abort", abort);
      clock.disarm(this.#look);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#restart;
  }

  /** Writes what has come and records it. */
  async save(): Promise<void> {
    await Promise.all([...this.#segments.keys()].map((segment) => segment.flush()));
    await this.#options.beforeSave();
    if (this.resumable) await this.store.save();
  }

  // ── what segments ask and tell ─────────────────────────────────────────────────────────────────────────────────────

  hasOthers(claim: Claim): boolean {
    for (const segment of this.#segments.keys()) if (segment.claim !== claim) return true;
    return false;
  }

  shrink(error: unknown): void {
    this.#frozen = true;
    this.#givenUp = error;
    this.#wanted = Math.max(1, this.#segments.size - 1);
  }

  setSize(size: number): void {
    if (this.version.size !== undefined) return;
    this.version = { ...this.version, size };
    this.plan.size = size;
    this.store.noteSize(size);
    for (const claim of this.plan.claims) claim.end = Math.min(claim.end, size);
  }

  noteUnknownEnd(): void {
    this.unknownEnd = true;
  }

  restart(restart: Restart): boolean {
    if (this.signal.aborted) return false;
    this.#restart = restart;
    this.#end(new Error("The download begins anew"));
    return true;
  }

  // ── the fleet ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #spawn(first?: UsableAnswer): void {
    let answer = first;
    while (!this.signal.aborted && this.#segments.size < this.#wanted) {
      const claim = this.plan.next();
      if (claim === undefined) break;
      this.#start(claim, answer);
      answer = undefined;
    }
    // What was asked for is there already.
    answer?.controller.abort();
    const count = this.#segments.size;
    if (count <= this.mostSegments) return;
    this.mostSegments = count;
    if (count > 1) this.context.emit({ type: "segments", count });
  }

  #start(claim: Claim, answer: UsableAnswer | undefined): void {
    const segment = new Segment(this, claim);
    this.#segments.set(segment, 0);
    const running = this.#run(segment, answer).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Never rejects. */
  async #run(segment: Segment, answer: UsableAnswer | undefined): Promise<void> {
    try {
      await segment.run(answer);
    } catch (error) {
      this.#fail(error);
    }
    this.#segments.delete(segment);
    this.plan.release(segment.claim);
    if (this.signal.aborted) return;
    if (this.store.extents.covers(this.plan.size)) {
      this.#end(new Error("The download is complete"));
      return;
    }
    this.#spawn();
    if (this.#segments.size === 0) this.#fail(this.#givenUp ?? new Error("No segment is left"));
  }

  #fail(error: unknown): void {
    if (this.signal.aborted) return;
    this.#failure = { error };
    this.#end(error);
  }

  /** Ends all answers but one that is to be begun anew with: no segment reads that. */
  #end(reason: unknown): void {
    this.#controller.abort(reason);
    for (const segment of this.#segments.keys()) segment.abort(reason);
  }

  // ── once a second ──────────────────────────────────────────────────────────────────────────────────────────────────

  #lookAround(): void {
    const { clock, meter } = this.context;
    const now = clock.now();
    if (now - this.#lookedAt >= LOOK_MS) {
      // What came since the last look, not the smoothed speed: that goes on rising when another connection has long stopped helping.
      const speed = ((meter.bytes - this.#bytesThen) / (now - this.#lookedAt)) * 1_000;
      this.#lookedAt = now;
      this.#bytesThen = meter.bytes;
      for (const segment of this.#segments.keys()) segment.claim.speed = segment.meter.at(now);
      if (this.#ramp !== undefined && this.#canJudge(now)) this.#wanted = this.#ramp.look(speed);
      this.#pushLaggards();
      this.#spawn();
    }
    if (now - this.#savedAt >= this.#options.saveInterval) this.#saveNow(now);
    clock.arm(this.#look, Math.min(LOOK_MS, this.#options.saveInterval));
  }

  /** Whether the last look shows what the present segments bring: a new one takes its time to the first byte. */
  #canJudge(now: number): boolean {
    if (this.#frozen) return false;
    for (const { movingSince } of this.#segments.keys()) if (now - movingSince < SETTLED_MS) return false;
    return true;
  }

  #pushLaggards(): void {
    const speeds = [...this.#segments.keys()].map(({ claim }) => claim.speed).sort((a, b) => a - b);
    const middle = speeds[Math.floor(speeds.length / 2)] ?? 0;
    for (const [segment, looks] of this.#segments) {
      const { claim } = segment;
      const leftMs =
        claim.speed === 0 ? Number.POSITIVE_INFINITY : ((claim.end - claim.position) / claim.speed) * 1_000;
      claim.slow = speeds.length > 1 && claim.speed < middle * LAGGING && leftMs > LEAST_GAIN_MS;
      this.#segments.set(segment, claim.slow ? looks + 1 : 0);
      if (looks + 1 < LAGGING_LOOKS || !claim.slow) continue;
      this.#segments.set(segment, 0);
      segment.reconnect();
    }
  }

  #saveNow(now: number): void {
    if (this.#saving !== undefined) return;
    this.#savedAt = now;
    this.#saving = this.save()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#saving = undefined;
        this.#savedAt = this.context.clock.now();
      });
  }
}
