/**
 * What an application opens before it serves, and closes when it has served: starters in order, their disposers in reverse.
 * Every disposer runs, whatever the others do.
 */

/** Undoes what its starter did. */
export type Disposer = () => unknown;
/** Opens something, and returns how to close it if it needs closing. */
export type Starter =
  | (() => Disposer | undefined)
  | (() => Promise<Disposer | undefined>)
  | (() => void)
  | (() => Promise<void>);

/** Starts once for as many users as there are, and disposes when the last has gone. */
export class Lifecycle {
  readonly #starters: Starter[] = [];
  #disposers: Disposer[] = [];
  #users = 0;
  /** Users, and those that have asked and are not there yet, or are not gone yet. */
  #claims = 0;
  /** The last start or stop: the next one waits for it. */
  #turn: Promise<void> = Promise.resolve();

  add(starter: Starter): void {
    this.#starters.push(starter);
  }

  /** Whether something is open, is about to be, or is being closed. */
  get inUse(): boolean {
    return this.#claims > 0;
  }

  /**
   * Resolves when everything is open. When a starter fails, what was open before it is closed again and its error is thrown (with
   * those of failing disposers in an `AggregateError`).
   */
  async start(): Promise<void> {
    this.#claims += 1;
    try {
      await this.#inTurn(async () => {
        if (this.#users === 0) await this.#open();
        this.#users += 1;
      });
    } catch (error) {
      this.#claims -= 1;
      throw error;
    }
  }

  /** The other end of one `start`. Rejects with an `AggregateError` of what the disposers threw, after all have run. */
  async stop(): Promise<void> {
    try {
      await this.#inTurn(async () => {
        this.#users -= 1;
        if (this.#users > 0) return;
        const errors = await this.#close();
        if (errors.length > 0) {
          throw new AggregateError(errors, `Cannot close the application cleanly: ${list(errors)}`);
        }
      });
    } finally {
      this.#claims -= 1;
    }
  }

  /** {@link Lifecycle.stop} on account of `error`: what disposers throw comes together with it. */
  async abandon(error: unknown): Promise<void> {
    try {
      await this.stop();
    } catch (closing) {
      throw new AggregateError([error, closing], `Cannot start the application: ${list([error, closing])}`);
    }
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(step);
    this.#turn = turn.catch(() => undefined); // its caller has the error; the next turn only waits
    return turn;
  }

  async #open(): Promise<void> {
    for (const starter of this.#starters) {
      try {
        const disposer = await starter();
        if (typeof disposer === "function") this.#disposers.push(disposer);
      } catch (error) {
        const errors = await this.#close();
        if (errors.length === 0) throw error;
        throw new AggregateError([error, ...errors], `Cannot start the application: ${list([error, ...errors])}`);
      }
    }
  }

  async #close(): Promise<unknown[]> {
    const errors: unknown[] = [];
    const disposers = this.#disposers;
    this.#disposers = [];
    for (const dispose of disposers.reverse()) {
      try {
        await dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}

function list(errors: readonly unknown[]): string {
  return errors.map((error) => (error instanceof Error ? error.message : String(error))).join("; ");
}
