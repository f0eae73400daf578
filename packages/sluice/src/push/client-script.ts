/** The browser's client as a file to be served: what a page imports when it has no bundler. */

import { fileURLToPath } from "node:url";
import { requireNumber } from "../options.js";
import type { Reply } from "../server/reply.js";
import { reply } from "../server/reply-kinds.js";

/** How the client is served. */
export interface ClientScriptOptions {
  /** How long browsers may keep it without asking, in seconds, from 0; asked again, they are told by its ETag that it is the same. @default 3_600 */
  readonly maxAgeSeconds?: number;
}

const DEFAULT_MAX_AGE_SECONDS = 3_600;

/** A handler that answers with the module `sluice/push/client`. Throws `UsageError` `options/…`. */
export function clientScript(options: ClientScriptOptions = {}): () => Reply {
  const { maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS } = options;
  requireNumber("maxAgeSeconds", maxAgeSeconds, 0, Number.MAX_SAFE_INTEGER);
  // By its public name, so that it is the compiled file from wherever this one is run.
  const path = fileURLToPath(import.meta.resolve("sluice/push/client"));
  return () => reply.file(path, { maxAgeSeconds, type: "text/javascript; charset=utf-8" });
}
