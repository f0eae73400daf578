/**
 * What a hub needs of the thing that connects it with other hubs, and that keeps what rooms remember. Everything is asynchronous, so that it
 * may be another process: a bus over Redis, say, has a stream for the messages of a room, publish/subscribe to deliver them, and a hash with
 * expiries for presence. In one process it is `MemoryBus`.
 *
 * A bus is believed in this: offsets of one epoch grow by one; a message that was delivered, or whose `publish` has resolved, is in the history from
 * then on until retention takes it out; what `history` gives is in order. It is not believed to deliver: messages may come late, twice, out of
 * order or not at all, and every call may fail. The hub sees from the offsets what is missing, reads it from the history, and tries again. It waits for calls as long as they
 * take: time limits are the bus's own.
 */

import type { Position } from "../protocol/position.js";

/** Who somebody is to the others in a room. */
export interface HubUser {
  /** Tells users apart: connections with the same id are one user. */
  readonly id: string;
  /** What others are shown of the user: anything that JSON can say. Keep secrets out of it. */
  readonly info?: unknown;
}

/** A message to be numbered. */
export interface NewMessage {
  /**
   * The publisher's own name for it, unique in the room: published again while the first is remembered, it stays one message. One that begins with the
   * room's epoch and a colon is the bus's to give: it stands for the message of that place, and is given to no other.
   */
  readonly id?: string | undefined;
  /** What it is the newest value of. */
  readonly key?: string | undefined;
  readonly from?: HubUser | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly ts: number;
  /** JSON text. */
  readonly data: string;
}

/** A message that has its number. */
export interface BusMessage extends NewMessage, Position {
  /** The publisher's, or else `epoch:offset`. */
  readonly id: string;
}

/** How much a room remembers; whatever is reached first. 0 of any is nothing. */
export interface Retention {
  readonly count: number;
  /** Milliseconds. */
  readonly ageMs: number;
  /** Sum of the sizes of `data`. */
  readonly bytes: number;
}

/** What has become of a message. */
export interface Published extends Position {
  readonly id: string;
  /** It is one that was published before, under the same id; nothing new was published. */
  readonly duplicate: boolean;
}

/** Which part of a history to read. */
export interface HistoryQuery {
  /** From the first message after this position; of another epoch than the room's: from the oldest. */
  readonly after?: Position;
  /** In place of `after`: the last ones before this offset; `Infinity`: the newest. */
  readonly before?: number;
  /** Most messages, from 1. */
  readonly limit: number;
  /** Most bytes of `data`, but at least one message. */
  readonly maxBytes: number;
}

/** A part of a history. */
export interface HistoryPage extends Position {
  /** The room's newest message, whether it is remembered or not. */
  readonly offset: number;
  /** In order, without a hole. */
  readonly messages: readonly BusMessage[];
  /** Whether the history goes on: after the last of them, or with `before`: before the first. */
  readonly more: boolean;
}

/** One connection in a room. */
export interface PresenceEntry {
  /** Unique over all hubs on the bus. */
  readonly connection: string;
  /** Undefined: nobody in particular, counted as a connection only. */
  readonly user: HubUser | undefined;
}

/** A user who came or went. */
export interface PresenceChange {
  readonly event: "join" | "leave";
  readonly user: HubUser;
  /** Users and connections in the room, with this one or without. */
  readonly users: number;
  readonly connections: number;
}

/** One user in a room. */
export interface PresentUser extends HubUser {
  /** 0: the last one was lost a moment ago, and may be back in another. */
  readonly connections: number;
}

/** Who is in a room. */
export interface PresenceSnapshot {
  readonly users: number;
  readonly connections: number;
  /** In the order of coming, no more than were asked for. */
  readonly members: readonly PresentUser[];
}

/** Is told what happens in a room. Its methods do not throw. */
export interface BusListener {
  onMessage(message: BusMessage): void;
  onPresence(change: PresenceChange): void;
  /** Nothing more will come of this subscription; it needs not be closed. */
  onLost(error: Error): void;
}

/** What a subscription is. Every message after its position is delivered, as far as the bus can. */
export interface BusSubscription extends Position {
  /** No more is delivered once this is called. */
  close(): Promise<void>;
}

/** See the head of this file. Every method may reject, with any error. */
export interface Bus {
  publish(room: string, message: NewMessage, retention: Retention): Promise<Published>;
  /** The listener may be called before this resolves. */
  subscribe(room: string, listener: BusListener): Promise<BusSubscription>;
  history(room: string, query: HistoryQuery): Promise<HistoryPage>;
  /** These connections are in the room, for so long (milliseconds) from now unless it is said again. */
  touch(room: string, entries: readonly PresenceEntry[], leaseMs: number): Promise<void>;
  /** These are not any more; for so long from now, their users are not yet said to have left: they may come back. */
  release(room: string, connections: readonly string[], lingerMs: number): Promise<void>;
  presence(room: string, mostMembers: number): Promise<PresenceSnapshot>;
  /** Ends what this bus has under way. */
  close(): Promise<void>;
}
