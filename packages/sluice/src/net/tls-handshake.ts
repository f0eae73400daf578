/** Waits for one TLS handshake of the client's, and asks whether the server is to be trusted, before anybody can send or read. */

import type { TLSSocket } from "node:tls";
import type { DialEvents } from "./dial.js";
import { describeTls } from "./peer-info.js";
import { nameToSend, type TlsPlace, verifyServer } from "./tls-client.js";
import { handshakeError } from "./tls-error.js";

/**
 * `done` hears once, later, that the server is trusted or why not; what is then done with the socket is the caller's business.
 * The function returned stops listening: `done` is not called any more.
 */
export function awaitHandshake(
  socket: TLSSocket,
  place: TlsPlace,
  events: DialEvents,
  done: (error: Error | undefined) => void,
): () => void {
  events.onTlsStart?.(nameToSend(place));
  const stop = () => void socket.off("secureConnect", secured).off("error", failed).off("close", closed);
  const secured = () => {
    stop();
    const fault = verifyServer(socket, place);
    if (fault === undefined) events.onTlsEnd?.(describeTls(socket));
    done(fault);
  };
  const failed = (error: Error) => {
    stop();
    done(handshakeError(error, `${place.host}:${place.port}`));
  };
  const closed = () => failed(new Error("The connection was closed during the handshake"));
  socket.once("secureConnect", secured).once("error", failed).once("close", closed);
  return stop;
}
