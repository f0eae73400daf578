/** The asynchronous context of a caller, kept for calls that are made on its behalf later, from elsewhere. */

import { AsyncResource } from "node:async_hooks";

/** Calls `work` in the context in which it was made: an `AsyncLocalStorage` has the same store there. */
export interface KeptContext {
  runInAsyncScope(work: () => void): void;
}

/** The context of now. A tenth of a microsecond, where `AsyncLocalStorage.snapshot` takes eleven (Node 20). */
export function keepContext(): KeptContext {
  return new AsyncResource("SluiceContext", { requireManualDestroy: true });
}
