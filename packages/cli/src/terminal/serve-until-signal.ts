/** How a command that serves ends: the first signal lets running requests be answered, a second one does not wait. */
import { EXIT_OK } from "../exit-codes.js";
import type { Io } from "./io.js";

/** A server as far as its end goes. */
export interface Closable {
  close(options: { readonly grace: number }): Promise<void>;
}

/** What to do around the waiting. */
export interface ServeUntilSignalOptions {
  /** Milliseconds that running requests have after the first signal. */
  readonly graceMs: number;
  /** Called when signals are listened to: whoever started the command may look for what is said then and read no further. */
  onListening(): void;
}

/** Resolves to the exit code when all is closed. */
export async function serveUntilSignal(server: Closable, io: Io, options: ServeUntilSignalOptions): Promise<number> {
  let asked = false;
  const closed = new Promise<void>((resolve, reject) => {
    const forget = io.onStopSignal(() => {
      const closing = server.close({ grace: asked ? 0 : options.graceMs });
      asked = true;
      closing.then(resolve, reject).finally(forget);
    });
  });
  options.onListening();
  await closed;
  return EXIT_OK;
}
