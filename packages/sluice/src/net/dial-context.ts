/** What all dialings of one dialer share. */

import type { Clock } from "../concurrency/clock.js";
import type { DnsCache } from "./dns-cache.js";
import type { ReadBuffer } from "./read-buffer.js";
import type { TlsSessions } from "./tls-sessions.js";

/** The dialer's options, resolved. */
export interface DialContext {
  readonly clock: Clock;
  readonly dns: DnsCache;
  readonly happyEyeballsDelayMs: number;
  readonly allowAddress: ((address: string, host: string) => boolean) | undefined;
  /** TLS sessions to resume. */
  readonly sessions: TlsSessions;
  /** Gives the buffer that a new connection is to read into. */
  readonly takeReadBuffer: () => ReadBuffer;
}
