/**
 * What one room remembers: its newest messages, as many as three bounds allow (count, age, bytes). A ring over one array: offsets grow by one,
 * so a message is found by subtraction; taking out the oldest costs nothing, and the array is cut now and then.
 */

import type { BusMessage, HistoryPage, HistoryQuery, NewMessage, Retention } from "./bus.js";

/** Slots of messages that have gone are given back when there are as many as messages, and at least so many. */
const LEAST_SLOTS_TO_CUT = 32;

/** A message, and what is known of it here. */
interface Slot {
  readonly message: BusMessage;
  readonly bytes: number;
  /** When it came, in milliseconds since the Unix epoch: publishers' clocks may differ. */
  readonly at: number;
}

/** The history of one room in one epoch. */
export class RoomHistory {
  readonly epoch: string;
  /** Sum of the sizes of the data remembered. */
  bytes = 0;
  /** Offset of the newest message, remembered or not. */
  #newest = 0;
  readonly #slots: Slot[] = [];
  #head = 0;
  /** Messages by the ids that their publishers gave. */
  readonly #byId = new Map<string, BusMessage>();
  #retention: Retention = { count: 0, ageMs: 0, bytes: 0 };

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  get newest(): number {
    return this.#newest;
  }

  /** Messages remembered. */
  get count(): number {
    return this.#slots.length - this.#head;
  }

  /** When the next message is too old, in milliseconds since the Unix epoch; `Infinity` if none is to become so. */
  get nextExpiry(): number {
    const oldest = this.#slots[this.#head];
    return oldest === undefined ? Number.POSITIVE_INFINITY : oldest.at + this.#retention.ageMs;
  }

  /** The message published under this id, if it is remembered; one that has no id but its place is found by that. */
  find(id: string | undefined): BusMessage | undefined {
    if (id === undefined) return undefined;
    if (!this.#isPlace(id)) return this.#byId.get(id);
    const offset = Number(id.slice(this.epoch.length + 1));
    const message = this.#slots[this.#slots.length - 1 - this.#newest + offset]?.message;
    return message?.id === id ? message : undefined;
  }

  /** Numbers the message, and remembers it as far as `retention` says. */
  append(given: NewMessage, retention: Retention, wallTime: number): BusMessage {
    const { epoch } = this;
    this.#newest += 1;
    const offset = this.#newest;
    const own = given.id === undefined || this.#isPlace(given.id) ? undefined : given.id;
    const message: BusMessage = { ...given, id: own ?? `${epoch}:${offset}`, epoch, offset };
    this.#retention = retention;
    const bytes = Buffer.byteLength(message.data);
    this.#slots.push({ message, bytes, at: wallTime });
    if (own !== undefined) this.#byId.set(own, message);
    this.bytes += bytes;
    this.expire(wallTime);
    return message;
  }

  /** Forgets what is beyond the bounds at `wallTime`. */
  expire(wallTime: number): void {
    const { count, ageMs, bytes } = this.#retention;
    while (this.count > count || this.bytes > bytes) this.dropOldest();
    for (let oldest = this.#slots[this.#head]; oldest !== undefined; oldest = this.#slots[this.#head]) {
      if (wallTime - oldest.at < ageMs) break;
      this.dropOldest();
    }
  }

  /** Forgets the oldest message, if there is one. */
  dropOldest(): void {
    const oldest = this.#slots[this.#head];
    if (oldest === undefined) return;
    this.#head += 1;
    this.bytes -= oldest.bytes;
    if (this.#byId.get(oldest.message.id) === oldest.message) this.#byId.delete(oldest.message.id);
    if (this.#head >= LEAST_SLOTS_TO_CUT && this.#head * 2 >= this.#slots.length) {
      this.#slots.splice(0, this.#head);
      this.#head = 0;
    } else {
      // The slot stays for a while; what was in it does not.
      this.#slots[this.#head - 1] = GONE;
    }
  }

  /** A part of it; see `HistoryQuery`. */
  read(query: HistoryQuery): HistoryPage {
    return query.before === undefined ? this.#readForward(query) : this.#readBackward(query, query.before);
  }

  /** Whether `id` is, was or will be that of a message without one of its own. A stranger's is not to be taken for it. */
  #isPlace(id: string): boolean {
    return id.startsWith(`${this.epoch}:`);
  }

  #readForward({ after, limit, maxBytes }: HistoryQuery): HistoryPage {
    const oldestOffset = this.#newest - this.count + 1;
    const from =
      after !== undefined && after.epoch === this.epoch ? Math.max(after.offset + 1, oldestOffset) : oldestOffset;
    const messages: BusMessage[] = [];
    let index = this.#head + from - oldestOffset;
    for (let bytes = 0; index < this.#slots.length && messages.length < limit; index += 1) {
      const slot = this.#slots[index] ?? GONE;
      bytes += slot.bytes;
      if (bytes > maxBytes && messages.length > 0) break;
      messages.push(slot.message);
    }
    return { epoch: this.epoch, offset: this.#newest, messages, more: index < this.#slots.length };
  }

  #readBackward({ limit, maxBytes }: HistoryQuery, before: number): HistoryPage {
    const oldestOffset = this.#newest - this.count + 1;
    const messages: BusMessage[] = [];
    let index = this.#head + Math.min(before - 1, this.#newest) - oldestOffset;
    for (let bytes = 0; index >= this.#head && messages.length < limit; index -= 1) {
      const slot = this.#slots[index] ?? GONE;
      bytes += slot.bytes;
      if (bytes > maxBytes && messages.length > 0) break;
      messages.push(slot.message);
    }
    return { epoch: this.epoch, offset: this.#newest, messages: messages.reverse(), more: index >= this.#head };
  }
}

const GONE: Slot = Object.freeze({
  message: Object.freeze({ epoch: "", offset: 0, id: "", ts: 0, data: "null" }),
  bytes: 0,
  at: 0,
});
