/**
 * A socket's life on the server: opened on the connection that the handshake leaves, given to the route's handler, closed by how that
 * ends, and released when both are done. Nothing that a client sends and nothing that a handler throws gets further than this.
 */

import { isConsequenceOfAbort } from "../../concurrency/abort.js";
import { ValidationError, WebSocketClosedError } from "../../errors.js";
import { CLOSE_CODES } from "../../websocket/close-codes.js";
import type { TakeOver } from "../../wire/answer.js";
import { openWebSocket, type WebSocketSetup } from "../../wire/websocket/open-websocket.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";
import { HttpError } from "../http-error.js";
import { narrowSignal } from "../request/request-access.js";
import type { ServerRequest } from "../request/server-request.js";

const MOST_REASON_BYTES = 123;

/** What a conversation is about. */
export interface ConversationParts {
  readonly request: ServerRequest;
  readonly setup: WebSocketSetup;
  /** The handler, with what its hook gave it. */
  readonly converse: (socket: WebSocketConnection) => unknown;
  /** Told of what the handler throws, unless it is the client's doing. */
  readonly onError: (error: unknown) => void;
}

/** How the socket is closed. */
interface Verdict {
  readonly code: number;
  readonly reason: string;
}

/** Takes over a connection for one conversation. */
export function conversation(parts: ConversationParts): TakeOver {
  return (transport, rest, released) => {
    const socket = openWebSocket(transport, rest, parts.setup);
    narrowSignal(parts.request, () => socket.signal);
    void hold(socket, parts).then(() => released(socket.bytesSent));
    return () => void socket.close(CLOSE_CODES.GOING_AWAY);
  };
}

/** Resolves when the handler has ended and the socket is closed. */
async function hold(socket: WebSocketConnection, { converse, onError }: ConversationParts): Promise<void> {
  let verdict: Verdict = { code: CLOSE_CODES.NORMAL, reason: "" };
  try {
    await converse(socket);
  } catch (error) {
    verdict = verdictOn(error);
    if (verdict.code === CLOSE_CODES.INTERNAL && !isEndOf(socket, error)) onError(error);
  }
  await socket.close(verdict.code, verdict.reason);
  await socket.closed;
}

/** Why the client's data is not accepted it is told, as far as there is room in a Close frame (RFC 6455 §5.5); of everything else nothing. */
function verdictOn(error: unknown): Verdict {
  const clients = error instanceof ValidationError || (error instanceof HttpError && error.status < 500);
  if (!clients) return { code: CLOSE_CODES.INTERNAL, reason: "" };
  const { code } = error;
  return { code: CLOSE_CODES.POLICY, reason: Buffer.byteLength(code) > MOST_REASON_BYTES ? "" : code };
}

/** Whether `error` only says that the socket has ended: nobody's fault. */
function isEndOf(socket: WebSocketConnection, error: unknown): boolean {
  if (error instanceof WebSocketClosedError) return socket.state !== "open";
  return isConsequenceOfAbort(error, socket.signal);
}
