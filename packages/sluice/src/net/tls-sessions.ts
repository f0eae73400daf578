/**
 * TLS sessions to resume (RFC 8446 §2.2, RFC 5246 §7.3): what a server gave us, to spare it and us a full handshake the next time.
 *
 * A resumed session is trusted because its first handshake was: its certificate is not looked at again. So sessions are kept for
 * the settings that trust was decided by (one object stands for them), the place and the name proven there, and only once the server
 * has been verified. Tickets of TLS 1.3 are used once, so that those who watch cannot link connections (RFC 8446 §C.4);
 * a session of TLS 1.2 is used until the server gives another. How long one is good for, OpenSSL knows.
 */

import { DEFAULT_CACHED_SESSIONS, type TlsClientOptions } from "./tls-client.js";

/** A server may send as many tickets as it likes; so many are kept for connections that are opened at the same time. */
const MOST_TICKETS = 4;

interface Kept {
  readonly session: Buffer;
  /** Not to be used twice. */
  readonly once: boolean;
}

/** The sessions of one dialer. */
export class TlsSessions {
  /** For each place, the newest last; places in the order of use, the least recently used first. */
  readonly #bySettings = new WeakMap<TlsClientOptions, Map<string, Kept[]>>();

  /** A session to offer to the place `key`, if there is one. */
  take(settings: TlsClientOptions, key: string): Buffer | undefined {
    const places = this.#bySettings.get(settings);
    const sessions = places?.get(key);
    const newest = sessions?.at(-1);
    if (places === undefined || sessions === undefined || newest === undefined) return undefined;
    if (newest.once) sessions.pop();
    places.delete(key);
    if (sessions.length > 0) places.set(key, sessions);
    return newest.session;
  }

  /** The place `key`, which was verified, gave a session. `once`: it is a ticket of TLS 1.3. */
  keep(settings: TlsClientOptions, key: string, session: Buffer, once: boolean): void {
    const most = settings.maxCachedSessions ?? DEFAULT_CACHED_SESSIONS;
    if (most === 0) return;
    let places = this.#bySettings.get(settings);
    if (places === undefined) {
      places = new Map();
      this.#bySettings.set(settings, places);
    }
    const others = once ? (places.get(key) ?? []).filter((kept) => kept.once) : [];
    places.delete(key);
    places.set(key, [...others, { session, once }].slice(-MOST_TICKETS));
    if (places.size <= most) return;
    const [leastRecent] = places.keys();
    if (leastRecent !== undefined) places.delete(leastRecent);
  }

  /** The handshake that was offered a session of this place failed: it may be why. */
  forget(settings: TlsClientOptions, key: string): void {
    this.#bySettings.get(settings)?.delete(key);
  }
}
