/**
 * The seam between history and now: brings a member from where it stands to where its room stands, without a hole and without giving anything twice.
 *
 * There is no queue for what comes meanwhile. The member has a position, the room has one, and the newest frames of the room are at hand; older ones are
 * in the history. The member is given the message after its position until both positions are the same; in that moment, with nothing awaited in
 * between, it is live. It is given old messages at the pace of its connection, so a long history costs a slow reader no memory.
 */

import { nextTurn } from "../../concurrency/clock.js";
import type { BusMessage, HistoryPage } from "../bus/bus.js";
import { type GapReason, movingFrame } from "../protocol/frames.js";
import type { Position } from "../protocol/position.js";
import type { LiveRoom } from "./live-room.js";
import type { Membership } from "./membership.js";

/** What catching up needs of the hub. */
export interface CatchUpHost {
  readHistory(room: string, after: Position): Promise<HistoryPage>;
  onMemberGap(member: Membership, reason: GapReason, missed: number | undefined): void;
}

/** Resolves when the member is live, or over. `first`: what was read of the history for it already. Does not reject. */
export async function catchUp(
  room: LiveRoom,
  member: Membership,
  host: CatchUpHost,
  first: readonly BusMessage[],
): Promise<void> {
  await replay(room, member, first);
  while (!isLive(room, member)) {
    if (!(await giveTail(room, member))) await giveHistory(room, member, host);
  }
}

/** Makes the member live if it stands where the room stands, or ahead of it; true as well if there is nothing left to do. */
function isLive(room: LiveRoom, member: Membership): boolean {
  const { lane } = member;
  if (lane.epoch === room.epoch && lane.offset >= room.offset) member.live = true;
  return member.live || member.over;
}

/** Gives the messages at hand that come next; false if there are none. */
async function giveTail(room: LiveRoom, member: Membership): Promise<boolean> {
  const { lane, connection } = member;
  let given = false;
  for (let frame = room.frameAfter(lane); frame !== undefined; frame = room.frameAfter(lane)) {
    if (!connection.outbox.hasRoom) await connection.outbox.whenRoom();
    if (member.over) return true;
    connection.outbox.sendMessage(frame, lane);
    given = true;
  }
  return given;
}

async function giveHistory(room: LiveRoom, member: Membership, host: CatchUpHost): Promise<void> {
  let page: HistoryPage;
  try {
    page = await host.readHistory(room.name, { epoch: member.lane.epoch, offset: member.lane.offset });
  } catch (error) {
    room.interrupt(error);
    await room.whenLive();
    return;
  }
  if (member.over) return;
  const before = member.lane.offset;
  skipTo(member, page, host);
  await replay(room, member, page.messages);
  if (page.epoch !== room.epoch) {
    // The room has begun anew, and the hub has not heard of it.
    room.recheck();
    await room.whenLive();
    await nextTurn();
  } else if (
    member.lane.offset === before &&
    member.lane.offset < room.offset &&
    room.frameAfter(member.lane) === undefined
  ) {
    // What the others have had is neither at hand nor in the history.
    tellGap(member, room, "history", host);
  }
}

async function replay(room: LiveRoom, member: Membership, messages: readonly BusMessage[]): Promise<void> {
  const { lane, connection } = member;
  for (const message of messages) {
    if (!connection.outbox.hasRoom) await connection.outbox.whenRoom();
    if (member.over) return;
    connection.outbox.sendMessage(room.frameOf(message), lane);
  }
}

/** Steps over what the history has no more. */
function skipTo(member: Membership, { epoch, offset, messages }: HistoryPage, host: CatchUpHost): void {
  const [first] = messages;
  const start = first === undefined ? offset : first.offset - 1;
  const { lane } = member;
  if (epoch !== lane.epoch) tellGap(member, { epoch, offset: start }, "epoch", host);
  else if (start > lane.offset) tellGap(member, { epoch, offset: start }, "history", host);
}

function tellGap(member: Membership, to: Position, reason: GapReason, host: CatchUpHost): void {
  const { lane, connection } = member;
  const missed = reason === "history" ? to.offset - lane.offset : undefined;
  const { epoch, offset } = to;
  connection.outbox.send(movingFrame("gap", { room: lane.room, epoch, offset }, { missed, reason }), lane);
  host.onMemberGap(member, reason, missed);
}
