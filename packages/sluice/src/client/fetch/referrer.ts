/** What goes into `Referer`: the referrer that the caller named, as its policy allows for the target (Referrer Policy §8.3). */
import type { ReferrerPolicy } from "./fetch-request.js";

/** The standard's cap on what is sent in full; beyond it only the origin is. */
const MAX_LENGTH = 4_096;

/** The field's value, or undefined for none. */
export function referrerFor(policy: ReferrerPolicy, referrer: URL, target: URL): string | undefined {
  if (referrer.protocol !== "http:" && referrer.protocol !== "https:") return undefined;
  const origin = `${referrer.origin}/`;
  const stripped = `${referrer.origin}${referrer.pathname}${referrer.search}`;
  const full = stripped.length > MAX_LENGTH ? origin : stripped;
  const same = referrer.origin === target.origin;
  const downgrade = isTrustworthy(referrer) && !isTrustworthy(target);
  switch (policy) {
    case "no-referrer":
      return undefined;
    case "unsafe-url":
      return full;
    case "origin":
      return origin;
    case "same-origin":
      return same ? full : undefined;
    case "origin-when-cross-origin":
      return same ? full : origin;
    case "no-referrer-when-downgrade":
      return downgrade ? undefined : full;
    case "strict-origin":
      return downgrade ? undefined : origin;
    case "":
    case "strict-origin-when-cross-origin":
      if (same) return full;
      return downgrade ? undefined : origin;
  }
}

/** Secure Contexts §3.1: encrypted, or never leaves the machine. */
function isTrustworthy({ protocol, hostname }: URL): boolean {
  if (protocol === "https:" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname)) return true;
  return hostname === "localhost" || hostname.endsWith(".localhost");
}
