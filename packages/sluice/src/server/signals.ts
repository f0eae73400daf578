/**
 * Ends servers when the process is asked to end: the first SIGINT or SIGTERM gracefully, the second at once. The process itself is
 * not ended: it ends by itself when nothing else holds it open, with the exit code it has been given.
 */

import type { CloseOptions } from "./server.js";

/** What a signal ends. */
export interface Closable {
  close(options?: CloseOptions): Promise<void>;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Begins to listen; the first signal closes with `options`. Returns how to stop, after which signals have their usual effect again. */
export function closeOnSignals(server: Closable, options: CloseOptions, onError: (error: unknown) => void): () => void {
  let asked = false;
  const onSignal = (): void => {
    const closing = asked ? server.close({ grace: 0 }) : server.close(options);
    asked = true;
    closing.catch(onError);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
  };
}
