/** Where the time of a hop went, from the moments that its exchange noted. */

import type { ExchangeTimes } from "./exchange-pool.js";

/** How long each part of the last hop took, in milliseconds; 0 for what did not happen. */
export interface ResponseTimings {
  /** Waiting for a place in the pool, or for a connection: without its set-up, which the next three are. */
  readonly queued: number;
  readonly dns: number;
  readonly connect: number;
  readonly tls: number;
  /** From the connection to the last byte of the request. */
  readonly send: number;
  /** From there to the head of the answer. */
  readonly wait: number;
  /** From there to the end of the body, or until now. */
  readonly receive: number;
  readonly total: number;
}

/** `now` is asked for the end while the body is still arriving. */
export function timingsOf(times: Readonly<ExchangeTimes>, now: () => number): ResponseTimings {
  const { started, granted, sent, headed, ended, dns, connect, tls } = times;
  const end = ended === 0 ? now() : ended;
  return {
    // What was set up for it may have served another, faster than it came to be.
    queued: Math.max(0, granted - started - dns - connect - tls),
    dns,
    connect,
    tls,
    send: sent - granted,
    wait: headed - sent,
    receive: end - headed,
    total: end - started,
  };
}
