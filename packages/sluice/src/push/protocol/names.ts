/** What the names that peers choose may look like: rooms, ids and keys of messages, references (docs/push-protocol.md). */

import { UsageError } from "../../errors.js";

const MOST_ROOM_CHARACTERS = 128;
const MOST_LABEL_CHARACTERS = 64;
const CONTROL_OR_LONE_SURROGATE = /[\p{Cc}\p{Cs}]/u;

/** 1 to 128 UTF-16 units, none of them a control character or half a surrogate pair. */
export function isRoomName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.length > 0 &&
    value.length <= MOST_ROOM_CHARACTERS &&
    !CONTROL_OR_LONE_SURROGATE.test(value)
  );
}

/** An id or a key of a message: 1 to 64 UTF-16 units, as rooms otherwise. */
export function isLabel(value: unknown): value is string {
  return isRoomName(value) && value.length <= MOST_LABEL_CHARACTERS;
}

/** Throws `UsageError` `push/room-name` for what {@link isRoomName} refuses. */
export function requireRoomName(value: unknown): asserts value is string {
  if (isRoomName(value)) return;
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, MOST_ROOM_CHARACTERS)) : typeof value;
  const message = `Cannot use ${shown} as a room: expected 1 to ${MOST_ROOM_CHARACTERS} characters without controls`;
  throw new UsageError("push/room-name", message);
}

/** Throws `UsageError` `push/label` for what {@link isLabel} refuses, unless it is undefined. */
export function requireLabel(what: "id" | "key", value: unknown): void {
  if (value === undefined || isLabel(value)) return;
  const message = `Cannot publish with this ${what}: expected 1 to ${MOST_LABEL_CHARACTERS} characters without controls`;
  throw new UsageError("push/label", message);
}
