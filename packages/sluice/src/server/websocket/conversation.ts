/**
 * A socket's life on the server: opened on the connection that the handshake leaves, given to the route's handler, closed by how that
 * ends, and released when both are done. Nothing that a client sends and nothing that a handler throws gets further than this.
 *
 * There is one for each socket, idle for most of its life: it keeps what the end of the socket needs, and nothing of how it began.
 */

import { isThenable } from "../../concurrency/thenable.js";
import { ValidationError } from "../../errors.js";
import type { Transport } from "../../net/transport.js";
import { CLOSE_CODES } from "../../websocket/close-codes.js";
import type { HandedOver, Successor } from "../../wire/handed-over.js";
import { isEndOf } from "../../wire/websocket/is-end-of.js";
import { type LoopFollower, MessageLoop } from "../../wire/websocket/message-loop.js";
import { openWebSocket, type WebSocketSetup } from "../../wire/websocket/open-websocket.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";
import { HttpError } from "../http-error.js";
import { outlive } from "../request/request-access.js";
import { ServerRequest } from "../request/server-request.js";
import type { Admission } from "./admission.js";
import { PastExchange } from "./past-exchange.js";
import type { WebSocketHandler } from "./websocket-route.js";

const MOST_REASON_BYTES = 123;

/** What a socket is opened with, and for. */
export interface ConversationParts {
  readonly setup: WebSocketSetup;
  readonly handler: WebSocketHandler<Readonly<Record<string, string>>, unknown>;
  /** What the route's hook gave for the handler. */
  readonly data: unknown;
}

/** How the socket is closed. */
interface Verdict {
  readonly code: number;
  readonly reason: string;
}

const DONE: Verdict = { code: CLOSE_CODES.NORMAL, reason: "" };

/** One conversation; see the head of this file. */
export class Conversation implements Successor, LoopFollower {
  readonly #request: ServerRequest;
  readonly #admission: Admission;
  /** Let go when the handler has them. */
  #parts: ConversationParts | undefined;
  /** Whose place on the route this has; undefined for none. */
  #client: string | undefined = undefined;
  #connection: HandedOver | undefined = undefined;
  #socket: WebSocketConnection | undefined = undefined;

  constructor(request: ServerRequest, admission: Admission, parts: ConversationParts) {
    this.#request = request;
    this.#admission = admission;
    this.#parts = parts;
  }

  /** Takes a place on the route, until the socket is gone. Throws as {@link Admission.check} does. */
  enter(): void {
    this.#client = this.#admission.enter(this.#request);
  }

  takeOver(transport: Transport, rest: Uint8Array, connection: HandedOver): void {
    const parts = this.#parts;
    this.#parts = undefined;
    if (parts === undefined) return;
    const request = this.#request;
    const socket = openWebSocket(transport, rest, parts.setup);
    this.#connection = connection;
    this.#socket = socket;
    outlive(request, new PastExchange(ServerRequest.behind(request).exchange, socket));
    this.#converse(socket, parts);
  }

  retire(): void {
    const socket = this.#socket;
    if (socket?.onEndSoon === undefined) void socket?.close(CLOSE_CODES.GOING_AWAY);
    else socket.onEndSoon();
  }

  giveUp(): void {
    this.#parts = undefined;
    this.#leave();
  }

  #converse(socket: WebSocketConnection, { handler, data }: ConversationParts): void {
    let outcome: unknown;
    try {
      outcome = handler(socket, this.#request, data);
    } catch (error) {
      this.onLoopFail(error);
      return;
    }
    // What `receiveEach` returns tells without a promise; of others two functions are kept while the handler runs.
    if (outcome instanceof MessageLoop) outcome.follow(this);
    else if (isThenable(outcome))
      outcome.then(
        () => this.onLoopEnd(),
        (error: unknown) => this.onLoopFail(error),
      );
    else this.onLoopEnd();
  }

  /** The handler has returned. */
  onLoopEnd(): void {
    if (this.#socket !== undefined) void this.#end(this.#socket, DONE);
  }

  /** The handler has thrown. */
  onLoopFail(error: unknown): void {
    if (this.#socket !== undefined) void this.#fail(this.#socket, error);
  }

  #fail(socket: WebSocketConnection, error: unknown): Promise<void> {
    const verdict = verdictOn(error);
    if (verdict.code === CLOSE_CODES.INTERNAL && !isEndOf(socket, error)) this.#report(error);
    return this.#end(socket, verdict);
  }

  /** The handler has ended; when the socket is closed, too, the connection is free. */
  async #end(socket: WebSocketConnection, { code, reason }: Verdict): Promise<void> {
    await socket.close(code, reason);
    await socket.closed;
    this.#leave();
    this.#connection?.released(socket.bytesSent);
  }

  #leave(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) this.#admission.leave(client);
  }

  #report(error: unknown): void {
    ServerRequest.behind(this.#request).surroundings.reportLate(error, this.#request);
  }
}

/** Why the client's data is not accepted it is told, as far as there is room in a Close frame (RFC 6455 §5.5); of everything else nothing. */
function verdictOn(error: unknown): Verdict {
  const clients = error instanceof ValidationError || (error instanceof HttpError && error.status < 500);
  if (!clients) return { code: CLOSE_CODES.INTERNAL, reason: "" };
  const { code } = error;
  return { code: CLOSE_CODES.POLICY, reason: Buffer.byteLength(code) > MOST_REASON_BYTES ? "" : code };
}
