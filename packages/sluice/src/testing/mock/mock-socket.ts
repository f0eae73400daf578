/**
 * A mock's answer that is a WebSocket: the handshake of the server's engine, then the far end of the connection as the test wants it. A
 * request that is no handshake fails, for then the code under test asked for something else.
 */

import type { Clock } from "../../concurrency/clock.js";
import { HttpHeaders } from "../../http/headers.js";
import { requireFunction } from "../../options.js";
import { sha1 } from "../../platform/digest.js";
import { acceptValue } from "../../websocket/handshake-fields.js";
import { readUpgradeRequest, upgradeAnswerFields } from "../../websocket/server-handshake.js";
import type { Answer } from "../../wire/answer.js";
import type { Http1Exchange } from "../../wire/http1-exchange.js";
import { openWebSocket } from "../../wire/websocket/open-websocket.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";
import { resolveWebSocketOptions, SERVER_WEBSOCKET_DEFAULTS } from "../../wire/websocket/websocket-options.js";
import type { MockRequest } from "./mock-request.js";

const INTERNAL = 1011;
/** A test says itself when a connection is silent. */
const OPTIONS = resolveWebSocketOptions({ heartbeat: Number.POSITIVE_INFINITY }, SERVER_WEBSOCKET_DEFAULTS);

/** Plays the server's part of one connection; when it ends, the socket is closed with 1000, or with 1011 if it throws. */
export type MockConversation = (socket: WebSocketConnection, request: MockRequest) => unknown;

/** How the handshake is answered. */
export interface MockSocketOptions {
  /** The sub-protocol that is chosen. @default none */
  readonly protocol?: string;
}

/** The 101 to `exchange`. Throws `PeerError` if that is no handshake. `onFailure`: told of what the conversation throws. */
export function socketAnswer(
  exchange: Http1Exchange,
  request: MockRequest,
  { converse, options, clock, onFailure }: MockSocketParts,
): Answer {
  const headers = HttpHeaders.fromFields(exchange.fields);
  const { key } = readUpgradeRequest({ method: exchange.method, version: exchange.version, headers });
  const { protocol } = options;
  return {
    status: 101,
    reason: undefined,
    fields: withoutConnection(upgradeAnswerFields({ accept: acceptValue(key, sha1), protocol })),
    payload: undefined,
    onSent: undefined,
    successor: {
      takeOver: (transport, rest, connection) => {
        const socket = openWebSocket(transport, rest, { role: "server", options: OPTIONS, protocol, clock });
        hold(socket, () => converse(socket, request), onFailure).then(() => connection.released(), onFailure);
      },
      // A mock ends its connections as the book says.
      retire: () => undefined,
      giveUp: () => undefined,
    },
  };
}

/** What {@link socketAnswer} needs beside the request. */
export interface MockSocketParts {
  readonly converse: MockConversation;
  readonly options: MockSocketOptions;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
}

/** Throws `UsageError` `options/unknown-value`. */
export function requireConversation(converse: unknown): void {
  requireFunction("mock websocket", converse);
}

async function hold(socket: WebSocketConnection, converse: () => unknown, onFailure: (error: unknown) => void) {
  let code = 1000;
  try {
    await converse();
  } catch (error) {
    code = INTERNAL;
    if (socket.state === "open") onFailure(error);
  }
  await socket.close(code);
}

/** The link writes `Connection: Upgrade` itself. */
function withoutConnection(fields: readonly string[]): string[] {
  return fields.flatMap((name, at) => {
    return at % 2 === 0 && name !== "Connection" ? [name, fields[at + 1] ?? ""] : [];
  });
}
