/** What the standard calls `CloseEvent` (WebSockets Standard, §6), which Node.js has as a global from version 23 on. */

/** How the connection ended. */
export interface SocketCloseEventInit {
  readonly wasClean?: boolean;
  readonly code?: number;
  readonly reason?: string;
}

type Inspect = (value: unknown, options: object) => string;

/** Fired once, as the last event of a socket. */
export class SocketCloseEvent extends Event {
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
