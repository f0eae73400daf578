/**
 * One client of a hub: its rooms, what is on its way to it, its heartbeat, and its end. What its frames ask for is done in `frame-desk.ts`; this is
 * what they are done to.
 */

import { Deadline } from "../../concurrency/deadline.js";
import { TokenBucket } from "../../concurrency/token-bucket.js";
import type { HubUser } from "../bus/bus.js";
import type { Lane, SlowPolicy } from "../delivery/lane.js";
import { Outbox, type OutboxOwner } from "../delivery/outbox.js";
import { END, type EndCode, type Subscriber, type SubscriberOwner } from "../delivery/subscriber.js";
import { type ByeReason, byeFrame, frameOf, PING } from "../protocol/frames.js";
import type { HubParts } from "./hub-parts.js";
import type { LiveRoom } from "./live-room.js";
import type { MemberConnection, Membership } from "./membership.js";
import { publicPart } from "./public-part.js";

/** Who a connection is, and what it was given with it. */
export interface ConnectionSettings<User extends HubUser> {
  readonly id: string;
  readonly user: User | undefined;
  /** Rooms that the application names: they may be joined without further ado if nothing else decides. */
  readonly rooms: ReadonlySet<string>;
  /** When its authorisation ends, in milliseconds since the Unix epoch; `Infinity`: never. */
  readonly expiresAt: number;
  /** It answers heartbeats, and is taken for dead when it does not. */
  readonly answersPings: boolean;
}

/** A room that a connection is in, or about to be in. */
export interface JoinedRoom {
  readonly room: LiveRoom;
  readonly member: Membership;
}

const MS_PER_SECOND = 1_000;
/** How many heartbeats of silence end a connection. */
const SILENT_HEARTBEATS = 2;
/** Frames refused for being too many, beyond those that were not, after which a connection is ended. */
const MOST_STRIKES = 100;
/** When those come back who were sent away because of what they did, in milliseconds; spread by as much again. */
const RETRY_MS: Record<Exclude<ByeReason, "removed" | "expired">, number> = {
  restart: 1_000,
  slow: 500,
  policy: 30_000,
};

/** See the head of this file. */
export class HubConnection<User extends HubUser>
  extends Deadline
  implements MemberConnection, OutboxOwner, SubscriberOwner
{
  readonly id: string;
  readonly user: User | undefined;
  readonly outbox: Outbox;
  /** Rooms by name; a name whose join is under way stands for undefined. */
  readonly rooms = new Map<string, JoinedRoom | undefined>();
  /** Rooms that the application names. */
  readonly namedRooms: ReadonlySet<string>;
  /** When its authorisation ends, in milliseconds since the Unix epoch. */
  expiresAt: number;
  /** It is over, or is being ended: nothing more is to be done for it. */
  over = false;
  readonly #parts: HubParts<User>;
  readonly #subscriber: Subscriber;
  readonly #answersPings: boolean;
  readonly #bucket: TokenBucket | undefined;
  #strikes = 0;
  #heardAt: number;
  /** When the next heartbeat is due. */
  #beatAt: number;
  /** Frames being worked off: who waits for us is not silent. */
  #busy = 0;

  constructor(parts: HubParts<User>, subscriber: Subscriber, settings: ConnectionSettings<User>) {
    super();
    const { clock, random, limits, heartbeatMs } = parts.settings;
    this.#parts = parts;
    this.#subscriber = subscriber;
    this.id = settings.id;
    this.user = settings.user;
    this.namedRooms = settings.rooms;
    this.expiresAt = settings.expiresAt;
    this.#answersPings = settings.answersPings;
    this.outbox = new Outbox(subscriber, this, limits.maxQueuedBytes);
    this.#bucket = bucketOf(limits.framesPerSecond);
    this.#heardAt = clock.now();
    // The hearts of those who came all at once are not to beat all at once.
    this.#beatAt = this.#heardAt + heartbeatMs * (0.5 + random() / 2);
    this.#armNext();
  }

  /** Says hello. */
  welcome(): void {
    const { settings, describeLimits } = this.#parts;
    const { heartbeatMs, clock } = settings;
    const { user } = this;
    const welcome = {
      version: 1,
      connection: this.id,
      user: user === undefined ? undefined : publicPart(user),
      rooms: [...this.namedRooms],
      heartbeat: finite(heartbeatMs),
      expiresIn: finite(this.expiresAt - clock.wallTime()),
      limits: describeLimits,
    };
    this.outbox.send(frameOf("welcome", welcome));
    this.#parts.emitter.emit("connect", this.#event);
  }

  /** Something came from the client. False: it is to be refused, because too much does; milliseconds after which it may try again are 1 / rate. */
  admit(): boolean {
    const now = this.#parts.settings.clock.now();
    this.#heardAt = now;
    if (this.#bucket === undefined || this.#bucket.tryTake(now)) {
      this.#strikes = Math.max(this.#strikes - 1, 0);
      return true;
    }
    this.#strikes += 1;
    if (this.#strikes > MOST_STRIKES) this.dismiss("policy", END.tooFast);
    return false;
  }

  /** Runs `job` for a frame of the client; while it runs, silence is no sign of death. */
  async busyWith<T>(job: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await job();
    } finally {
      this.#busy -= 1;
      this.#heardAt = this.#parts.settings.clock.now();
    }
  }

  /** Its authorisation ends at another time. */
  extend(expiresAt: number): void {
    this.expiresAt = expiresAt;
    this.#armNext();
  }

  /** Takes it out of a room; its user is said to have left after `lingerMs`. False: it is not in there. */
  leave(name: string, lingerMs: number): boolean {
    const joined = this.rooms.get(name);
    if (joined === undefined) return false;
    this.rooms.delete(name);
    joined.member.over = true;
    this.#parts.rooms.remove(joined.room, joined.member, lingerMs);
    if (joined.member.announced) this.#parts.emitter.emit("leave", { ...this.#event, room: name });
    return true;
  }

  /** Takes it out of a room, and tells it so. False: it is not in there. */
  expel(name: string): boolean {
    if (!this.leave(name, 0)) return false;
    this.outbox.send(frameOf("left", { room: name, reason: "removed" }));
    return true;
  }

  /** Ends it, and says why and when it makes sense to come back. */
  dismiss(reason: ByeReason, end: EndCode, retryAfter = this.#retryAfter(reason)): void {
    if (this.over) return;
    const { lingerMs } = this.#parts.settings;
    const final = reason === "removed" || reason === "expired";
    this.#finish(final ? 0 : lingerMs + (retryAfter ?? 0));
    this.#subscriber.send(byeFrame(reason, retryAfter));
    this.#subscriber.end(end);
  }

  onDrain(): void {
    this.outbox.drain();
  }

  onOver(): void {
    this.#finish(this.#parts.settings.lingerMs);
    this.#parts.onOver(this);
    this.#parts.emitter.emit("disconnect", this.#event);
  }

  onSlow(policy: SlowPolicy, lane: Lane | undefined, dropped: number): void {
    const { emitter, tally } = this.#parts;
    tally.dropped += dropped;
    if (emitter.has("slow")) {
      const { queuedBytes } = this.outbox;
      emitter.emit("slow", { ...this.#event, room: lane?.room, policy, queuedBytes });
    }
    if (policy !== "disconnect") return;
    tally.slow += 1;
    this.dismiss("slow", END.slow);
  }

  onGap(lane: Lane, missed: number): void {
    this.#parts.tally.gaps += 1;
    this.#parts.emitter.emit("gap", { room: lane.room, reason: "slow", missed, connection: this.id });
  }

  /** The next heartbeat, or the end of the authorisation. */
  override expire(): void {
    const { clock, heartbeatMs } = this.#parts.settings;
    const now = clock.now();
    if (clock.wallTime() >= this.expiresAt) {
      this.dismiss("expired", END.expired);
      return;
    }
    if (now >= this.#beatAt) {
      const silent = this.#answersPings && this.#busy === 0 && now - this.#heardAt >= SILENT_HEARTBEATS * heartbeatMs;
      if (silent) {
        this.#subscriber.abandon();
        return;
      }
      this.#beatAt = now + heartbeatMs;
      this.outbox.send(PING);
    }
    this.#armNext();
  }

  get #event(): { readonly connection: string; readonly user: User | undefined } {
    return { connection: this.id, user: this.user };
  }

  #armNext(): void {
    if (this.over) return;
    const { clock } = this.#parts.settings;
    const untilBeat = this.#beatAt - clock.now();
    const untilExpiry = this.expiresAt - clock.wallTime();
    clock.arm(this, Math.max(Math.min(untilBeat, untilExpiry), 0));
  }

  #finish(lingerMs: number): void {
    if (this.over) return;
    this.over = true;
    this.#parts.settings.clock.disarm(this);
    for (const name of [...this.rooms.keys()]) this.leave(name, lingerMs);
    this.outbox.close();
  }

  #retryAfter(reason: ByeReason): number | null {
    if (reason === "removed" || reason === "expired") return null;
    return Math.round(RETRY_MS[reason] * (1 + this.#parts.settings.random()));
  }
}

function bucketOf(perSecond: number): TokenBucket | undefined {
  if (perSecond === Number.POSITIVE_INFINITY) return undefined;
  return new TokenBucket({ perSecond, burst: Math.max(Math.ceil(2 * perSecond), 1) });
}

/** Milliseconds after which one more frame is let through. */
export function msPerFrame(framesPerSecond: number): number {
  return Math.ceil(MS_PER_SECOND / framesPerSecond);
}

/** What a limit that is off is told as: nothing. */
function finite(value: number): number | undefined {
  return Number.isFinite(value) ? Math.max(Math.round(value), 0) : undefined;
}
