/** How a route opens sockets, and what they may do: one interface, one resolver. */

import { isToken } from "../../bytes/char-tables.js";
import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireObject } from "../../options.js";
import { type DeflateOptions, type ResolvedDeflateOptions, resolveDeflate } from "../../websocket/deflate-options.js";
import {
  type ResolvedWebSocketOptions,
  resolveWebSocketOptions,
  SERVER_WEBSOCKET_DEFAULTS,
  WEBSOCKET_OPTION_NAMES,
  type WebSocketConnectionOptions,
} from "../../wire/websocket/websocket-options.js";
import type { Middleware } from "../middleware-chain.js";
import { Admission, resolveAdmission } from "./admission.js";
import { type OriginCheck, originCheckOf, type WebSocketOrigins } from "./origin-policy.js";
import type { UpgradeHook, UpgradeResult } from "./upgrade-hook.js";

/** Options of a route's sockets: whose they are, and what they may do. Times are milliseconds, sizes bytes; `Infinity` switches a limit off. */
export interface WebSocketRouteOptions<
  Params = Readonly<Record<string, string>>,
  Result extends UpgradeResult = undefined,
> extends WebSocketConnectionOptions {
  /** See `RouteOptions.name`. */
  readonly name?: string;
  /** Stands between the application's middleware and the handshake. @default none */
  readonly middleware?: readonly Middleware[];
  /**
   * Looks at the request when the handshake is valid and its origin allowed, before anything is answered: refuses it by throwing, chooses
   * the sub-protocol, adds field lines, or hands something to the handler. Other results: `UsageError` `websocket/upgrade-result`.
   */
  readonly upgrade?: UpgradeHook<Params, Result>;
  /**
   * Sub-protocols that are spoken here; the first of the client's that is among them is chosen (RFC 6455 §1.9), none if there is none.
   * Tokens, each once: `UsageError` `options/unknown-value`.
   *
   * @default none
   */
  readonly protocols?: readonly string[];
  /**
   * Whether, and how, messages are compressed with clients that can (RFC 7692). It costs memory for each socket, and time for each message.
   *
   * @default false
   */
  readonly compress?: boolean | DeflateOptions;
  /** Whose pages may open sockets here; 403 for others. Clients that send no `Origin` are no browsers, and may. @default "same" */
  readonly origins?: WebSocketOrigins;
  /** Sockets open on this route at once; 503 `websocket/full` for more. From 1. @default Infinity */
  readonly maxConnections?: number;
  /**
   * The same for one client, by its IPv4 address or the /64 of its IPv6 address: 429 `websocket/client-full`. Behind proxies, addresses are
   * right only with the application's `trustProxy`. From 1.
   *
   * @default Infinity
   */
  readonly maxConnectionsPerClient?: number;
}

/** The same, checked and complete. */
export interface WebSocketTerms {
  readonly upgrade: UpgradeHook<never, UpgradeResult> | undefined;
  readonly protocols: ReadonlySet<string>;
  readonly checkOrigin: OriginCheck | undefined;
  readonly admission: Admission;
  /** Undefined: nothing is compressed. */
  readonly deflate: ResolvedDeflateOptions | undefined;
  readonly connection: ResolvedWebSocketOptions;
}

type AnyOptions = WebSocketRouteOptions<never, UpgradeResult>;

const OPTION_NAMES: ReadonlySet<string> = new Set<string>([
  ...WEBSOCKET_OPTION_NAMES,
  "name",
  "middleware",
  "upgrade",
  "compress",
  "protocols",
  "origins",
  "maxConnections",
  "maxConnectionsPerClient",
]);

/** Checks and completes. Throws `UsageError` `options/…` for what is out of range, of the wrong kind, or unknown. */
export function resolveRouteOptions(given: AnyOptions): WebSocketTerms {
  requireObject("websocket options", given);
  refuseUnknown("websocket", given, OPTION_NAMES);
  const { upgrade, protocols = [], origins = "same", compress } = given;
  if (upgrade !== undefined) requireFunction("upgrade", upgrade);
  return {
    upgrade,
    protocols: readProtocols(protocols),
    checkOrigin: originCheckOf(origins),
    admission: new Admission(resolveAdmission(given)),
    deflate: resolveDeflate(compress),
    connection: resolveWebSocketOptions(given, SERVER_WEBSOCKET_DEFAULTS),
  };
}

function readProtocols(given: readonly string[]): ReadonlySet<string> {
  const protocols = new Set(given);
  const valid = Array.isArray(given) && protocols.size === given.length && given.every((name) => isToken(name));
  if (valid) return protocols;
  const message = `Cannot use protocols ${JSON.stringify(given)}: expected a list of different tokens`;
  throw new UsageError("options/unknown-value", message);
}
