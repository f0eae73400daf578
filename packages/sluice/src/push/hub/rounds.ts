/**
 * Gives a room's messages to its members in rounds: in each turn of the loop some of the members are given all that they have not had yet. A message that
 * comes during a round is given to those who are still to come with the others, so that however fast messages come, a member costs one write in a
 * round; those who were too early for it have it in the next round.
 */

import type { WireFrame } from "../protocol/wire-frame.js";
import type { Membership } from "./membership.js";

/**
 * Members that have their turn before others in the process have theirs: a millisecond or two of writing. What is known of so many is still in the
 * processor's cache when their sockets are written to at the end of the turn.
 */
const MEMBERS_A_TURN = 128;
/** What a member is given in one go. The others wait for the next round. */
const MOST_FRAMES = 64;
const MOST_BYTES = 32 * 1024;
const ALL = Number.POSITIVE_INFINITY;

/** The messages of one room that not all of its members have been given. */
export class Rounds {
  readonly #members: ReadonlySet<Membership>;
  /** Oldest first. */
  #frames: WireFrame[] = [];
  #bytes = 0;
  /** Who is next; undefined between rounds. */
  #next: Iterator<Membership> | undefined;
  /** Frames that were there when the round began, which all will have had at its end. */
  #owed = 0;
  /** Members who have had their turn in this round. */
  #visited = 0;
  /** The round ends behind so many: the others have had everything in the one before. */
  #until = ALL;
  /** Members who were too early, in this round, for the newest frame. */
  #early = ALL;

  constructor(members: ReadonlySet<Membership>) {
    this.#members = members;
  }

  /** Whether all have all. */
  get idle(): boolean {
    return this.#frames.length === 0;
  }

  /** Whether another frame has to wait for the next round. */
  get full(): boolean {
    return this.#frames.length >= MOST_FRAMES || this.#bytes >= MOST_BYTES;
  }

  /** Turns until all have what is here now. */
  get turnsLeft(): number {
    return this.idle ? 0 : 2 * Math.ceil((this.#members.size + 1) / MEMBERS_A_TURN);
  }

  /** Adds the room's next message. */
  add(frame: WireFrame): void {
    this.#frames.push(frame);
    this.#bytes += frame.byteLength;
    this.#early = this.#next === undefined ? ALL : this.#visited;
    this.#until = ALL;
  }

  /** Gives some members what they have not had; one round ends here at the most. */
  go(): void {
    if (this.idle) return;
    const members = this.#next ?? this.#begin();
    for (let count = 0; count < MEMBERS_A_TURN; count += 1) {
      const member = this.#visited < this.#until ? members.next() : undefined;
      if (member === undefined || member.done === true) {
        this.#end();
        return;
      }
      this.#visited += 1;
      if (member.value.live) this.#give(member.value);
    }
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#next = undefined;
  }

  /** Who has joined, or caught up, while this is under way has had some. */
  #give({ lane, connection }: Membership): void {
    for (const frame of this.#frames) {
      if (lane.offset < (frame.place?.offset ?? 0)) connection.outbox.sendMessage(frame, lane);
    }
  }

  #begin(): Iterator<Membership> {
    this.#owed = this.#frames.length;
    this.#visited = 0;
    this.#until = this.#early;
    this.#next = this.#members.values();
    return this.#next;
  }

  #end(): void {
    this.#next = undefined;
    for (const frame of this.#frames.splice(0, this.#owed)) this.#bytes -= frame.byteLength;
  }
}
