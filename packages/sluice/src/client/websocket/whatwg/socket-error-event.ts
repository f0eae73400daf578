type Inspect = (value: unknown, options: object) => string;

/** The standard's `error` event says nothing, so that pages learn nothing of networks; here whoever listens may know why. */
export class SocketErrorEvent extends Event {
  /** What ended the connection; undefined if nothing is known. Beyond the standard. */
  readonly error: unknown;

  constructor(type: string, error: unknown) {
    super(type);
    this.error = error;
  }

  /** Of {@link error}; empty if it has none. Beyond the standard. */
  get message(): string {
    return this.error instanceof Error ? this.error.message : "";
  }

  [Symbol.for("nodejs.util.inspect.custom")](_depth: number, options: object, inspect: Inspect): string {
    const { type, error } = this;
    return `SocketErrorEvent ${inspect({ type, error }, options)}`;
  }
}
