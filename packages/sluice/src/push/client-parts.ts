/** What the browser client is made of, as types: client.ts itself is served as one file. */
import type {
  PushFrame,
  PushJoinOptions,
  PushMessage,
  PushPosition,
  PushPresence,
  PushPresenceChange,
  PushTransport,
  PushWelcome,
} from "./client-types.js";

/** By event. */
export type Listeners = Map<string, Set<(event: unknown) => void>>;

/** Whatever a server's frame may hold. The server is the page's own: what it sends is believed, as its scripts are. */
export type ServerFrame = PushFrame &
  PushMessage &
  PushPresenceChange &
  PushWelcome & {
    readonly ref?: number;
    readonly room?: string;
    readonly recovered?: boolean;
    readonly presence?: PushPresence;
    readonly live: boolean;
    readonly reason?: string;
    readonly code: string;
    readonly message: string;
    readonly retryAfter?: number | null;
  };

/** A room that the page has joined. */
export interface RoomRecord {
  readonly name: string;
  readonly options: PushJoinOptions;
  readonly listeners: Listeners;
  readonly recentIds: Set<string>;
  /** Of the `join` that was sent last. */
  ref: number;
  joined: boolean;
  position: PushPosition | undefined;
  present: PushPresence | undefined;
}

/** A request without an answer yet. */
export interface Ask {
  readonly ref: number;
  readonly text: string;
  sent: boolean;
  readonly settle: (frame: ServerFrame | undefined, error?: unknown) => void;
}

/** One connection. */
export interface Link {
  readonly transport: PushTransport;
  send(frame: object | string, ref?: number): unknown;
  close(): void;
}

/** What a link tells, until it is closed. */
export interface LinkOwner {
  opened(): unknown;
  frame(frame: ServerFrame): unknown;
  lost(code?: number): unknown;
}
