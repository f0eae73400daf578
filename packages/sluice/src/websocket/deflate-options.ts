/** How messages are compressed (RFC 7692): what a user may choose, and what becomes of it. */

import { UsageError } from "../errors.js";
import { refuseUnknown, requireNumber, requireObject } from "../options.js";

/** Choices of compression; every one of them may be left out. */
export interface DeflateOptions {
  /** Messages of fewer bytes are sent as they are, unless `send` is told otherwise. From 0; `Infinity`: all. @default 1_024 */
  readonly threshold?: number;
  /** How hard to try, 1 (fast) to 9 (small). @default 3 */
  readonly level?: number;
  /**
   * The server compresses each message by itself (RFC 7692 §7.1.1.1): less memory for it, larger messages. @default false
   */
  readonly serverNoContextTakeover?: boolean;
  /** The client compresses each message by itself (§7.1.1.2). @default false */
  readonly clientNoContextTakeover?: boolean;
  /** The server looks back at most 2 to this many bytes, 8 to 15 (§7.1.2.1). @default 15 */
  readonly serverMaxWindowBits?: number;
  /**
   * The client looks back at most 2 to this many bytes, 8 to 15 (§7.1.2.2). A server that sets it declines to compress with a
   * client that cannot be told so. @default 15
   */
  readonly clientMaxWindowBits?: number;
}

/** Every choice, made. */
export type ResolvedDeflateOptions = Readonly<Required<DeflateOptions>>;

/** What `compress: true` means. */
export const DEFLATE_DEFAULTS: ResolvedDeflateOptions = Object.freeze({
  threshold: 1_024,
  level: 3,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
});

const KNOWN = new Map(Object.entries(DEFLATE_DEFAULTS));
const FLAGS = ["serverNoContextTakeover", "clientNoContextTakeover"] as const;
const NUMBERS = [
  ["level", 1, 9],
  ["serverMaxWindowBits", 8, 15],
  ["clientMaxWindowBits", 8, 15],
] as const;

/**
 * The choices that `compress` stands for; undefined for none. Throws `UsageError` `options/out-of-range`, `options/unknown` or
 * `options/unknown-value`.
 */
export function resolveDeflate(compress: boolean | DeflateOptions | undefined): ResolvedDeflateOptions | undefined {
  if (compress === undefined || compress === false) return undefined;
  if (compress === true) return DEFLATE_DEFAULTS;
  requireObject("compress", compress);
  refuseUnknown("compression", compress, KNOWN);
  const chosen: Required<DeflateOptions> = { ...DEFLATE_DEFAULTS, ...present(compress) };
  requireNumber("compress.threshold", chosen.threshold, 0, Number.POSITIVE_INFINITY);
  for (const [name, least, most] of NUMBERS) {
    requireNumber(`compress.${name}`, chosen[name], least, most);
    if (Number.isInteger(chosen[name])) continue;
    throw new UsageError("options/out-of-range", `Cannot use compress.${name}: ${chosen[name]} is no whole number`);
  }
  for (const name of FLAGS) {
    if (typeof chosen[name] === "boolean") continue;
    throw new UsageError("options/unknown-value", `Cannot use compress.${name}: expected true or false`);
  }
  return Object.freeze(chosen);
}

/** Without what is there and undefined, which is as good as absent. */
function present(given: DeflateOptions): DeflateOptions {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
