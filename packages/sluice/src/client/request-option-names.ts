/** The names that a request's options can have, looked at once for each request that has any. */

import { refuseUnknown } from "../options.js";
import { refuseWrongKind } from "./option-values.js";
import type { RequestOptions } from "./options.js";

/** Every name, and whether a value there changes the settings that requests of one session otherwise share. */
const CHANGES_SETTINGS: ReadonlyMap<string, boolean> = new Map<keyof RequestOptions, boolean>([
  ["params", false],
  ["headers", false],
  ["json", false],
  ["form", false],
  ["multipart", false],
  ["body", false],
  ["trailers", false],
  ["signal", false],
  ["raiseForStatus", false],
  ["compress", false],
  ["retry", false],
  ["cookies", false],
  ["middleware", false],
  ["hopMiddleware", false],
  ["timeout", true],
  ["redirect", true],
  ["maxRedirects", true],
  ["allowInsecureRedirect", true],
  ["decompress", true],
  ["maxResponseSize", true],
  ["auth", true],
  ["throttle", true],
  ["context", true],
  ["omitHeaders", true],
  ["proxy", true],
  ["servername", true],
  ["expectContinue", true],
  ["onProgress", true],
  ["onDownloadProgress", true],
]);

/**
 * Whether `options` change the settings that requests otherwise share. Throws `UsageError`: `options/unknown` for a name that is
 * none, `options/unknown-value` for what should be an object and is not.
 */
export function readNames(options: RequestOptions): boolean {
  let changes = false;
  for (const name of Object.keys(options)) {
    const change = CHANGES_SETTINGS.get(name);
    if (change === undefined) refuseUnknown("request", options, CHANGES_SETTINGS);
    const value = options[name as keyof RequestOptions];
    if (value === undefined) continue;
    refuseWrongKind(name, value);
    if (change === true) changes = true;
  }
  return changes;
}
