/**
 * Cancels a web stream whose reader has gone, without harm to a producer that has not heard of it. By the Streams standard
 * `controller.enqueue` throws once a stream is cancelled; in a timer or an event listener that is an uncaught exception, and ends the
 * process because some client hung up. So `enqueue` and `close` of a stream that was cancelled here do nothing.
 *
 * A stream's controller is known to its maker only; Node keeps it where a symbol leads. Where that is not found, the stream is cancelled
 * as usual. Of streams that went through others (`pipeThrough`) only the last one can be quietened.
 */

import type { ReadableStream as WebReadableStream } from "node:stream/web";

/** What can be cancelled: the stream, or the reader that has locked it. */
interface Cancellable {
  cancel(reason?: unknown): Promise<void>;
}

/** What Node keeps of a stream. */
interface StreamState {
  readonly state?: unknown;
  readonly controller?: unknown;
}

const STATE = "kState";

/** Cancels `stream`, through its reader if it is locked to one. Rejects with what its source throws when it is told. */
export function cancelQuietly(
  stream: WebReadableStream<unknown>,
  holder: Cancellable = stream,
  reason?: unknown,
): Promise<void> {
  const kept = stateOf(stream);
  const wasOpen = kept?.state === "readable";
  const cancelled = holder.cancel(reason);
  if (wasOpen && typeof kept.controller === "object" && kept.controller !== null) quieten(kept.controller);
  return cancelled;
}

function stateOf(stream: object): StreamState | undefined {
  const key = Object.getOwnPropertySymbols(stream).find(({ description }) => description === STATE);
  if (key === undefined) return undefined;
  const state: unknown = Reflect.get(stream, key);
  return typeof state === "object" && state !== null ? state : undefined;
}

function quieten(controller: object): void {
  const nothing = { value: () => undefined, configurable: true, writable: true };
  Object.defineProperties(controller, { enqueue: nothing, close: nothing });
}
