/** Frames from clients: which there are, and what they have to look like (docs/push-protocol.md). Whatever a peer sends is read without throwing. */

import type { FrameErrorCode, FrameRef } from "./frames.js";
import { isLabel, isRoomName } from "./names.js";
import { isOffset, isPosition, type Position } from "./position.js";

/** What all frames about a room have. */
interface RoomFrame {
  readonly room: string;
  readonly ref: FrameRef | undefined;
}

/** Wants to be in a room. */
export interface JoinFrame extends RoomFrame {
  readonly type: "join";
  readonly since: Position | undefined;
  /** Messages of the past to begin with. */
  readonly history: number;
  readonly presence: boolean;
}

/** Wants something to be published. */
export interface PublishFrame extends RoomFrame {
  readonly type: "publish";
  readonly data: unknown;
  readonly id: string | undefined;
  readonly key: string | undefined;
}

/** Wants a part of the history. */
export interface HistoryFrame extends RoomFrame {
  readonly type: "history";
  readonly since: Position | undefined;
  readonly before: number | undefined;
  readonly limit: number | undefined;
}

/** A frame that can be answered. */
export type ClientFrame =
  | JoinFrame
  | PublishFrame
  | HistoryFrame
  | (RoomFrame & { readonly type: "leave" | "presence" })
  | { readonly type: "renew"; readonly ref: FrameRef | undefined; readonly token: string }
  | { readonly type: "ping"; readonly ref: FrameRef | undefined }
  | { readonly type: "pong" };

/** A frame that cannot: what to say of it. */
export interface FrameFault {
  readonly type: "fault";
  readonly code: FrameErrorCode;
  readonly message: string;
  readonly ref: FrameRef | undefined;
  readonly room: string | undefined;
}

type Properties = Readonly<Record<string, unknown>>;
type Reader = (given: Properties, ref: FrameRef | undefined) => ClientFrame | FrameFault;

const LONGEST_REF = 64;
const LONGEST_TOKEN = 16_384;
const REF_AT_END = /[{,]\s*"ref"\s*:\s*(?:(\d{1,15})|"([^"\\]{0,64})")\s*\}\s*$/;
const LONGEST_END = 128;

const READERS: ReadonlyMap<unknown, Reader> = new Map<unknown, Reader>([
  ["join", readJoin],
  ["leave", (given, ref) => inRoom(given, ref, (room) => ({ type: "leave", room, ref }))],
  ["publish", readPublish],
  ["presence", (given, ref) => inRoom(given, ref, (room) => ({ type: "presence", room, ref }))],
  ["history", readHistory],
  ["renew", readRenew],
  ["ping", (_given, ref) => ({ type: "ping", ref })],
  ["pong", () => ({ type: "pong" })],
]);

/** What `text` says; undefined if it is no frame at all: no JSON, no object, without a type. */
export function readClientFrame(text: string): ClientFrame | FrameFault | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // that it is no frame is all there is to say of it
  }
  return clientFrameOf(value);
}

/**
 * The `ref` of a frame that is too long to be read, if it is its last property: whatever comes before, JSON that ends like this has it outermost. A
 * number as short as those that count frames, or a text without escapes.
 */
export function refAtEnd(text: string): FrameRef | undefined {
  const [, number, name] = REF_AT_END.exec(text.slice(-LONGEST_END)) ?? [];
  return number === undefined ? name : Number(number);
}

/** As {@link readClientFrame}, of JSON that has been parsed. */
export function clientFrameOf(value: unknown): ClientFrame | FrameFault | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const given = value as Properties;
  if (typeof given.type !== "string") return undefined;
  const ref = isRef(given.ref) ? given.ref : undefined;
  if (given.ref !== undefined && ref === undefined) {
    return fault("bad-request", `ref: expected a number, or a text of at most ${LONGEST_REF} characters`, undefined);
  }
  const read = READERS.get(given.type);
  return read === undefined ? fault("unknown-type", "There is no such frame", ref) : read(given, ref);
}

function readJoin(given: Properties, ref: FrameRef | undefined): ClientFrame | FrameFault {
  const { since, history = 0, presence = false } = given;
  if (since !== undefined && !isPosition(since)) return badPosition(ref);
  if (!isOffset(history)) return fault("bad-request", "history: expected a whole number from 0", ref);
  if (typeof presence !== "boolean") return fault("bad-request", "presence: expected true or false", ref);
  return inRoom(given, ref, (room) => ({ type: "join", room, ref, since, history, presence }));
}

function readPublish(given: Properties, ref: FrameRef | undefined): ClientFrame | FrameFault {
  const { data, id, key } = given;
  if (data === undefined) return fault("bad-request", "data: expected a value", ref);
  if (id !== undefined && !isLabel(id)) return fault("bad-request", "id: expected 1 to 64 characters", ref);
  if (key !== undefined && !isLabel(key)) return fault("bad-request", "key: expected 1 to 64 characters", ref);
  return inRoom(given, ref, (room) => ({ type: "publish", room, ref, data, id, key }));
}

function readHistory(given: Properties, ref: FrameRef | undefined): ClientFrame | FrameFault {
  const { since, before, limit } = given;
  if (since !== undefined && !isPosition(since)) return badPosition(ref);
  if (before !== undefined && !isOffset(before)) return fault("bad-request", "before: expected an offset", ref);
  if (since !== undefined && before !== undefined) {
    return fault("bad-request", "expected since or before, not both", ref);
  }
  if (limit !== undefined && !(isOffset(limit) && limit > 0)) {
    return fault("bad-request", "limit: expected a whole number from 1", ref);
  }
  return inRoom(given, ref, (room) => ({ type: "history", room, ref, since, before, limit }));
}

function readRenew({ token }: Properties, ref: FrameRef | undefined): ClientFrame | FrameFault {
  if (typeof token === "string" && token.length <= LONGEST_TOKEN) return { type: "renew", ref, token };
  return fault("bad-request", `token: expected a text of at most ${LONGEST_TOKEN} characters`, ref);
}

function inRoom(
  { room }: Properties,
  ref: FrameRef | undefined,
  make: (room: string) => ClientFrame,
): ClientFrame | FrameFault {
  return isRoomName(room)
    ? make(room)
    : fault("bad-request", "room: expected 1 to 128 characters without controls", ref);
}

function badPosition(ref: FrameRef | undefined): FrameFault {
  return fault("bad-request", "since: expected { epoch, offset }", ref);
}

function fault(code: FrameErrorCode, message: string, ref: FrameRef | undefined): FrameFault {
  return { type: "fault", code, message, ref, room: undefined };
}

function isRef(value: unknown): value is FrameRef {
  return Number.isFinite(value) || (typeof value === "string" && value.length <= LONGEST_REF);
}
