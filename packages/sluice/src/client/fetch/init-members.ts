/** The options of `fetch`, by name. */

/** Members of `RequestInit` (Fetch §5.4) as far as they mean anything outside of a browser. */
export const INIT_MEMBERS = [
  "method",
  "headers",
  "body",
  "referrer",
  "referrerPolicy",
  "mode",
  "credentials",
  "cache",
  "redirect",
  "integrity",
  "keepalive",
  "signal",
  "duplex",
  "priority",
  "window",
] as const;

/** A `RequestInit` before anything of it has been checked. */
export type UncheckedInit = { readonly [name in (typeof INIT_MEMBERS)[number]]?: unknown };
