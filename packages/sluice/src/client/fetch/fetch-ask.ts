/** What a request by the Fetch standard asks of the session beside method, URL and signals: made ready by `run-fetch.ts`. */
import type { Payload } from "../../body/payload.js";
import type { FieldLines } from "../../http1/sinks.js";
import type { RedirectRules } from "../redirects.js";

/** A request that is checked already, by other rules than the session's own. */
export interface FetchAsk {
  /** The caller's field lines, one for each name, names in lower case. They replace the session's of the same name. */
  readonly fields: FieldLines;
  readonly payload: Payload | undefined;
  readonly redirect: "follow" | "manual" | "error";
  readonly redirects: RedirectRules;
  /** False: neither the session's cookies nor its `auth` go along, and no cookie is kept. */
  readonly credentials: boolean;
}
