/**
 * What clients' frames ask for, and the answers. A frame never throws here: what cannot be done is an `error` frame, and what failed on our side is
 * told to the application besides.
 */

import type { BusMessage, HistoryPage, HubUser, Published } from "../bus/bus.js";
import type { ClientFrame, FrameFault, HistoryFrame, JoinFrame, PublishFrame } from "../protocol/client-frames.js";
import {
  errorFrame,
  type FrameErrorCode,
  type FrameRef,
  frameOf,
  historyFrame,
  movingFrame,
  presenceProperties,
} from "../protocol/frames.js";
import type { Position } from "../protocol/position.js";
import type { WireFrame } from "../protocol/wire-frame.js";
import { catchUp } from "./catch-up.js";
import type { HubConnection } from "./hub-connection.js";
import type { RoomAction } from "./hub-options.js";
import type { HubParts } from "./hub-parts.js";
import type { LiveRoom } from "./live-room.js";
import { Membership } from "./membership.js";
import { publicPart } from "./public-part.js";
import { publishTo } from "./publish.js";

/** Who asks: a connection, or a request of its own. */
export interface Asker<User extends HubUser> {
  readonly user: User | undefined;
  readonly namedRooms: ReadonlySet<string>;
  /** Absent: nothing that needs a connection can be asked for. */
  readonly connection?: HubConnection<User>;
}

/** What was refused, for the frame that says so. */
interface Refusal {
  readonly code: FrameErrorCode;
  readonly message: string;
}

/** Where a member begins, and what it is given first. */
interface Beginning {
  readonly start: Position;
  readonly recovered: boolean | undefined;
  /** Set if `recovered` is false: what is told of the gap. */
  readonly gap: { readonly reason: "history" | "epoch"; readonly missed: number | undefined } | undefined;
  readonly messages: readonly BusMessage[];
}

const NOT_ALLOWED: Refusal = { code: "forbidden", message: "This is not allowed" };
const CHECK_FAILED: Refusal = { code: "failed", message: "Whether this is allowed could not be found out" };
const UNREACHABLE: Refusal = { code: "unavailable", message: "This cannot be done at the moment" };
const CLOSING: Refusal = { code: "unavailable", message: "The hub is closing" };

/** Answers the frames that come to one hub. */
export class FrameDesk<User extends HubUser> {
  readonly #parts: HubParts<User>;

  constructor(parts: HubParts<User>) {
    this.#parts = parts;
  }

  /** The answer, if there is one; joins answer by themselves. Does not reject. */
  async answer(asker: Asker<User>, frame: ClientFrame | FrameFault): Promise<WireFrame | undefined> {
    try {
      return await this.#answer(asker, frame);
    } catch (error) {
      const { ref, room } = { ref: undefined, room: undefined, ...frame };
      this.#parts.emitter.fail(error, room);
      return this.#refuse(UNREACHABLE, ref, room);
    }
  }

  /** Why the user may not do this; undefined: it may. Does not reject. */
  async refusalOf({ user, namedRooms }: Asker<User>, room: string, action: RoomAction): Promise<Refusal | undefined> {
    const { authorize } = this.#parts.settings;
    if (authorize === undefined) return action === "join" && namedRooms.has(room) ? undefined : NOT_ALLOWED;
    try {
      return (await authorize(user, room, action)) === true ? undefined : NOT_ALLOWED;
    } catch (error) {
      this.#parts.emitter.fail(error, room);
      return CHECK_FAILED;
    }
  }

  /** Puts a connection into a room. `allowed`: that was asked before. Resolves when it has been told so, or not; does not reject. */
  async join(connection: HubConnection<User>, frame: JoinFrame, allowed: "asked" | "ask"): Promise<void> {
    const { room: name, ref } = frame;
    const refusal = this.#refusalOfJoin(connection, name);
    if (refusal !== undefined) {
      connection.outbox.send(this.#refuse(refusal, ref, name));
      return;
    }
    connection.rooms.set(name, undefined);
    const failure = await this.#enter(connection, frame, allowed);
    if (failure === undefined) return;
    if (connection.rooms.get(name) === undefined) connection.rooms.delete(name);
    connection.outbox.send(this.#refuse(failure, ref, name));
  }

  #answer(asker: Asker<User>, frame: ClientFrame | FrameFault): WireFrame | undefined | Promise<WireFrame | undefined> {
    const { connection } = asker;
    switch (frame.type) {
      case "fault":
        return this.#refuse(frame, frame.ref, frame.room);
      case "publish":
        return this.#publish(asker, frame);
      case "presence":
        return this.#presence(asker, frame.room, frame.ref);
      case "history":
        return this.#history(asker, frame);
      default:
        break;
    }
    if (connection === undefined) {
      const ref = "ref" in frame ? frame.ref : undefined;
      return this.#refuse({ code: "bad-request", message: `${frame.type} needs a connection` }, ref, undefined);
    }
    switch (frame.type) {
      case "join":
        return this.join(connection, frame, "ask").then(() => undefined);
      case "leave":
        return this.#leave(connection, frame.room, frame.ref);
      case "renew":
        return this.#renew(connection, frame.token, frame.ref);
      case "ping":
        return frameOf("pong", { ref: frame.ref });
      case "pong":
        return undefined;
    }
  }

  #refusalOfJoin({ rooms }: HubConnection<User>, name: string): Refusal | undefined {
    const { maxRooms } = this.#parts.settings.limits;
    if (this.#parts.isClosing()) return CLOSING;
    if (rooms.has(name)) return { code: "already-joined", message: "This connection is in that room" };
    if (rooms.size < maxRooms) return undefined;
    return { code: "too-many-rooms", message: `A connection can be in ${maxRooms} rooms` };
  }

  async #enter(
    connection: HubConnection<User>,
    frame: JoinFrame,
    allowed: "asked" | "ask",
  ): Promise<Refusal | undefined> {
    const { room: name } = frame;
    const refusal = allowed === "asked" ? undefined : await this.refusalOf(connection, name, "join");
    if (refusal !== undefined || connection.over) return refusal;
    const { rooms, emitter } = this.#parts;
    let room: LiveRoom;
    try {
      room = await rooms.hold(name);
    } catch (error) {
      emitter.fail(error, name);
      return UNREACHABLE;
    }
    const { slow } = room.settings;
    const member = new Membership(connection, name, { slow, watchesPresence: frame.presence });
    try {
      if (await this.#begin(room, member, frame)) return undefined;
    } catch (error) {
      emitter.fail(error, name);
    }
    member.over = true;
    if (connection.rooms.get(name)?.member === member) connection.leave(name, 0);
    else rooms.release(room);
    return connection.over ? undefined : UNREACHABLE;
  }

  /** False: the connection has gone meanwhile. */
  async #begin(room: LiveRoom, member: Membership, frame: JoinFrame): Promise<boolean> {
    const { rooms, tally, emitter } = this.#parts;
    const connection = member.connection as HubConnection<User>;
    const beginning = await this.#beginning(room, frame);
    if (connection.over) return false;
    connection.rooms.set(room.name, { room, member });
    const present = rooms.add(room, member);
    let presence: object | undefined;
    if (frame.presence) {
      await present;
      presence = presenceProperties(await rooms.presence(room.name));
    }
    if (connection.over) return true; // it has been taken out by its end
    const { recovered, gap } = beginning;
    // With nothing read, "now" is the moment in which the connection is told.
    const start =
      frame.since === undefined && frame.history === 0 ? { epoch: room.epoch, offset: room.offset } : beginning.start;
    const place = { room: room.name, ...start };
    member.announce(movingFrame("joined", place, { ref: frame.ref, recovered, presence }));
    tally.joined += 1;
    if (recovered === true) tally.recovered += 1;
    emitter.emit("join", { connection: connection.id, user: connection.user, room: room.name });
    if (gap !== undefined) {
      tally.unrecovered += 1;
      connection.outbox.send(movingFrame("gap", place, gap), member.lane);
      rooms.onMemberGap(member, gap.reason, gap.missed);
    }
    void catchUp(room, member, rooms, beginning.messages);
    return true;
  }

  async #beginning(room: LiveRoom, { since, history }: JoinFrame): Promise<Beginning> {
    const { rooms, settings } = this.#parts;
    if (since !== undefined) return sinceOf(since, await rooms.readShared(room.name, since));
    if (history === 0) return { start: room, recovered: undefined, gap: undefined, messages: [] };
    const limit = Math.min(history, settings.limits.maxHistoryPage);
    const page = await rooms.read(room.name, { before: Number.POSITIVE_INFINITY, limit });
    return { start: startOf(page), recovered: undefined, gap: undefined, messages: page.messages };
  }

  async #publish(asker: Asker<User>, frame: PublishFrame): Promise<WireFrame | undefined> {
    const { room, ref, data, id, key } = frame;
    const refusal = await this.refusalOf(asker, room, "publish");
    if (refusal !== undefined) return this.#refuse(refusal, ref, room);
    if (this.#parts.isClosing()) return this.#refuse(CLOSING, ref, room);
    const { user } = asker;
    const from = user === undefined ? undefined : publicPart(user);
    const message: Published = await publishTo(this.#parts, room, { data: JSON.stringify(data), id, key, from });
    if (ref === undefined) return undefined;
    return frameOf("ok", { ref, room, epoch: message.epoch, offset: message.offset, id: message.id });
  }

  async #presence(asker: Asker<User>, room: string, ref: FrameRef | undefined): Promise<WireFrame> {
    const refusal = await this.#refusalOfReading(asker, room);
    if (refusal !== undefined) return this.#refuse(refusal, ref, room);
    return frameOf("presence", { ref, room, ...presenceProperties(await this.#parts.rooms.presence(room)) });
  }

  async #history(asker: Asker<User>, frame: HistoryFrame): Promise<WireFrame> {
    const { room, ref, since, before = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = frame;
    const refusal = await this.#refusalOfReading(asker, room);
    if (refusal !== undefined) return this.#refuse(refusal, ref, room);
    const most = Math.min(limit, this.#parts.settings.limits.maxHistoryPage);
    const place = since === undefined ? { before } : { after: since };
    const page = await this.#parts.rooms.read(room, { ...place, limit: most });
    const { epoch, offset, more, messages } = page;
    return historyFrame({ ref, room, epoch, offset, more }, messages);
  }

  async #refusalOfReading(asker: Asker<User>, room: string): Promise<Refusal | undefined> {
    return asker.connection?.rooms.get(room) === undefined ? this.refusalOf(asker, room, "join") : undefined;
  }

  #leave(connection: HubConnection<User>, room: string, ref: FrameRef | undefined): WireFrame {
    if (connection.leave(room, 0)) return frameOf("left", { room, ref });
    return this.#refuse({ code: "not-joined", message: "This connection is not in that room" }, ref, room);
  }

  async #renew(connection: HubConnection<User>, token: string, ref: FrameRef | undefined): Promise<WireFrame> {
    const { renew, clock } = this.#parts.settings;
    let expiresAt: number | false;
    try {
      expiresAt = renew === undefined ? false : await renew(connection.user, token);
    } catch (error) {
      this.#parts.emitter.fail(error);
      return this.#refuse(CHECK_FAILED, ref, undefined);
    }
    if (typeof expiresAt !== "number" || Number.isNaN(expiresAt)) return this.#refuse(NOT_ALLOWED, ref, undefined);
    connection.extend(expiresAt);
    const expiresIn = Number.isFinite(expiresAt) ? Math.max(expiresAt - clock.wallTime(), 0) : undefined;
    return frameOf("ok", { ref, expiresIn });
  }

  #refuse({ code, message }: Refusal, ref: FrameRef | undefined, room: string | undefined): WireFrame {
    this.#parts.tally.refused += 1;
    return errorFrame(code, message, { ref, room });
  }
}

/** What is there for somebody who stands at `since`. */
function sinceOf(since: Position, page: HistoryPage): Beginning {
  const { epoch, messages } = page;
  const start = startOf(page);
  if (epoch === since.epoch && start.offset === since.offset) {
    return { start: since, recovered: true, gap: undefined, messages };
  }
  // A position ahead of the room's is of a room that has lost its memory, whatever its epoch says.
  const behind = epoch === since.epoch && start.offset > since.offset;
  const gap = behind
    ? ({ reason: "history", missed: start.offset - since.offset } as const)
    : ({ reason: "epoch", missed: undefined } as const);
  return { start, recovered: false, gap, messages };
}

/** The position right before the messages of a page; with none, the room's. */
function startOf({ epoch, offset, messages }: HistoryPage): Position {
  const [first] = messages;
  return { epoch, offset: first === undefined ? offset : first.offset - 1 };
}
