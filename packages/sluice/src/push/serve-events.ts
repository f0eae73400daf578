/** `hub.sse` and `hub.post`: event streams, and the frames that their clients send beside them. */

import { HttpError } from "../server/http-error.js";
import { Reply } from "../server/reply.js";
import { reply } from "../server/reply-kinds.js";
import type { HubUser } from "./bus/bus.js";
import { EventStreamSubscriber } from "./delivery/event-stream-subscriber.js";
import type { Asker, FrameDesk } from "./hub/frame-desk.js";
import type { Hub } from "./hub/hub.js";
import type { HubPort } from "./hub/hub-port.js";
import type { ServeOptions } from "./hub/serve-options.js";
import { clientFrameOf } from "./protocol/client-frames.js";
import type { FrameErrorCode } from "./protocol/frames.js";
import { isRoomName } from "./protocol/names.js";
import { isOffset, type Position, readEventId } from "./protocol/position.js";

/** The parts of a request that are looked at. */
export interface EventsRequest {
  readonly query: URLSearchParams;
  readonly headers: { get(name: string): string | null };
}

/** The parts of a request whose body is a frame. */
export interface FrameRequest {
  json(options: { readonly maxSize: number }): Promise<unknown>;
}

/** What an event stream was asked for. */
interface StreamRequest {
  readonly rooms: readonly string[];
  readonly positions: ReadonlyMap<string, Position>;
  readonly history: number;
  readonly presence: boolean;
}

/** Nothing on the way may keep the answer or hold it back: see `reply.sse`. */
const FIELDS: readonly string[] = Object.freeze([
  ...["Content-Type", "text/event-stream", "Cache-Control", "no-store, no-transform", "X-Accel-Buffering", "no"],
]);
const STATUS: Readonly<Record<FrameErrorCode, number>> = {
  "bad-request": 400,
  "unknown-type": 400,
  forbidden: 403,
  "not-joined": 409,
  "already-joined": 409,
  "too-large": 413,
  "too-many-rooms": 409,
  "too-fast": 429,
  unavailable: 503,
  failed: 500,
};

/** Answers with a stream of the rooms that are asked for, as far as the user may join them. Throws `HttpError` 400, 503. */
export async function serveEvents<User extends HubUser>(
  hub: Hub<User>,
  desk: FrameDesk<User>,
  request: EventsRequest,
  options: ServeOptions<User> & { readonly maxRooms: number },
): Promise<Reply> {
  const { maxRooms, ...rest } = options;
  const named = new Set(rest.rooms ?? []);
  const wanted = readRequest(request, named, maxRooms);
  hub.requireRoom();
  const asker: Asker<User> = { user: rest.user, namedRooms: named };
  const refusals = await Promise.all(wanted.rooms.map((room) => desk.refusalOf(asker, room, "join")));
  const allowed = new Map(wanted.rooms.map((room, index) => [room, refusals[index] === undefined]));
  hub.requireRoom();
  return new Reply(200, FIELDS, streamOf(hub, { ...rest, rooms: named }, wanted, allowed));
}

/** Answers one frame. Throws `HttpError` for a body that is none. */
export async function answerPost<User extends HubUser>(
  desk: FrameDesk<User>,
  request: FrameRequest,
  asker: Asker<User>,
  maxSize: number,
): Promise<Reply> {
  const frame = clientFrameOf(await request.json({ maxSize }));
  if (frame === undefined) throw new HttpError(400, "Expected a frame: a JSON object with a type");
  const answer = await desk.answer(asker, frame);
  const text = answer?.text ?? '{"type":"ok"}';
  const { type, code } = JSON.parse(text) as { readonly type: string; readonly code?: FrameErrorCode };
  const status = type === "error" && code !== undefined ? STATUS[code] : 200;
  return reply.bytes(Buffer.from(text), {
    status,
    type: "application/json",
    headers: { "Cache-Control": "no-store" },
  });
}

function streamOf<User extends HubUser>(
  hub: Hub<User>,
  options: ServeOptions<User>,
  { rooms, positions, history, presence }: StreamRequest,
  allowed: ReadonlyMap<string, boolean>,
): EventStreamSubscriber {
  let port: HubPort<User> | undefined;
  return new EventStreamSubscriber({
    positions: new Map([...positions].filter(([room]) => allowed.get(room) === true)),
    singleRoom: rooms.length === 1,
    onOpen: (subscriber) => {
      port = hub.attach(subscriber, options);
      const owner = port;
      for (const room of rooms) {
        const frame = { room, since: positions.get(room), history, presence };
        void owner.join(frame, allowed.get(room) === true ? "asked" : "ask");
      }
      return owner;
    },
    onEndSoon: () => port?.endSoon(),
  });
}

function readRequest({ query, headers }: EventsRequest, named: ReadonlySet<string>, maxRooms: number): StreamRequest {
  const asked = new Set(query.getAll("room"));
  const rooms = [...(asked.size > 0 ? asked : named)];
  if (rooms.length === 0) throw new HttpError(400, "Expected rooms to follow: ?room=…");
  if (rooms.length > maxRooms) throw new HttpError(400, `Expected at most ${maxRooms} rooms, received ${rooms.length}`);
  if (!rooms.every(isRoomName)) throw new HttpError(400, "Expected rooms of 1 to 128 characters without controls");
  const history = Number(query.get("history") ?? 0);
  if (!isOffset(history)) throw new HttpError(400, "Expected history to be a whole number from 0");
  // A browser that comes back by itself says where it is now, at the address where it once began.
  const id = headers.get("last-event-id") || query.get("lastEventId") || "";
  const positions = readEventId(id, rooms.length === 1 ? rooms[0] : undefined);
  return { rooms, positions, history, presence: query.get("presence") === "true" };
}
