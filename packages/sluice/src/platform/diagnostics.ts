/**
 * Channels of `node:diagnostics_channel`, on which monitoring tools listen without this library knowing of them. A channel
 * nobody listens to costs one look at `hasSubscribers`: ask it before making a message.
 */

import { channel } from "node:diagnostics_channel";

/** One named channel. */
export interface DiagnosticsChannel<Message extends object = object> {
  readonly hasSubscribers: boolean;
  /** Calls every subscriber before it returns. What they throw becomes an uncaught exception, never the caller's. */
  publish(message: Message): void;
}

/** The channel of that name; the same for all copies of this library in a process. */
export function diagnosticsChannel<Message extends object = object>(name: string): DiagnosticsChannel<Message> {
  return channel(name);
}
