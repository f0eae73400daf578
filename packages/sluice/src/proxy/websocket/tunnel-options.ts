/** What may be asked of a proxy about WebSockets. */

import { refuseUnknown, requireNumber, requireObject } from "../../options.js";
import { type AdmissionLimits, resolveAdmission } from "../../server/websocket/admission.js";

/** How WebSockets are passed on. `Infinity` switches a limit off. */
export interface TunnelOptions {
  /**
   * Milliseconds without a byte either way after which a socket is ended, with 1001 to both sides, at the latest after twice that. More than
   * 0; longer than the heartbeat of either end, or idle sockets are cut.
   *
   * @default 120_000
   */
  readonly idleTimeout?: number;
  /** Sockets open through this proxy at once; 503 `websocket/full` for more. From 1. @default Infinity */
  readonly maxConnections?: number;
  /** The same for one client, by its IPv4 address or the /64 of its IPv6 address: 429 `websocket/client-full`. From 1. @default Infinity */
  readonly maxConnectionsPerClient?: number;
}

/** {@link TunnelOptions}, resolved. */
export interface ResolvedTunnelOptions extends AdmissionLimits {
  readonly idleTimeout: number;
}

const NEVER = Number.POSITIVE_INFINITY;
const DEFAULTS: ResolvedTunnelOptions = { idleTimeout: 120_000, maxConnections: NEVER, maxConnectionsPerClient: NEVER };
const KNOWN: ReadonlySet<string> = new Set(Object.keys(DEFAULTS));

/** Undefined for `false`: none is passed on. Throws `UsageError` `options/…`. */
export function resolveTunnelOptions(given: boolean | TunnelOptions): ResolvedTunnelOptions | undefined {
  if (given === false) return undefined;
  if (given === true) return DEFAULTS;
  requireObject("websocket", given);
  refuseUnknown("websocket", given, KNOWN);
  const { idleTimeout = DEFAULTS.idleTimeout } = given;
  requireNumber("websocket.idleTimeout", idleTimeout, Number.MIN_VALUE, NEVER);
  return { idleTimeout, ...resolveAdmission(given) };
}
