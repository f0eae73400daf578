/**
 * A hub: rooms, and those who are in them, over WebSocket and Server-Sent Events (docs/push-protocol.md). It joins the parts; what each of them decides
 * is written there.
 */

import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireNumber } from "../../options.js";
import { HttpError } from "../../server/http-error.js";
import type { Reply } from "../../server/reply.js";
import type { HistoryPage, HistoryQuery, HubUser, PresenceSnapshot, Published } from "../bus/bus.js";
import { type ClientScriptOptions, clientScript } from "../client-script.js";
import type { PushSocket } from "../delivery/socket-subscriber.js";
import { END, type Subscriber } from "../delivery/subscriber.js";
import { requireLabel, requireRoomName } from "../protocol/names.js";
import { isPosition, type Position } from "../protocol/position.js";
import { answerPost, type EventsRequest, type FrameRequest, serveEvents } from "../serve-events.js";
import { serveSocket } from "../serve-socket.js";
import { spread } from "./drain.js";
import { FrameDesk } from "./frame-desk.js";
import { HubConnection } from "./hub-connection.js";
import {
  HubEmitter,
  type HubEvents,
  type HubListener,
  messageEvent,
  type PushMessage,
  type StopListening,
} from "./hub-events.js";
import { type HubLimits, type HubOptions, resolveHubOptions } from "./hub-options.js";
import type { HubParts } from "./hub-parts.js";
import { HubPort } from "./hub-port.js";
import { type HubTally, newTally } from "./hub-tally.js";
import { publicPart } from "./public-part.js";
import { publishTo } from "./publish.js";
import { RoomSet } from "./room-set.js";
import { requireUser, type ServeOptions, serveSettings } from "./serve-options.js";

/** How a message is published. */
export interface PublishOptions {
  /** Who it is from. @default nobody in particular */
  readonly from?: HubUser;
  /** What it is the newest value of, for rooms that pass on only the latest to those who are slow: 1 to 64 characters. */
  readonly key?: string;
  /** The message's own name in the room: published again while that is remembered, it stays one message. 1 to 64 characters. @default `epoch:offset` */
  readonly id?: string;
}

/** Which part of a history is wanted. */
export interface ReadHistoryOptions {
  /** The first messages after this position; of another epoch, the oldest there are. */
  readonly since?: Position;
  /** In place of `since`: the last ones before this offset. @default the newest */
  readonly before?: number;
  /** Most messages, from 1; the bus may give fewer at a time, and says so by `more`. @default 100 */
  readonly limit?: number;
}

/** A part of a room's history. */
export interface RoomHistoryPage extends Omit<HistoryPage, "messages"> {
  readonly messages: readonly PushMessage[];
}

/** How a hub is closed. */
export interface CloseOptions {
  /** Milliseconds over which connections are ended, so that not all of their clients come to another server at once. From 0. @default 1_000 */
  readonly over?: number;
}

/** What a hub is doing, and has done. */
export interface HubStats extends Readonly<HubTally> {
  readonly connections: number;
  /** Rooms with members here. */
  readonly rooms: number;
  /** Bytes that wait for connections. */
  readonly queuedBytes: number;
}

const PUBLISH_NAMES: ReadonlySet<string> = new Set<keyof PublishOptions>(["from", "key", "id"]);
const DEFAULT_PAGE = 100;
const DEFAULT_CLOSE_OVER_MS = 1_000;

/** See the guide, docs/push.md. */
export class Hub<User extends HubUser = HubUser> {
  readonly #parts: HubParts<User>;
  readonly #desk: FrameDesk<User>;
  readonly #connections = new Set<HubConnection<User>>();
  #closing: Promise<void> | undefined;

  /** Throws `UsageError` `options/…`. */
  constructor(options: HubOptions<User> = {}) {
    const settings = resolveHubOptions(options);
    const emitter = new HubEmitter<User>();
    const tally = newTally();
    this.#parts = {
      settings,
      emitter,
      tally,
      rooms: new RoomSet(settings, emitter, tally),
      describeLimits: toldLimits(settings.limits),
      isClosing: () => this.#closing !== undefined,
      onOver: (connection) => this.#connections.delete(connection),
    };
    this.#desk = new FrameDesk(this.#parts);
  }

  /**
   * Serves whatever can take frames, under the protocol's rules: `serve` and `sse` do it for WebSockets and event streams. Throws `UsageError` `push/user`,
   * `push/room-name`, `options/…`; `HttpError` 503 if the hub is closing, or has as many connections as it may.
   */
  attach(
    subscriber: Subscriber,
    options: ServeOptions<User> & { readonly answersPings?: boolean } = {},
  ): HubPort<User> {
    const { answersPings = false, ...rest } = options;
    const settings = serveSettings(rest, answersPings);
    this.requireRoom();
    const connection = new HubConnection(this.#parts, subscriber, settings);
    this.#connections.add(connection);
    connection.welcome();
    return new HubPort(this.#parts, this.#desk, connection);
  }

  /**
   * Serves a WebSocket until it is over: the handler of `app.websocket`, with `protocols: [PUSH_PROTOCOL]`. A client that agreed to no protocol is joined to
   * `rooms` at once. Throws `UsageError` `push/user`, `push/room-name`, `options/…`.
   */
  serve(socket: PushSocket, options: ServeOptions<User> = {}): Promise<void> {
    return serveSocket(this, socket, options);
  }

  /**
   * Answers a GET with a stream of events: of the rooms in its query (`?room=…`), or else of `rooms`, as far as the user may join them. It goes on after
   * `Last-Event-ID`, or `?lastEventId=…`. Throws as `serve`, and `HttpError` 400 for a query that cannot be, 503.
   */
  sse(request: EventsRequest, options: ServeOptions<User> = {}): Promise<Reply> {
    const { maxRooms } = this.#parts.settings.limits;
    return serveEvents(this, this.#desk, request, { ...options, maxRooms });
  }

  /**
   * Answers a POST with one frame in JSON: `publish`, `presence` or `history`, for those who follow an event stream. Their rate is not limited here:
   * `rateLimit()` is a middleware. Throws as `serve`, and `HttpError` 400, 413, 415.
   */
  async post(request: FrameRequest, options: Omit<ServeOptions<User>, "expiresAt"> = {}): Promise<Reply> {
    const { user, rooms: namedRooms } = serveSettings(options, false);
    const { maxMessageSize } = this.#parts.settings.limits;
    return answerPost(this.#desk, request, { user, namedRooms }, maxMessageSize);
  }

  /** A handler that serves the browser's client, `sluice/push/client`: one module that imports nothing. */
  clientScript(options?: ClientScriptOptions): () => Reply {
    return clientScript(options);
  }

  /**
   * Publishes `data`, anything that JSON can say, to everybody in the room, now and from its history. Nobody is asked for permission: that is for
   * clients. Throws `UsageError` `push/not-json`, `push/room-name`, `push/label`, `push/closed`; `ConnectionLostError` `push/unavailable`.
   */
  async publish(room: string, data: unknown, options: PublishOptions = {}): Promise<Published> {
    refuseUnknown("publish", options, PUBLISH_NAMES);
    requireRoomName(room);
    const { from, key, id } = options;
    requireLabel("key", key);
    requireLabel("id", id);
    const sender = from === undefined ? undefined : publicPart(requireUser(from));
    this.#requireOpen("publish");
    return publishTo(this.#parts, room, { data: jsonOf(data), from: sender, key, id });
  }

  /** Who is in the room, on all hubs of the bus. Throws `ConnectionLostError` `push/unavailable`. */
  async presence(room: string): Promise<PresenceSnapshot> {
    requireRoomName(room);
    this.#requireOpen("read the presence");
    return this.#parts.rooms.presence(room);
  }

  /**
   * Messages that the room remembers, in order: the newest, unless `options` say otherwise. Throws `UsageError` `options/…`, `push/room-name`, `push/closed`;
   * `ConnectionLostError` `push/unavailable`.
   */
  async history(room: string, options: ReadHistoryOptions = {}): Promise<RoomHistoryPage> {
    refuseUnknown("history", options, new Set(["since", "before", "limit"]));
    requireRoomName(room);
    this.#requireOpen("read the history");
    const { messages, ...page } = await this.#parts.rooms.read(room, historyQuery(options));
    return { ...page, messages: messages.map((message) => messageEvent(room, message)) };
  }

  /** Has `listener` called for each event of that name; what is returned stops it. See `HubEvents`. */
  on<Name extends keyof HubEvents>(name: Name, listener: HubListener<HubEvents<User>[Name]>): StopListening {
    requireFunction("listener", listener);
    return this.#parts.emitter.on(name, listener);
  }

  /** Ends all connections of a user here, who is not to come back (4003), or with `room` takes them out of that room. How many it were. */
  remove(userId: string, room?: string): number {
    let count = 0;
    for (const connection of [...this.#connections]) {
      if (connection.user?.id !== userId) continue;
      if (room === undefined) connection.dismiss("removed", END.removed);
      else if (!connection.expel(room)) continue;
      count += 1;
    }
    return count;
  }

  stats(): HubStats {
    let queuedBytes = 0;
    for (const { outbox } of this.#connections) queuedBytes += outbox.queuedBytes;
    return { connections: this.#connections.size, rooms: this.#parts.rooms.size, queuedBytes, ...this.#parts.tally };
  }

  /**
   * Takes nobody any more, and ends all connections, one after the other over a while: each client is told (`bye`, 1012) and given a time of its own to
   * come back. Resolves when the last has been told. Called again, it waits for the same end.
   */
  close(options: CloseOptions = {}): Promise<void> {
    refuseUnknown("close", options, new Set(["over"]));
    const { over = DEFAULT_CLOSE_OVER_MS } = options;
    requireNumber("over", over, 0, Number.MAX_SAFE_INTEGER);
    this.#closing ??= this.#drain(over);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Throws `HttpError` 503 if one more connection is too many. @internal */
  requireRoom(): void {
    const { limits } = this.#parts.settings;
    if (this.#closing !== undefined) throw new HttpError(503, "The hub is closing", BUSY);
    if (this.#connections.size >= limits.maxConnections)
      throw new HttpError(503, "The hub has too many connections", BUSY);
  }

  #requireOpen(what: string): void {
    if (this.#closing === undefined) return;
    throw new UsageError("push/closed", `Cannot ${what}: the hub has been closed`);
  }

  async #drain(overMs: number): Promise<void> {
    const { clock, bus, ownsBus } = this.#parts.settings;
    // What was published right before, a farewell perhaps, is for all.
    for (const room of this.#parts.rooms.givingOut) await room.flushed();
    const connections = [...this.#connections].filter(({ over }) => !over);
    await spread(clock, overMs, connections, (connection) => connection.dismiss("restart", END.restart));
    this.#parts.rooms.close();
    if (ownsBus) await bus.close();
  }
}

function historyQuery({ since, before, limit = DEFAULT_PAGE }: ReadHistoryOptions): Omit<HistoryQuery, "maxBytes"> {
  requireWhole("limit", limit);
  if (since === undefined) {
    if (before !== undefined) requireWhole("before", before);
    return { before: before ?? Number.POSITIVE_INFINITY, limit };
  }
  if (before !== undefined) {
    throw new UsageError("options/conflict", "Cannot read the history since a position and before an offset at once");
  }
  if (isPosition(since)) return { after: since, limit };
  throw new UsageError("options/unknown-value", "Cannot use since: expected { epoch, offset }, as messages have them");
}

function requireWhole(name: string, value: number): void {
  requireNumber(name, value, 1, Number.POSITIVE_INFINITY);
  if (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) return;
  throw new UsageError("options/out-of-range", `Cannot use ${name}: expected a whole number, received ${value}`);
}

const BUSY = { headers: { "Retry-After": "5" }, expose: true, report: false, code: "push/busy" } as const;

function jsonOf(data: unknown): string {
  let text: unknown;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    throw new UsageError("push/not-json", "Cannot publish: JSON.stringify failed on the data, see the cause", {
      cause: error,
    });
  }
  if (typeof text === "string") return text;
  throw new UsageError("push/not-json", `Cannot publish ${typeof data}: it has no JSON form`);
}

/** The limits that clients are told of; one that is off is left out. */
function toldLimits(limits: Required<HubLimits>): object {
  const { maxMessageSize: messageSize, maxRooms: rooms, framesPerSecond, maxHistoryPage: history } = limits;
  const all = Object.entries({ messageSize, rooms, framesPerSecond, history });
  return Object.fromEntries(all.filter(([, value]) => Number.isFinite(value)));
}
