/** What `URL.createObjectURL` has given names to. */

import { resolveObjectURL } from "node:buffer";

/** The blob behind a `blob:` URL of this process, or undefined if it was revoked or never was. */
export function resolveObjectUrl(url: string): Blob | undefined {
  return resolveObjectURL(url) as Blob | undefined;
}
