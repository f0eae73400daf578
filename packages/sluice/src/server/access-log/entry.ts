/** What there is to say about one answer. */

import type { Reply } from "../reply.js";
import type { ServerRequest } from "../request/server-request.js";

/** One answer that is over. */
export interface AccessLogEntry {
  readonly request: ServerRequest;
  readonly reply: Reply;
  /** The client's address as it was when the request came. */
  readonly remoteAddress: string | undefined;
  /** When the request came: milliseconds since the Unix epoch. */
  readonly wallTimeMs: number;
  /** From then until the last byte of the answer was handed to the system. */
  readonly durationMs: number;
  readonly status: number;
  /** Bytes of the body that were sent, as they were on the wire but for chunking. */
  readonly bodyBytes: number;
  /** Why the answer is incomplete, if it is. */
  readonly error: Error | undefined;
}

/** What may be shown. */
export interface Shown {
  /** Names of query parameters. */
  readonly query: ReadonlySet<string>;
  /** Names of fields, in lower case, that are hidden besides those that always are. */
  readonly hiddenFields: ReadonlySet<string>;
}

/** A line about an answer, without line break. */
export type Formatter = (entry: AccessLogEntry) => string;
