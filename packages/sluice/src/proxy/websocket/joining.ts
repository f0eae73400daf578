/** What becomes of an upgrade that an origin has accepted: the client's connection is joined with the origin's, or the latter is given up. */

import type { TakenConnection } from "../../client/upgraded-connection.js";
import { onAbort } from "../../concurrency/abort.js";
import type { Transport } from "../../net/transport.js";
import { randomOctets } from "../../platform/random.js";
import { ServerRequest } from "../../server/request/server-request.js";
import type { Admission } from "../../server/websocket/admission.js";
import type { HandedOver, Successor } from "../../wire/handed-over.js";
import { Tunnel } from "./tunnel.js";

/** Time for both ends to go when a tunnel is ended; a server's own sockets have as much. */
const CLOSE_TIMEOUT_MS = 5_000;
const MASK_OCTETS = 4;

/** What two connections are joined with. */
export interface JoiningParts {
  readonly origin: TakenConnection;
  readonly admission: Admission;
  /** Gives back the origin's connection's place. Called at the end, once. */
  readonly release: () => void;
  /** Aborts when the session that the origin's connection belongs to is closed. */
  readonly closing: AbortSignal;
  /** See `TunnelOptions`. */
  readonly idleTimeout: number;
}

/** One upgrade; see the head of this file. */
export class Joining implements Successor {
  readonly #request: ServerRequest<unknown>;
  readonly #parts: JoiningParts;
  #tunnel: Tunnel | undefined = undefined;
  /** Whose place this has; undefined for none. */
  #client: string | undefined = undefined;
  #left = false;

  constructor(request: ServerRequest<unknown>, parts: JoiningParts) {
    this.#request = request;
    this.#parts = parts;
  }

  /** Takes a place among the proxy's sockets. Throws as {@link Admission.check} does. */
  enter(): void {
    this.#client = this.#parts.admission.enter(this.#request);
  }

  takeOver(transport: Transport, rest: Uint8Array, connection: HandedOver): void {
    const { origin, closing, idleTimeout } = this.#parts;
    const tunnel = new Tunnel({
      client: { transport, rest },
      origin,
      clock: ServerRequest.behind(this.#request).surroundings.clock,
      idleTimeout,
      closeTimeout: CLOSE_TIMEOUT_MS,
      mask: () => randomOctets(MASK_OCTETS),
      onEnd: (bodyBytes) => {
        stopListening();
        this.#leave();
        connection.released(bodyBytes);
      },
    });
    this.#tunnel = tunnel;
    const stopListening = onAbort(closing, () => tunnel.retire());
  }

  retire(): void {
    this.#tunnel?.retire();
  }

  giveUp(): void {
    this.#leave();
    if (this.#tunnel === undefined) this.#parts.origin.transport.destroy();
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    if (this.#client !== undefined) this.#parts.admission.leave(this.#client);
    this.#parts.release();
  }
}
