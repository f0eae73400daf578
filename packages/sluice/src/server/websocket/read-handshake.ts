/** Whether a request is a handshake (RFC 6455 §4.2.1), on a connection that can be handed over; what is none is told how to ask. */

import { PeerError } from "../../errors.js";
import type { HttpHeaders } from "../../http/headers.js";
import { asksForWebSocket, readUpgradeRequest, type WebSocketRequest } from "../../websocket/server-handshake.js";
import { HttpError } from "../http-error.js";
import { ServerRequest } from "../request/server-request.js";

const UPGRADE_REQUIRED = 426;
/** What a client that did not ask rightly needs to know (RFC 9110 §15.5.22, RFC 6455 §4.4). */
const HOW_TO_ASK = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13" };

/** Throws `HttpError` 400, 426, or 501 where there is no connection to hand over. */
export function readHandshake(request: ServerRequest<unknown>): WebSocketRequest {
  const { exchange } = ServerRequest.behind(request);
  const { headers } = request;
  // HEAD is told what GET would be (RFC 9110 §9.3.2).
  if (request.method !== "GET" || !asksForWebSocket(headers)) {
    throw refusal(UPGRADE_REQUIRED, "This path speaks WebSocket, and nothing else", "websocket/upgrade-required");
  }
  const asked = readRequest(exchange.version, headers);
  if (exchange.hasBody) throw refusal(400, "A request for a WebSocket has no body", "websocket/handshake-invalid");
  if (exchange.upgrade === true) return asked;
  throw new HttpError(501, "There is no connection here that could become a WebSocket", {
    code: "websocket/no-connection",
    expose: true,
    report: false,
  });
}

function readRequest(version: number, headers: HttpHeaders): WebSocketRequest {
  try {
    return readUpgradeRequest({ method: "GET", version, headers });
  } catch (error) {
    if (error instanceof PeerError) throw refusal(error.statusHint, error.message, error.code);
    throw error;
  }
}

function refusal(status: number, message: string, code: string): HttpError {
  return new HttpError(status, message, { code, ...(status === UPGRADE_REQUIRED ? { headers: HOW_TO_ASK } : {}) });
}
