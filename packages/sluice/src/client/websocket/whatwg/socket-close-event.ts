/** What the standard calls `CloseEvent` (WebSockets Standard, §6), which Node.js has as a global from version 23 on. */

/** How the connection ended. */
export interface SocketCloseEventInit {
  readonly wasClean?: boolean;
  readonly code?: number;
  readonly reason?: string;
}

type Inspect = (value: unknown, options: object) => string;

/** What a listener is given: the standard's `CloseEvent` as well, so that a class of ours passes for the standard's to a compiler. */
export interface SocketCloseEventLike extends Event {
  /** Both sides have said goodbye. */
  readonly wasClean: boolean;
  /** RFC 6455 §7.1.5. */
  readonly code: number;
  readonly reason: string;
}

/** Fired once, as the last event of a socket. */
export class SocketCloseEvent extends Event implements SocketCloseEventLike {
  readonly #init: SocketCloseEventInit;

  constructor(type: string, init: SocketCloseEventInit = {}) {
    super(type);
    this.#init = init;
  }

  get [Symbol.toStringTag](): string {
    return "CloseEvent";
  }

  get wasClean(): boolean {
    return this.#init.wasClean ?? false;
  }

  get code(): number {
    return this.#init.code ?? 0;
  }

  get reason(): string {
    return this.#init.reason ?? "";
  }

  [Symbol.for("nodejs.util.inspect.custom")](_depth: number, options: object, inspect: Inspect): string {
    const { type, code, reason, wasClean } = this;
    return `CloseEvent ${inspect({ type, code, reason, wasClean }, options)}`;
  }
}
