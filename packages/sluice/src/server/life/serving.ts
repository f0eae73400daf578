/** The servers that an application listens with, and whether it is about to end. */

import { UsageError } from "../../errors.js";
import type { Server } from "../server.js";

/** One application's servers; a sub-application's are also those of the one round it. */
export class Serving {
  readonly #servers = new Set<Server>();
  #outer: Serving | undefined;

  /** From now on, the servers of `outer` count as well. */
  joinIn(outer: Serving): void {
    this.#outer = outer;
  }

  add(server: Server): void {
    this.#servers.add(server);
    server.whenClosed(() => void this.#servers.delete(server));
  }

  /** Whether requests come in. */
  get active(): boolean {
    return this.#servers.size > 0 || (this.#outer?.active ?? false);
  }

  /** Whether a server has been told to close, from that moment on. */
  get ending(): boolean {
    for (const server of this.#servers) if (server.closing) return true;
    return this.#outer?.ending ?? false;
  }

  /** Throws `UsageError` `server/started` while requests come in: what they meet must not change between two of them. */
  refuseChange(what: string): void {
    if (!this.active) return;
    throw new UsageError("server/started", `Cannot ${what}: the application is listening; do it before \`listen\``);
  }
}
