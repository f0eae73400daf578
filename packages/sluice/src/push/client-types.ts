/**
 * What the browser client's users see, and the little that it wants of its surroundings. Types only, so that the module which browsers
 * load stays one file; structural, so that it compiles with `lib.dom`, with Node's types and with neither.
 */

/** Any JSON object of the protocol (docs/push-protocol.md). */
export interface PushFrame {
  readonly type: string;
  readonly [property: string]: unknown;
}

/** Where one stands in a room: what `join` takes as `since`. */
export interface PushPosition {
  readonly epoch: string;
  readonly offset: number;
}

/** Whoever the server takes somebody for. */
export interface PushUser {
  readonly id: string;
  /** What the application shows of this user. */
  readonly info?: unknown;
}

/** One message of a room. */
export interface PushMessage<T = unknown> extends PushPosition {
  /** Unique in the room. */
  readonly id: string;
  /** When the hub took it, in milliseconds since 1970. */
  readonly ts: number;
  /** Who published it; absent if it was no user. */
  readonly from?: PushUser;
  /** What it is the newest value of, if its publisher said so. */
  readonly key?: string;
  readonly data: T;
}

/** Messages that will not come: a page that has to be complete loads its state anew. */
export interface PushGap extends PushPosition {
  /** Absent if nobody knows. */
  readonly missed?: number;
  /** No longer kept, the room has begun anew, or this client was too slow for a room that drops. */
  readonly reason: "history" | "epoch" | "slow";
}

/** One who is in a room, however many connections that takes. */
export interface PushMember extends PushUser {
  readonly connections?: number;
}

/** Who is in a room. The counts are whole; of the members a server may tell only some. */
export interface PushPresence {
  readonly users: number;
  readonly connections: number;
  readonly members: readonly PushMember[];
}

/** Someone came or went; without `id` the whole list is new, as after joining. */
export interface PushPresenceChange extends PushPresence {
  readonly event: "now" | "join" | "leave";
  readonly id?: string;
  readonly info?: unknown;
}

/** The first frame of a connection. */
export interface PushWelcome {
  readonly connection: string;
  readonly user?: PushUser;
  /** Rooms the server wants joined. */
  readonly rooms: readonly string[];
  /** The server's longest silence, in milliseconds; absent if it may be silent for ever. */
  readonly heartbeat?: number;
  /** Milliseconds until the authorisation ends; absent if it does not. */
  readonly expiresIn?: number;
  readonly limits: {
    readonly messageSize?: number;
    readonly rooms?: number;
    readonly framesPerSecond?: number;
    readonly history?: number;
  };
}

/** `waiting` is the pause before the next attempt; from `closed` there is no way back. */
export type PushState = "connecting" | "open" | "waiting" | "closed";

/** What a `state` listener is told. */
export interface PushStateChange {
  readonly state: PushState;
  readonly transport?: PushTransport;
  /** Milliseconds until the next attempt, while waiting. */
  readonly retryIn?: number;
  /** Why it is waiting or closed: the server's word or the WebSocket's close code. */
  readonly reason?: string;
}

/** How frames travel: over WebSocket both ways, or from the server as events (SSE) and to it by POST. */
export type PushTransport = "websocket" | "sse";

/**
 * Why something was refused. `code` is the server's (docs/push-protocol.md), or `queue-full` (too much waits already), `closed` (the client is, and
 * what was waiting may or may not have arrived), `removed` (taken out of the room).
 */
export interface PushError extends Error {
  readonly code: string;
  /** Milliseconds after which it makes sense to try again. */
  readonly retryAfter?: number;
}

/** What a client tells. */
export interface PushClientEvents {
  state: PushStateChange;
  /** Each time a connection stands. */
  open: PushWelcome;
}

/** What a room tells. */
export interface PushRoomEvents<T = unknown> {
  message: PushMessage<T>;
  gap: PushGap;
  presence: PushPresenceChange;
  /** In the room, for the first time or again. `recovered` is false if a `gap` follows, absent at the first time. */
  joined: PushPosition & { readonly recovered?: boolean };
  /** The server has lost (false) or found again what connects it with the others; messages may be late. */
  live: boolean;
  /** Not allowed in, or taken out again: the room is no longer joined. */
  refused: PushError;
}

/** How a room is joined for the first time; later it is joined again where it was. */
export interface PushJoinOptions {
  /** Go on after this position, as after a reload that kept it. It goes before `history`. */
  readonly since?: PushPosition;
  /** Begin with up to so many of the last messages. @default 0 */
  readonly history?: number;
  /** Be told who is there, and who comes and goes. @default false */
  readonly presence?: boolean;
}

/** What is said of one message. */
export interface PushPublishOptions {
  /** What this is the newest value of. */
  readonly key?: string;
  /** Unique in the room, at most 64 characters. @default a random one */
  readonly id?: string;
  /** Stops waiting; what has left already may arrive nevertheless. */
  readonly signal?: PushSignal;
}

/** What the server says of a message that it took. */
export interface PushPublished extends PushPosition {
  readonly id: string;
}

/** A part of a room's history, in order. */
export interface PushHistory<T = unknown> extends PushPosition {
  readonly messages: readonly PushMessage<T>[];
  /** There are more in the direction asked for. */
  readonly more: boolean;
}

/** A room that has been joined, and is joined again after each connection that was lost. */
export interface PushRoom<T = unknown> {
  readonly name: string;
  /** True while the server has this client in the room. */
  readonly joined: boolean;
  /** Where the client stands; undefined before it was in the room for the first time. */
  readonly position: PushPosition | undefined;
  /** Who is there, kept current; undefined unless joined with `presence`. */
  readonly present: PushPresence | undefined;
  /** Calls `listener` for each event from now on; the function given back ends that. */
  on<N extends keyof PushRoomEvents>(name: N, listener: (event: PushRoomEvents<T>[N]) => void): () => void;
  /**
   * Publishes, now or once there is a connection, and again, with the same id, after one that broke before its answer. Rejects with a
   * {@link PushError}: what the server refused, `queue-full`, `closed`.
   */
  publish(data: T, options?: PushPublishOptions): Promise<PushPublished>;
  /** Asks for messages `before` an offset (default: the newest) or after the position `since`. Nothing of it is told to listeners. */
  history(options?: {
    readonly before?: number;
    readonly since?: PushPosition;
    readonly limit?: number;
  }): Promise<PushHistory<T>>;
  leave(): void;
}

/** The part of an `AbortSignal` that is used. */
export interface PushSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** How the client connects and waits. */
export interface PushClientOptions {
  /** In the order of preference. SSE takes over where WebSocket cannot be had, as behind some proxies. @default ["websocket", "sse"] */
  readonly transports?: readonly PushTransport[];
  /** Where the hub serves SSE and POST, if not where it serves WebSockets. Not looked at if `url` is a function. @default `url` */
  readonly eventsUrl?: string | URL;
  /** Longest pause before the first new attempt, in milliseconds; it doubles with each that fails. The pause is random. @default 500 */
  readonly firstDelay?: number;
  /** The longest such pause. @default 30_000 */
  readonly maxDelay?: number;
  /** An attempt that has not succeeded for so long has failed, in milliseconds. @default 10_000 */
  readonly connectTimeout?: number;
  /** Most requests (`publish`, `history`) that wait for an answer or a connection. @default 100 */
  readonly maxWaiting?: number;
  /** Gives a new token when the authorisation is about to end; without it the connection ends, and a new one is made if `url` is a function. */
  readonly token?: () => string | Promise<string>;
  /** Sends cookies to another origin, too (SSE and its requests; a WebSocket always does). @default false */
  readonly withCredentials?: boolean;
  /** What is used in place of the platform's own. */
  readonly environment?: Partial<PushEnvironment>;
}

/** What the client wants of the platform. */
export interface PushEnvironment {
  readonly WebSocket: new (url: string, protocols: string[]) => PushSocket;
  readonly EventSource: new (url: string, options: { withCredentials: boolean }) => PushEventSource;
  readonly fetch: (url: string, init: PushRequestInit) => Promise<PushResponse>;
  /** Where `online`, `offline` and `visibilitychange` come from: the window and the document. */
  readonly window: PushEventTarget;
  readonly document: PushEventTarget & { readonly visibilityState: string };
  /** What relative addresses are relative to. */
  readonly location: { readonly href: string };
  /** Milliseconds, from any origin. */
  readonly now: () => number;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly setTimer: (callback: () => void, delayMs: number) => unknown;
  readonly clearTimer: (timer: unknown) => void;
}

/** The part of a `WebSocket` that is used. */
export interface PushSocket {
  /** 1 while messages can be sent. */
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** The part of an `EventSource` that is used. */
export interface PushEventSource {
  onerror: ((event: never) => void) | null;
  addEventListener(type: string, listener: (event: never) => void): void;
  close(): void;
}

/** The part of an `EventTarget` that is used. */
export interface PushEventTarget {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/** What `fetch` is called with. */
export interface PushRequestInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly credentials: "include" | "same-origin";
}

/** The part of a `Response` that is used. */
export interface PushResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  json(): Promise<unknown>;
}
