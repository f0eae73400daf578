/** The frames that a hub sends, as types, and the making of those that are written by hand (docs/push-protocol.md). */

import type { BusMessage, PresenceChange, PresenceSnapshot } from "../bus/bus.js";
import type { Position } from "./position.js";
import { WireFrame } from "./wire-frame.js";

/** The WebSocket sub-protocol (RFC 6455 §1.9). */
export const PUSH_PROTOCOL = "sluice.push.v1";

/** Why messages will not come. */
export type GapReason = "history" | "epoch" | "slow";

/** Why a connection is about to be closed. */
export type ByeReason = "restart" | "slow" | "expired" | "removed" | "policy";

/** What went wrong with a client's frame. */
export type FrameErrorCode =
  | "bad-request"
  | "unknown-type"
  | "forbidden"
  | "not-joined"
  | "already-joined"
  | "too-large"
  | "too-many-rooms"
  | "too-fast"
  | "unavailable"
  | "failed";

/** A client's own name for a frame, repeated in its answer. */
export type FrameRef = string | number;

/** What an `error` frame says besides its code. */
export interface FrameErrorDetails {
  readonly ref?: FrameRef | undefined;
  readonly room?: string | undefined;
  /** Milliseconds after which it makes sense to try again. */
  readonly retryAfter?: number;
}

/** The heartbeat. */
export const PING = new WireFrame('{"type":"ping"}');

/** A frame whose properties are written as `JSON.stringify` does: those that are undefined are not. */
export function frameOf(type: string, properties: object): WireFrame {
  return new WireFrame(JSON.stringify({ type, ...properties }));
}

/** As {@link frameOf}, for one that moves the position of its receiver to `place`. */
export function movingFrame(type: string, place: { readonly room: string } & Position, more: object = {}): WireFrame {
  const { room, epoch, offset } = place;
  return new WireFrame(JSON.stringify({ type, room, epoch, offset, ...more }), place);
}

/** `error`. */
export function errorFrame(code: FrameErrorCode, message: string, details: FrameErrorDetails = {}): WireFrame {
  const { ref, room, retryAfter } = details;
  return frameOf("error", { ref, room, code, message, retryAfter });
}

/** `bye`. `retryAfter`: milliseconds; null: not to come back by itself. */
export function byeFrame(reason: ByeReason, retryAfter: number | null): WireFrame {
  return new WireFrame(JSON.stringify({ type: "bye", reason, retryAfter }), undefined, retryAfter ?? undefined);
}

/** `message`: what every member of the room gets, the same for all. The data is JSON text already. */
export function messageFrame(room: string, message: BusMessage): WireFrame {
  const { epoch, offset } = message;
  const text = `{"type":"message","room":${JSON.stringify(room)},${messageProperties(message)}}`;
  return new WireFrame(text, { room, epoch, offset, key: message.key ?? "" });
}

/** `history`. */
export function historyFrame(
  head: { readonly ref?: FrameRef | undefined; readonly room: string } & Position & { readonly more: boolean },
  messages: readonly BusMessage[],
): WireFrame {
  const { ref, room, epoch, offset, more } = head;
  const start = JSON.stringify({ type: "history", ref, room, epoch, offset, more });
  const list = messages.map((message) => `{${messageProperties(message)}}`).join(",");
  return new WireFrame(`${start.slice(0, -1)},"messages":[${list}]}`);
}

/** `presence`, of somebody who came or went. */
export function presenceFrame(room: string, { event, user, users, connections }: PresenceChange): WireFrame {
  return frameOf("presence", { room, event, id: user.id, info: user.info, users, connections });
}

/** What frames show of who is in a room. */
export function presenceProperties({ users, connections, members }: PresenceSnapshot): object {
  return { users, connections, members };
}

function messageProperties({ epoch, offset, id, ts, from, key, data }: BusMessage): string {
  const head = JSON.stringify({ epoch, offset, id, ts, from, key });
  return `${head.slice(1, -1)},"data":${data}`;
}
