/** Options of a `ReconnectingWebSocket`, resolved: what goes to each handshake, what to the queue, what decides about the next try. */
import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../options.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";
import {
  type ReconnectPolicy,
  reconnectPolicy,
  type SocketEnding,
  type SocketReconnectOptions,
} from "./reconnect-policy.js";
import type { QueueOverflow, SendQueueSettings } from "./send-queue.js";
import { KNOWN_OPENING_OPTIONS, resolveOpening, type WebSocketOptions } from "./websocket-options.js";

/** What is known of a connection that has just been made. */
export interface SocketOpening {
  /** Tries in a row that this one ended, itself included; at least 1. */
  readonly attempt: number;
  /** Which connection it is, the first being 1. */
  readonly connection: number;
}

/** What is about to happen when it waits to connect again. */
export interface SocketReconnect {
  /** How the last connection ended, or why there was none. */
  readonly ending: SocketEnding;
  /** Failures in a row, this included; at least 1. */
  readonly attempt: number;
  /** Milliseconds until the next try. */
  readonly delay: number;
}

/** Options of {@link ReconnectingWebSocket}: those of each connection, and these. What a callback throws ends it. */
export interface ReconnectingWebSocketOptions extends WebSocketOptions {
  readonly reconnect?: SocketReconnectOptions;
  /** Messages that may wait for a connection; 0: sending without one is refused. @default 100 */
  readonly queue?: number;
  /** Bytes that they may have together, 0 or more. @default 1_048_576 (1 MiB) */
  readonly queueBytes?: number;
  /** Which message is refused where there is no room: the new one, or the oldest of those that wait. @default "refuse": the new one */
  readonly queueOverflow?: QueueOverflow;
  /**
   * A connection is there. What it sends goes before the messages that wait, and those wait for its promise: the place to log in, and to
   * subscribe anew. If the connection ends meanwhile it is lost like any other, and nobody waits for this promise any more.
   */
  readonly onOpen?: (socket: WebSocketConnection, opening: SocketOpening) => void | Promise<void>;
  /** A connection that was open is gone. */
  readonly onLost?: (ending: SocketEnding) => void;
  /** It will connect again. */
  readonly onReconnect?: (reconnect: SocketReconnect) => void;
  /** It is over. */
  readonly onClosed?: (ending: SocketEnding) => void;
}

/** The callbacks, each there. */
export type Listeners = Required<Pick<ReconnectingWebSocketOptions, "onOpen" | "onLost" | "onReconnect" | "onClosed">>;

/** {@link ReconnectingWebSocketOptions}, taken apart. */
export interface ResolvedReconnecting {
  readonly socket: WebSocketOptions;
  readonly policy: ReconnectPolicy;
  readonly queue: SendQueueSettings;
  readonly listeners: Listeners;
  /** Bytes that a reader may be behind, of connections that have ended. */
  readonly maxQueuedBytes: number;
}

const OWN_NAMES = [
  "reconnect",
  "queue",
  "queueBytes",
  "queueOverflow",
  "onOpen",
  "onLost",
  "onReconnect",
  "onClosed",
] as const satisfies readonly (keyof ReconnectingWebSocketOptions)[];
const KNOWN: ReadonlySet<string> = new Set<string>([...KNOWN_OPENING_OPTIONS, ...OWN_NAMES]);
const KNOWN_RECONNECT: ReadonlySet<string> = new Set<keyof SocketReconnectOptions>([
  "delay",
  "maxDelay",
  "maxServerDelay",
  "attempts",
  "stableAfter",
  "beforeOpen",
  "shouldReconnect",
  "random",
]);
const OVERFLOWS: readonly string[] = ["refuse", "drop-oldest"] satisfies QueueOverflow[];
const DEFAULT_QUEUE = 100;
const DEFAULT_QUEUE_BYTES = 1024 * 1024;

/** Throws `UsageError` for what is unknown or out of range. `random`: the connector's. */
export function resolveReconnecting(
  options: ReconnectingWebSocketOptions,
  random: (() => number) | undefined,
): ResolvedReconnecting {
  requireObject("reconnecting websocket options", options);
  refuseUnknown("reconnecting websocket", options, KNOWN);
  const {
    reconnect = {},
    queue,
    queueBytes,
    queueOverflow,
    onOpen,
    onLost,
    onReconnect,
    onClosed,
    ...socket
  } = options;
  // Now, and not with the first connection: the constructor is where a caller looks for mistakes.
  const [{ connection }] = resolveOpening(socket);
  requireObject("reconnect", reconnect);
  refuseUnknown("reconnect", reconnect, KNOWN_RECONNECT);
  const listeners = { onOpen: onOpen ?? ignore, onLost: onLost ?? ignore };
  const more = { onReconnect: onReconnect ?? ignore, onClosed: onClosed ?? ignore };
  const all: Listeners = { ...listeners, ...more };
  for (const [name, listener] of Object.entries(all)) requireFunction(name, listener);
  return {
    socket,
    policy: reconnectPolicy(reconnect, random),
    queue: queueSettings({ queue, queueBytes, queueOverflow }),
    listeners: all,
    maxQueuedBytes: connection.maxQueuedBytes,
  };
}

function queueSettings(given: {
  readonly queue: number | undefined;
  readonly queueBytes: number | undefined;
  readonly queueOverflow: QueueOverflow | undefined;
}): SendQueueSettings {
  const { queue = DEFAULT_QUEUE, queueBytes = DEFAULT_QUEUE_BYTES, queueOverflow = "refuse" } = given;
  requireNumber("queue", queue, 0, Number.POSITIVE_INFINITY);
  requireNumber("queueBytes", queueBytes, 0, Number.POSITIVE_INFINITY);
  if (!OVERFLOWS.includes(queueOverflow)) {
    const expected = OVERFLOWS.join(" or ");
    const message = `Cannot use queueOverflow: expected ${expected}, received ${String(queueOverflow)}`;
    throw new UsageError("options/unknown-value", message);
  }
  return { maxCount: queue, maxBytes: queueBytes, overflow: queueOverflow };
}

function ignore(): void {
  // Nobody asked to be told.
}
