/**
 * Waits for one TLS handshake of the client's, and asks whether the server is to be trusted, before anybody can send or read. What
 * a trusted server gives for resuming is kept, now and as long as the connection lasts; what another gave is thrown away.
 */

import type { TLSSocket } from "node:tls";
import type { DialEvents } from "./dial.js";
import { errorCodeOf } from "./error-code.js";
import { describeTls } from "./peer-info.js";
import { nameToSend, sessionKeyOf, type TlsPlace, verifyServer } from "./tls-client.js";
import { handshakeError } from "./tls-error.js";
import type { TlsSessions } from "./tls-sessions.js";

/** What one handshake is for, and who hears of it. */
export interface Handshake {
  readonly place: TlsPlace;
  readonly sessions: TlsSessions;
  readonly events: DialEvents;
}

/**
 * `done` hears once, later, that the server is trusted or why not; what is then done with the socket is the caller's business.
 * The function returned stops listening: `done` is not called any more.
 */
export function awaitHandshake(
  socket: TLSSocket,
  { place, sessions, events }: Handshake,
  done: (error: Error | undefined) => void,
): () => void {
  events.onTlsStart?.(nameToSend(place));
  const keeper = new SessionKeeper(socket, place, sessions);
  const stop = () => void socket.off("secureConnect", secured).off("error", failed).off("close", closed);
  const secured = () => {
    stop();
    const fault = verifyServer(socket, place);
    if (fault === undefined) {
      // Of a resumed session Node does not look at the names again: a wrong one that is tolerated would pass for right.
      if (hasWrongName(socket)) keeper.distrust();
      else keeper.trust();
      events.onTlsEnd?.(describeTls(socket));
    } else keeper.distrust();
    done(fault);
  };
  const failed = (error: Error) => {
    stop();
    keeper.distrust();
    done(handshakeError(error, `${place.host}:${place.port}`));
  };
  const closed = () => failed(new Error("The connection was closed during the handshake"));
  socket.once("secureConnect", secured).once("error", failed).once("close", closed);
  return stop;
}

function hasWrongName({ authorizationError: fault }: TLSSocket): boolean {
  return (typeof fault === "string" ? fault : errorCodeOf(fault)) === "ERR_TLS_CERT_ALTNAME_INVALID";
}

/**
 * TLS 1.2 gives its session before the end of the handshake, TLS 1.3 behind it, and as often as the server likes; Node tells of it a
 * little later, perhaps when the connection has gone.
 */
class SessionKeeper {
  readonly #socket: TLSSocket;
  readonly #place: TlsPlace;
  readonly #sessions: TlsSessions;
  #state: "undecided" | "trusted" | "distrusted" = "undecided";
  #early: Buffer | undefined;
  #protocol: string | null = null;

  constructor(socket: TLSSocket, place: TlsPlace, sessions: TlsSessions) {
    this.#socket = socket;
    this.#place = place;
    this.#sessions = sessions;
    socket.on("session", (session: Buffer) => this.#given(session));
  }

  /** The server is who it should be: what it gives may be resumed. */
  trust(): void {
    this.#state = "trusted";
    this.#protocol = this.#socket.getProtocol();
    if (this.#early !== undefined) this.#given(this.#early);
    this.#early = undefined;
  }

  distrust(): void {
    this.#state = "distrusted";
    this.#early = undefined;
    if (this.#place.tls !== undefined) this.#sessions.forget(this.#place.tls, sessionKeyOf(this.#place));
  }

  #given(session: Buffer): void {
    const { tls } = this.#place;
    if (this.#state === "undecided") this.#early = session;
    if (this.#state !== "trusted" || tls === undefined) return;
    this.#sessions.keep(tls, sessionKeyOf(this.#place), session, this.#protocol === "TLSv1.3");
  }
}
