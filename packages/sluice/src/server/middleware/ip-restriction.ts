/** Who may ask at all, by address: of clients behind proxies the address that trusted proxies name, and no other. */

import { type IpRange, inRange, parseIp, parseIpRange } from "../../http/ip-range.js";
import { refuseUnknown, requireObject } from "../../options.js";
import { HttpError } from "../http-error.js";
import type { Middleware } from "../middleware-chain.js";

/** Addresses (`192.0.2.1`, `2001:db8::/32`). `UsageError` `options/address-range` for what is none. */
export interface IpRestrictionOptions {
  /** Who may. @default everybody who is not denied */
  readonly allow?: readonly string[];
  /** Who may not, even if allowed. @default nobody */
  readonly deny?: readonly string[];
  /** Whether peers without an address, those on a Unix socket, may. @default false */
  readonly allowUnknown?: boolean;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof IpRestrictionOptions>(["allow", "deny", "allowUnknown"]);

/** Answers 403 to clients of other addresses. */
export function ipRestriction(options: IpRestrictionOptions): Middleware {
  requireObject("ipRestriction options", options);
  refuseUnknown("ipRestriction", options, OPTION_NAMES);
  const allowed = options.allow?.map(parseIpRange);
  const denied = (options.deny ?? []).map(parseIpRange);
  const { allowUnknown = false } = options;
  return function ipRestriction(request, next) {
    if (!mayAsk(request.remoteAddress)) throw new HttpError(403, "This address may not ask here");
    return next();
  };

  function mayAsk(address: string | undefined): boolean {
    const parsed = address === undefined ? undefined : parseIp(withoutZone(address));
    if (parsed === undefined) return allowUnknown;
    const isIn = (range: IpRange) => inRange(parsed, range);
    return !denied.some(isIn) && (allowed === undefined || allowed.some(isIn));
  }
}

/** `fe80::1%eth0` */
function withoutZone(address: string): string {
  const zone = address.indexOf("%");
  return zone === -1 ? address : address.slice(0, zone);
}
