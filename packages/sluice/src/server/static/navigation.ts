/** Which requests are a browser's that goes to a page, and not a page's or a program's that asks for something (Fetch Metadata). */

import { parsePreferences } from "../../http/accept.js";
import type { FieldLines } from "../../http1/sinks.js";
import { findField, joinField } from "../field-lookup.js";

/**
 * Whether a page is what the client goes to: by `Sec-Fetch-Mode` where it sends that, otherwise by whether its `Accept` names
 * `text/html`; taking anything is not asking for a page.
 */
export function isNavigation(fields: FieldLines): boolean {
  const mode = findField(fields, "sec-fetch-mode");
  if (mode !== undefined) return mode === "navigate";
  const accept = joinField(fields, "accept");
  if (accept === undefined) return false;
  return parsePreferences(accept).some(({ value, quality }) => value === "text/html" && quality > 0);
}
