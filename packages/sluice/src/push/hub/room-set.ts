/**
 * The rooms that have members on one hub: each is subscribed to while it has some, subscribed to again when the bus was lost, and their presence is
 * renewed. All talk with the bus goes through here.
 */

import { fullJitter } from "../../concurrency/back-off.js";
import { CallbackDeadline, callLater, type Deadline } from "../../concurrency/deadline.js";
import { ConnectionLostError } from "../../errors.js";
import type {
  BusMessage,
  BusSubscription,
  HistoryPage,
  HistoryQuery,
  HubUser,
  PresenceEntry,
  PresenceSnapshot,
} from "../bus/bus.js";
import type { GapReason } from "../protocol/frames.js";
import type { Position } from "../protocol/position.js";
import type { CatchUpHost } from "./catch-up.js";
import { type HubEmitter, messageEvent } from "./hub-events.js";
import type { HubSettings } from "./hub-options.js";
import type { HubTally } from "./hub-tally.js";
import { LiveRoom, type RoomHost } from "./live-room.js";
import type { Membership } from "./membership.js";
import { publicPart } from "./public-part.js";

/** How many bytes of messages are read from a history at a time. */
const PAGE_BYTES = 256 * 1024;
const PAGE_MESSAGES = 100;
/** Waits before the bus is tried again, in milliseconds. */
const RETRY = { base: 200, cap: 10_000 } as const;
/** Of a lease, after which it is renewed: one renewal may fail. */
const RENEWALS_A_LEASE = 3;

/** A room, and what this hub holds of it. */
interface Held {
  readonly room: LiveRoom;
  /** Joins under way and members. */
  holders: number;
  opening: Promise<void>;
  subscription: BusSubscription | undefined;
  /** Failures since the bus was last within reach for a while. */
  failures: number;
  resumedAt: number;
  retry: Deadline | undefined;
}

/** See the head of this file. */
export class RoomSet<User extends HubUser> implements RoomHost, CatchUpHost {
  readonly #settings: HubSettings<User>;
  readonly #emitter: HubEmitter<User>;
  readonly #tally: HubTally;
  readonly #held = new Map<string, Held>();
  /** Reads that several may wait for: members who come back all at once ask for the same. */
  readonly #reads = new Map<string, Promise<HistoryPage>>();
  readonly #renewal = new CallbackDeadline(() => this.#renew());

  constructor(settings: HubSettings<User>, emitter: HubEmitter<User>, tally: HubTally) {
    this.#settings = settings;
    this.#emitter = emitter;
    this.#tally = tally;
  }

  get size(): number {
    return this.#held.size;
  }

  find(name: string): LiveRoom | undefined {
    return this.#held.get(name)?.room;
  }

  /** The room, subscribed to and kept until it is let go of with `release`, once for each `hold`. Rejects with `push/unavailable`. */
  async hold(name: string): Promise<LiveRoom> {
    const held = this.#held.get(name) ?? this.#open(name);
    held.holders += 1;
    try {
      await held.opening;
    } catch (error) {
      this.#letGo(held);
      throw unavailable("join", error);
    }
    return held.room;
  }

  release(room: LiveRoom): void {
    const held = this.#held.get(room.name);
    if (held?.room === room) this.#letGo(held);
  }

  /** A part of the history. Rejects with `push/unavailable`. */
  async read(name: string, query: Omit<HistoryQuery, "maxBytes">): Promise<HistoryPage> {
    try {
      return await this.#settings.bus.history(name, { ...query, maxBytes: PAGE_BYTES });
    } catch (error) {
      throw unavailable("read the history", error);
    }
  }

  /** As {@link read}, but may be what somebody else began to read a moment ago. */
  readShared(name: string, after: Position): Promise<HistoryPage> {
    const key = `${after.epoch}:${after.offset} ${name}`;
    const under = this.#reads.get(key);
    if (under !== undefined) return under;
    const read = this.read(name, { after, limit: PAGE_MESSAGES }).finally(() => this.#reads.delete(key));
    this.#reads.set(key, read);
    return read;
  }

  readHistory(name: string, after: Position): Promise<HistoryPage> {
    return this.read(name, { after, limit: PAGE_MESSAGES });
  }

  /** Who is there. Rejects with `push/unavailable`. */
  async presence(name: string): Promise<PresenceSnapshot> {
    try {
      return await this.#settings.bus.presence(name, this.#settings.limits.maxPresentUsers);
    } catch (error) {
      throw unavailable("read the presence", error);
    }
  }

  /** The member is to be counted as present, and to be given what comes once it is live. */
  async add(room: LiveRoom, member: Membership): Promise<void> {
    room.add(member);
    if (!room.settings.presence) return;
    const { leaseMs, clock, bus } = this.#settings;
    if (!this.#renewal.armed) clock.arm(this.#renewal, leaseMs / RENEWALS_A_LEASE);
    // If it fails it is said again when leases are renewed.
    await this.#attempt("say who is present", room, () => bus.touch(room.name, [entryOf(member)], leaseMs));
  }

  /** The member leaves; its user is said to have left after `lingerMs`. */
  remove(room: LiveRoom, member: Membership, lingerMs: number): void {
    room.delete(member);
    const { bus } = this.#settings;
    // If it fails the lease runs out.
    if (room.settings.presence) {
      void this.#attempt("say who has left", room, () => bus.release(room.name, [member.connection.id], lingerMs));
    }
    this.release(room);
  }

  onMessage(room: LiveRoom, message: BusMessage): void {
    this.#tally.delivered += room.memberCount;
    if (this.#emitter.has("message")) this.#emitter.emit("message", messageEvent(room.name, message));
  }

  onGap(room: LiveRoom, reason: GapReason, missed: number | undefined): void {
    this.#tally.gaps += room.memberCount;
    this.#emitter.emit("gap", { room: room.name, reason, missed });
  }

  onMemberGap({ connection, lane }: Membership, reason: GapReason, missed: number | undefined): void {
    this.#tally.gaps += 1;
    this.#emitter.emit("gap", { room: lane.room, reason, missed, connection: connection.id });
  }

  onInterrupted(room: LiveRoom, error: unknown): void {
    this.#emitter.fail(unavailable("follow the room", error), room.name);
    const held = this.#held.get(room.name);
    if (held?.room === room) this.#retryLater(held);
  }

  /** Rooms some of whose members have what others have not. */
  get givingOut(): LiveRoom[] {
    return [...this.#held.values()].map(({ room }) => room).filter(({ givingOut }) => givingOut);
  }

  /** Ends all subscriptions. */
  close(): void {
    this.#settings.clock.disarm(this.#renewal);
    for (const held of this.#held.values()) this.#end(held);
    this.#held.clear();
  }

  #open(name: string): Held {
    const room = new LiveRoom(name, this.#settings.settingsOf(name), this);
    const held: Held = {
      room,
      holders: 0,
      opening: Promise.resolve(),
      subscription: undefined,
      failures: 0,
      resumedAt: Number.NEGATIVE_INFINITY,
      retry: undefined,
    };
    this.#held.set(name, held);
    held.opening = this.#subscribe(held);
    return held;
  }

  async #subscribe(held: Held): Promise<void> {
    const { room } = held;
    const subscription = await this.#settings.bus.subscribe(room.name, room);
    held.subscription = subscription;
    room.begin(subscription);
    // Everybody has left while it was being opened.
    if (this.#held.get(room.name) !== held) this.#unsubscribe(held);
  }

  #letGo(held: Held): void {
    held.holders -= 1;
    if (held.holders > 0 || this.#held.get(held.room.name) !== held) return;
    this.#held.delete(held.room.name);
    this.#end(held);
  }

  #end(held: Held): void {
    held.room.close();
    if (held.retry !== undefined) this.#settings.clock.disarm(held.retry);
    this.#unsubscribe(held);
  }

  #unsubscribe(held: Held): void {
    const { subscription } = held;
    held.subscription = undefined;
    if (subscription !== undefined) void this.#attempt("leave the room", held.room, () => subscription.close());
  }

  #retryLater(held: Held): void {
    const { clock, random } = this.#settings;
    if (clock.now() - held.resumedAt > RETRY.cap) held.failures = 0;
    held.failures += 1;
    if (held.retry !== undefined) clock.disarm(held.retry);
    held.retry = callLater(clock, fullJitter(held.failures, RETRY, random), () => void this.#subscribeAgain(held));
  }

  async #subscribeAgain(held: Held): Promise<void> {
    const { room } = held;
    this.#unsubscribe(held);
    let subscription: BusSubscription;
    try {
      subscription = await this.#settings.bus.subscribe(room.name, room);
    } catch (error) {
      this.#emitter.fail(unavailable("follow the room", error), room.name);
      if (this.#held.get(room.name) === held) this.#retryLater(held);
      return;
    }
    held.subscription = subscription;
    held.resumedAt = this.#settings.clock.now();
    if (this.#held.get(room.name) === held) room.resume();
    else this.#unsubscribe(held);
  }

  #renew(): void {
    const { bus, clock, leaseMs } = this.#settings;
    if (this.#held.size === 0) return;
    clock.arm(this.#renewal, leaseMs / RENEWALS_A_LEASE);
    for (const { room } of this.#held.values()) {
      if (!room.settings.presence || room.memberCount === 0) continue;
      const entries = [...room.members].map(entryOf);
      void this.#attempt("say who is present", room, () => bus.touch(room.name, entries, leaseMs));
    }
  }

  /** Has the bus do what does not matter to whoever asks; however it fails, it is told as an error of the hub. Does not reject. */
  async #attempt(what: string, room: LiveRoom, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#emitter.fail(unavailable(what, error), room.name);
    }
  }
}

function entryOf({ connection }: Membership): PresenceEntry {
  const { id, user } = connection;
  return { connection: id, user: user === undefined ? undefined : publicPart(user) };
}

/** The bus would not. */
export function unavailable(what: string, cause: unknown): ConnectionLostError {
  return new ConnectionLostError("push/unavailable", `Cannot ${what}: the hub cannot reach its bus, see the cause`, {
    cause,
  });
}
