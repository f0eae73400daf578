/**
 * The bus within one process. A room exists while it has listeners, messages that are remembered, or somebody in it, and for some minutes after, so that
 * the one member of a quiet room can lose its connection without missing anything. A room that comes into being again has another epoch: nobody
 * takes its numbers for those of the one before.
 *
 * All rooms together are bounded, because peers may be free to make rooms: in bytes, beyond which the room that was published to longest ago forgets
 * first, and in the number of those that nobody uses.
 */

import { type Clock, systemClock } from "../../concurrency/clock.js";
import { callLater, type Deadline } from "../../concurrency/deadline.js";
import { Fifo, type FifoNode } from "../../concurrency/fifo.js";
import { UsageError } from "../../errors.js";
import { refuseUnknown, requireNumber } from "../../options.js";
import { randomHex } from "../../platform/random.js";
import type {
  Bus,
  BusListener,
  BusMessage,
  BusSubscription,
  HistoryPage,
  HistoryQuery,
  NewMessage,
  PresenceEntry,
  PresenceSnapshot,
  Published,
  Retention,
} from "./bus.js";
import { RoomHistory } from "./room-history.js";
import { RoomPresence } from "./room-presence.js";

/** How a {@link MemoryBus} is made. */
export interface MemoryBusOptions {
  /**
   * Most bytes that what all rooms together remember may take: the data, and 400 for each message and 2,000 for each room that has some, so that many
   * that are small are bounded, too. From 0. @default 67_108_864 (64 MiB)
   */
  readonly maxHistoryBytes?: number;
  /** @default the system's */
  readonly clock?: Clock;
}

const DEFAULT_MAX_HISTORY_BYTES = 64 * 1024 * 1024;
/** What a message takes besides its data, and a room that remembers some besides these; measured, and rounded up for small names and ids. */
const MESSAGE_BYTES = 400;
const ROOM_BYTES = 2_000;
const EPOCH_BYTES = 6;
/** Messages that are too old are let go of in passing, or after this many milliseconds more. */
const SWEEP_MS = 1_000;
/** How long a room is kept that nothing keeps, and how many of them are. */
const KEEP_IDLE_MS = 300_000;
const MOST_IDLE_ROOMS = 10_000;
const OPTION_NAMES: ReadonlySet<string> = new Set<keyof MemoryBusOptions>(["maxHistoryBytes", "clock"]);

/** One room. */
interface Room {
  readonly name: string;
  readonly history: RoomHistory;
  readonly presence: RoomPresence;
  readonly listeners: Set<BusListener>;
  /** Of the bytes that all rooms take, those of this one. */
  bytes: number;
  /** Set while messages wait to become too old, or the room to be forgotten. */
  sweep: Deadline | undefined;
  /** When the last thing that keeps it went, in the clock's milliseconds; undefined while there is one. */
  idleSince: number | undefined;
  /** Its place among those that remember messages. */
  place: FifoNode<Room> | undefined;
}

/** A `Bus` for hubs of one process. */
export class MemoryBus implements Bus {
  readonly #clock: Clock;
  readonly #maxHistoryBytes: number;
  readonly #rooms = new Map<string, Room>();
  /** Those that remember messages, in the order in which they were last published to. */
  readonly #remembering = new Fifo<Room>();
  /** Those that nothing keeps, the one that is so for longest first. */
  readonly #idle = new Set<Room>();
  readonly #epoch = randomHex(EPOCH_BYTES);
  #roomCount = 0;
  #historyBytes = 0;
  #closed = false;

  /** Throws `UsageError` `options/…`. */
  constructor(options: MemoryBusOptions = {}) {
    refuseUnknown("memory bus", options, OPTION_NAMES);
    const { maxHistoryBytes = DEFAULT_MAX_HISTORY_BYTES, clock = systemClock } = options;
    requireNumber("maxHistoryBytes", maxHistoryBytes, 0, Number.POSITIVE_INFINITY);
    this.#clock = clock;
    this.#maxHistoryBytes = maxHistoryBytes;
  }

  /** Bytes that what all rooms remember takes, counted as `maxHistoryBytes` says. */
  get historyBytes(): number {
    return this.#historyBytes;
  }

  /** Rooms that exist. */
  get roomCount(): number {
    return this.#rooms.size;
  }

  async publish(name: string, given: NewMessage, retention: Retention): Promise<Published> {
    this.#requireOpen();
    const room = this.#room(name);
    this.#expire(room);
    const earlier = room.history.find(given.id);
    if (earlier !== undefined) return published(earlier, "duplicate");
    const message = room.history.append(given, retention, this.#clock.wallTime());
    this.#count(room);
    if (room.place !== undefined) this.#remembering.remove(room.place);
    room.place = this.#remembering.push(room);
    this.#forgetBeyondBound();
    // Listeners may come and go meanwhile: a set takes that.
    for (const listener of room.listeners) listener.onMessage(message);
    this.#tidy(room);
    return published(message, "new");
  }

  async subscribe(name: string, listener: BusListener): Promise<BusSubscription> {
    this.#requireOpen();
    const room = this.#room(name);
    room.listeners.add(listener);
    const { epoch, newest: offset } = room.history;
    const close = async (): Promise<void> => {
      room.listeners.delete(listener);
      this.#tidy(room);
    };
    return { epoch, offset, close };
  }

  async history(name: string, query: HistoryQuery): Promise<HistoryPage> {
    this.#requireOpen();
    const room = this.#room(name);
    this.#expire(room);
    const page = room.history.read(query);
    this.#tidy(room);
    return page;
  }

  async touch(name: string, entries: readonly PresenceEntry[], leaseMs: number): Promise<void> {
    this.#requireOpen();
    const { presence } = this.#room(name);
    for (const entry of entries) presence.touch(entry, leaseMs);
  }

  async release(name: string, connections: readonly string[], lingerMs: number): Promise<void> {
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    for (const connection of connections) room.presence.release(connection, lingerMs);
    this.#tidy(room);
  }

  async presence(name: string, mostMembers: number): Promise<PresenceSnapshot> {
    this.#requireOpen();
    const room = this.#rooms.get(name);
    return room === undefined ? { users: 0, connections: 0, members: [] } : room.presence.snapshot(mostMembers);
  }

  /** Forgets everything. What is asked for afterwards fails with `UsageError` `push/bus-closed`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const room of this.#rooms.values()) {
      if (room.sweep !== undefined) this.#clock.disarm(room.sweep);
      room.presence.close();
    }
    this.#rooms.clear();
    this.#idle.clear();
    this.#historyBytes = 0;
  }

  #requireOpen(): void {
    if (this.#closed) throw new UsageError("push/bus-closed", "Cannot use the bus: it has been closed");
  }

  #room(name: string): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    this.#roomCount += 1;
    const listeners = new Set<BusListener>();
    const presence = new RoomPresence(this.#clock, {
      onPresence: (change) => {
        for (const listener of listeners) listener.onPresence(change);
      },
      onExpired: () => this.#tidy(room),
    });
    const history = new RoomHistory(`${this.#epoch}-${this.#roomCount.toString(36)}`);
    const still = { sweep: undefined, idleSince: undefined, place: undefined };
    const room: Room = { name, history, listeners, presence, bytes: 0, ...still };
    this.#rooms.set(name, room);
    return room;
  }

  #expire(room: Room): void {
    room.history.expire(this.#clock.wallTime());
    this.#count(room);
  }

  #count(room: Room): void {
    const { count, bytes: data } = room.history;
    const bytes = count === 0 ? 0 : ROOM_BYTES + count * MESSAGE_BYTES + data;
    this.#historyBytes += bytes - room.bytes;
    room.bytes = bytes;
  }

  #forgetBeyondBound(): void {
    while (this.#historyBytes > this.#maxHistoryBytes) {
      const room = this.#remembering.peek();
      if (room === undefined) return;
      room.history.dropOldest();
      this.#count(room);
      if (room.history.count === 0) this.#tidy(room);
    }
  }

  /** Called when something has changed that may keep the room, or not keep it any more. */
  #tidy(room: Room): void {
    if (this.#rooms.get(room.name) !== room) return;
    const { history, listeners, presence } = room;
    if (history.count === 0 && room.place !== undefined) {
      this.#remembering.remove(room.place);
      room.place = undefined;
    }
    if (history.count > 0 || listeners.size > 0 || !presence.empty) {
      room.idleSince = undefined;
      this.#idle.delete(room);
    } else if (room.idleSince === undefined) {
      room.idleSince = this.#clock.now();
      this.#idle.add(room);
      const [longest] = this.#idle;
      if (this.#idle.size > MOST_IDLE_ROOMS && longest !== undefined) this.#forget(longest);
    }
    this.#sweepLater(room);
  }

  #sweepLater(room: Room): void {
    if (room.sweep !== undefined) return;
    const { idleSince, history } = room;
    const delay =
      idleSince === undefined
        ? Math.max(history.nextExpiry - this.#clock.wallTime(), 0) + SWEEP_MS
        : idleSince + KEEP_IDLE_MS - this.#clock.now();
    if (delay === Number.POSITIVE_INFINITY) return;
    room.sweep = callLater(this.#clock, delay, () => {
      room.sweep = undefined;
      this.#sweep(room);
    });
  }

  #sweep(room: Room): void {
    this.#expire(room);
    const { idleSince } = room;
    if (idleSince !== undefined && this.#clock.now() - idleSince >= KEEP_IDLE_MS) this.#forget(room);
    else this.#tidy(room);
  }

  #forget(room: Room): void {
    this.#rooms.delete(room.name);
    this.#idle.delete(room);
    if (room.sweep !== undefined) this.#clock.disarm(room.sweep);
  }
}

function published({ epoch, offset, id }: BusMessage, kind: "new" | "duplicate"): Published {
  return { epoch, offset, id, duplicate: kind === "duplicate" };
}
