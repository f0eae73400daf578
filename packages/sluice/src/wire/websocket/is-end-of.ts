/** Whether work on a connection failed only because that has ended: nobody's fault, and told by the end itself. */

import { isConsequenceOfAbort } from "../../concurrency/abort.js";
import { WebSocketClosedError } from "../../errors.js";
import type { WebSocketConnection } from "./websocket-connection.js";

/** See above. `error`: what the work threw. */
export function isEndOf(socket: WebSocketConnection, error: unknown): boolean {
  if (error instanceof WebSocketClosedError) return socket.state !== "open";
  return isConsequenceOfAbort(error, socket.signal);
}
