/**
 * Positions in rooms, and the ids of events that say where a stream stands in all of its rooms (docs/push-protocol.md): `epoch:offset` with
 * one room, `room=epoch:offset,…` with several. Whatever comes back as such an id is a stranger's text: what cannot be read is no position.
 */

import { isRoomName } from "./names.js";

/** A place in a room: after the message with this offset. Offsets count from 1 within an epoch; 0 is before the first. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

const EPOCH = /^[A-Za-z0-9_-]{1,32}$/;
const POSITION = /^([A-Za-z0-9_-]{1,32}):(0|[1-9][0-9]{0,15})$/;
/** Longer than any id that this library writes for the most rooms a stream may have with names of usual length. */
const LONGEST_ID = 16_384;

/** Whether `value` has the form of a position. */
export function isPosition(value: unknown): value is Position {
  if (typeof value !== "object" || value === null) return false;
  const { epoch, offset } = value as Partial<Position>;
  return typeof epoch === "string" && EPOCH.test(epoch) && isOffset(offset);
}

/** A whole number from 0 that can be counted on. */
export function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** `epoch:offset`. */
export function formatPosition({ epoch, offset }: Position): string {
  return `${epoch}:${offset}`;
}

/** The id of an event in a stream of these rooms. */
export function formatEventId(positions: ReadonlyMap<string, Position>): string {
  const parts: string[] = [];
  for (const [room, position] of positions) parts.push(`${encodeURIComponent(room)}=${formatPosition(position)}`);
  return parts.join(",");
}

/** The positions that `id` names; a bare one is that of `onlyRoom`. What cannot be read is left out. */
export function readEventId(id: string, onlyRoom: string | undefined): Map<string, Position> {
  const positions = new Map<string, Position>();
  if (id.length > LONGEST_ID) return positions;
  const bare = readPosition(id);
  if (bare !== undefined) {
    if (onlyRoom !== undefined) positions.set(onlyRoom, bare);
    return positions;
  }
  for (const part of id.split(",")) {
    const equals = part.indexOf("=");
    const room = equals === -1 ? undefined : decodeRoom(part.slice(0, equals));
    const position = room === undefined ? undefined : readPosition(part.slice(equals + 1));
    if (room !== undefined && position !== undefined) positions.set(room, position);
  }
  return positions;
}

function readPosition(text: string): Position | undefined {
  const [, epoch, digits] = POSITION.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  const offset = Number(digits);
  return isOffset(offset) ? { epoch, offset } : undefined;
}

function decodeRoom(encoded: string): string | undefined {
  try {
    const room = decodeURIComponent(encoded);
    return isRoomName(room) ? room : undefined;
  } catch {
    return undefined; // no percent-encoding, hence no name we have written
  }
}
