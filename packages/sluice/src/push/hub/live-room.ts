/**
 * A room as one hub sees it: what comes from the bus is brought into order, and given to every member here.
 *
 * Order and completeness come from the offsets alone. The room stands at a position; the message after it is given out, an older one has been before, and
 * one further on shows that something is missing, which is then read from the history. What the history has no more is a `gap` for everybody.
 * So it does not matter how the bus delivers, or whether the connection to it broke.
 *
 * Giving out (`rounds.ts`) never waits for a member. In a large room it takes turns with the rest of the process; messages that come meanwhile are given
 * out with the others, as far as that is bounded; the rest waits, and if too many do, they are let go and read from the history later.
 */

import { atTurnEnd, nextTurn, type TurnEnd } from "../../concurrency/clock.js";
import { Fifo } from "../../concurrency/fifo.js";
import type { BusListener, BusMessage, HistoryPage, PresenceChange } from "../bus/bus.js";
import { frameOf, type GapReason, messageFrame, movingFrame, presenceFrame } from "../protocol/frames.js";
import type { Position } from "../protocol/position.js";
import type { WireFrame } from "../protocol/wire-frame.js";
import { FrameTail } from "./frame-tail.js";
import type { RoomSettings } from "./hub-options.js";
import type { Membership } from "./membership.js";
import { ReplayedFrames } from "./replayed-frames.js";
import { Rounds } from "./rounds.js";

/** Messages that may wait to be given out; the history has the others. */
const MOST_ARRIVED = 1_024;
/** Publishers wait while so many do. */
const ARRIVED_TO_WAIT_FOR = 64;

/** What a room needs of its hub. */
export interface RoomHost {
  readHistory(room: string, after: Position): Promise<HistoryPage>;
  onMessage(room: LiveRoom, message: BusMessage): void;
  onGap(room: LiveRoom, reason: GapReason, missed: number | undefined): void;
  /** The room cannot go on without the bus: it is to be given new life with `resume`, as soon as that can be. */
  onInterrupted(room: LiveRoom, error: unknown): void;
}

/**
 * `opening`: not subscribed yet; `resting`: everything that came was given out; `running`: giving out; `filling`: reading what is missing, and giving
 * that out; `interrupted`: the bus is out of reach; `closed`.
 */
type RoomState = "opening" | "resting" | "running" | "filling" | "interrupted" | "closed";

/** One room with members here. */
export class LiveRoom implements BusListener, Position, TurnEnd {
  readonly name: string;
  readonly settings: RoomSettings;
  /** Position of the newest message that is being given out. */
  epoch = "";
  offset = 0;
  readonly #host: RoomHost;
  readonly #members = new Set<Membership>();
  readonly #watchers = new Set<Membership>();
  readonly #arrived = new Fifo<BusMessage>();
  readonly #rounds = new Rounds(this.#members);
  readonly #tail = new FrameTail();
  readonly #replayed = new ReplayedFrames();
  #state: RoomState = "opening";
  /** Messages were let go of, or may have been missed: the history is to be read. */
  #behind = false;
  /** Giving out goes on when the turn is over. */
  #goesOn = false;
  /** Members have been told that the room is not live. */
  #told = false;
  #waiting: (() => void)[] = [];

  constructor(name: string, settings: RoomSettings, host: RoomHost) {
    this.name = name;
    this.settings = settings;
    this.#host = host;
  }

  get memberCount(): number {
    return this.#members.size;
  }

  get members(): ReadonlySet<Membership> {
    return this.#members;
  }

  /** Whether messages come as they are published. */
  get live(): boolean {
    return this.#state === "resting" || this.#state === "running" || this.#state === "filling";
  }

  /** The room is subscribed to, for the first time, and everything after `position` comes. */
  begin({ epoch, offset }: Position): void {
    this.epoch = epoch;
    this.offset = offset;
    if (this.#state === "opening") this.#run();
  }

  /** The bus is within reach again: goes on where it stopped. */
  resume(): void {
    if (this.#state !== "interrupted") return;
    this.#behind = true;
    this.#run();
    this.#wakeWaiting();
  }

  /** Looks into the history: there may be more than has come. */
  recheck(): void {
    this.#behind = true;
    if (this.#state === "resting") this.#run();
  }

  /** Resolves when the room is live, or closed. */
  async whenLive(): Promise<void> {
    if (this.#state !== "interrupted" && this.#state !== "opening") return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** The bus is out of reach. */
  interrupt(error: unknown): void {
    if (this.#state === "closed" || this.#state === "interrupted") return;
    const wasLive = this.#state !== "opening";
    this.#state = "interrupted";
    if (wasLive) this.#tellState(false);
    this.#host.onInterrupted(this, error);
  }

  close(): void {
    this.#state = "closed";
    this.#rounds.clear();
    while (this.#arrived.shift() !== undefined);
    this.#wakeWaiting();
  }

  /** The frame of a message of this room, the same for all who get it now. */
  frameOf(message: BusMessage): WireFrame {
    const { epoch, offset } = message;
    return this.#tail.after({ epoch, offset: offset - 1 }) ?? this.#replayed.frameOf(this.name, message);
  }

  /** The frame of the message right after `position`, if it was given out just now. */
  frameAfter(position: Position): WireFrame | undefined {
    return this.#tail.after(position);
  }

  /** From now on the member is given what comes, once it is live. */
  add(member: Membership): void {
    this.#members.add(member);
    if (member.watchesPresence) this.#watchers.add(member);
  }

  delete(member: Membership): void {
    this.#members.delete(member);
    this.#watchers.delete(member);
  }

  onMessage(message: BusMessage): void {
    if (this.#state === "closed") return;
    if (this.#arrived.size >= MOST_ARRIVED) this.#behind = true;
    else this.#arrived.push(message);
    if (this.#state === "resting") this.#run();
  }

  onPresence(change: PresenceChange): void {
    if (this.#state === "closed" || this.#watchers.size === 0) return;
    const frame = presenceFrame(this.name, change);
    for (const member of [...this.#watchers]) member.tell(frame);
  }

  onLost(error: Error): void {
    this.interrupt(error);
  }

  /** Whether many messages wait to be given out. */
  get crowded(): boolean {
    return this.live && this.#arrived.size > ARRIVED_TO_WAIT_FOR;
  }

  /** Resolves when it is not crowded: publishers that wait for it cannot be faster than it is. */
  async settled(): Promise<void> {
    while (this.crowded) await nextTurn();
  }

  /** Whether some members have had what others have not. */
  get givingOut(): boolean {
    return !this.#rounds.idle;
  }

  /** Resolves when all members have what is being given out now, whatever comes meanwhile. */
  async flushed(): Promise<void> {
    for (let turns = this.#rounds.turnsLeft; turns > 0 && this.givingOut; turns -= 1) await nextTurn();
  }

  turnOver(): void {
    this.#goesOn = false;
    if (this.#state === "running") this.#next();
    else this.#giveOut();
  }

  /** Works off what has arrived, until nothing is left, or it goes on in a later turn. */
  #run(): void {
    this.#state = "running";
    if (!this.#goesOn) this.#next();
  }

  #next(): void {
    while (this.#state === "running" && !this.#goesOn) {
      const awaited = this.#takeArrived();
      if (this.givingOut) {
        this.#giveOut();
      } else if (awaited !== undefined || this.#behind) {
        this.#state = "filling";
        this.#fill().then(this.#onFilled, this.#onFillFailed);
      } else {
        this.#state = "resting";
      }
    }
  }

  /** Takes what has arrived and comes next, as far as it can be given out now. Returns what does not come next. */
  #takeArrived(): BusMessage | undefined {
    while (!this.#rounds.full) {
      const message = this.#arrived.peek();
      if (message === undefined) return undefined;
      if (this.#follows(message)) this.#take(message);
      else if (!this.#isOld(message)) return message;
      this.#arrived.shift();
    }
    return undefined;
  }

  #follows({ epoch, offset }: Position): boolean {
    return epoch === this.epoch && offset === this.offset + 1;
  }

  #isOld({ epoch, offset }: Position): boolean {
    return epoch === this.epoch && offset <= this.offset;
  }

  /** Moves on to `message`, which is to be given to the members. */
  #take(message: BusMessage): void {
    this.epoch = message.epoch;
    this.offset = message.offset;
    const frame = messageFrame(this.name, message);
    this.#tail.push(frame, message);
    this.#rounds.add(frame);
    this.#host.onMessage(this, message);
  }

  /** Gives to some members what was taken; the others have their turn later. */
  #giveOut(): void {
    this.#rounds.go();
    if (!this.givingOut || this.#goesOn) return;
    this.#goesOn = true;
    atTurnEnd(this);
  }

  /** Reads what is missing, and gives it out. */
  async #fill(): Promise<void> {
    const awaited = this.#arrived.peek();
    this.#behind = false;
    await this.#givenOut();
    for (let more = true; more; ) {
      const page = await this.#host.readHistory(this.name, { epoch: this.epoch, offset: this.offset });
      if (this.#state !== "filling") return;
      this.#moveTo(page);
      for (const message of page.messages) {
        this.#take(message);
        if (this.#rounds.full) await this.#givenOut();
        if (this.#state !== "filling") return;
      }
      await this.#givenOut();
      if (this.#state !== "filling") return;
      more = page.more;
    }
    if (awaited === undefined || this.#arrived.peek() !== awaited || this.#follows(awaited) || this.#isOld(awaited))
      return;
    // The history does not lead to it: of an epoch that is over, or what was before it is lost.
    if (awaited.epoch === this.epoch) this.#skip({ epoch: awaited.epoch, offset: awaited.offset - 1 }, "history");
    else this.#arrived.shift();
  }

  /** Steps over what the history has no more. */
  #moveTo({ epoch, offset, messages }: HistoryPage): void {
    const [first] = messages;
    const start = first === undefined ? offset : first.offset - 1;
    if (epoch !== this.epoch) this.#skip({ epoch, offset: start }, "epoch");
    else if (start > this.offset) this.#skip({ epoch, offset: start }, "history");
  }

  #skip(to: Position, reason: GapReason): void {
    const from = this.offset;
    this.epoch = to.epoch;
    this.offset = to.offset;
    const missed = reason === "epoch" ? undefined : to.offset - from;
    const frame = this.#gapFrame(reason, missed);
    for (const { live, lane, connection } of [...this.#members]) {
      if (!live) continue;
      if (reason === "epoch" || lane.offset === from) connection.outbox.send(frame, lane);
      // Who has read the history by itself may be ahead of the room, and is not to be taken back.
      else if (lane.offset < to.offset) connection.outbox.send(this.#gapFrame(reason, to.offset - lane.offset), lane);
    }
    this.#host.onGap(this, reason, missed);
  }

  #gapFrame(reason: GapReason, missed: number | undefined): WireFrame {
    const { epoch, offset, name: room } = this;
    return movingFrame("gap", { room, epoch, offset }, { missed, reason });
  }

  async #givenOut(): Promise<void> {
    if (!this.#goesOn) this.#giveOut();
    while (this.#goesOn) await nextTurn();
  }

  readonly #onFilled = (): void => {
    if (this.#state !== "filling") return;
    if (this.#told) this.#tellState(true);
    this.#run();
  };

  readonly #onFillFailed = (error: unknown): void => {
    this.#behind = true;
    this.interrupt(error);
  };

  #wakeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #tellState(live: boolean): void {
    this.#told = !live;
    const frame = frameOf("state", { room: this.name, live });
    for (const member of [...this.#members]) member.tell(frame);
  }
}
