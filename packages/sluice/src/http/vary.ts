/** `Vary` (RFC 9110 §12.5.5): which fields of a request an answer depends on. Added to, never replaced: others have their reasons, too. */

import type { HttpHeaders } from "./headers.js";

/** Adds `names` to `Vary`, but for those that it names already; a `*` says it all. */
export function addVary(headers: HttpHeaders, ...names: readonly string[]): void {
  const present = headers.get("vary");
  if (present === null || present === "") {
    if (names.length > 0) headers.set("Vary", names.join(", "));
    return;
  }
  const known = present.split(",").map((name) => name.trim().toLowerCase());
  if (known.includes("*")) return;
  const missing = names.filter((name) => !known.includes(name.toLowerCase()));
  if (missing.length > 0) headers.set("Vary", [present, ...missing].join(", "));
}
