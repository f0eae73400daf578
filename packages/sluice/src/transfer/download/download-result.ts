/** What a download comes to. */
import type { RestartReason } from "./download-events.js";

/** A file that is there, whole. */
export interface DownloadResult {
  /** `unchanged`: with `ifChanged`, the file that was there is still the one; nothing was downloaded. */
  readonly status: "complete" | "unchanged";
  /** Where it is, absolute. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** The URL that gave it, after redirects, without user information. */
  readonly url: string;
  /** As the server sent it. */
  readonly etag: string | undefined;
  /** As the server sent it. */
  readonly lastModified: string | undefined;
  /** Bytes that an earlier run had left and that are part of it. */
  readonly resumedBytes: number;
  /** Why it began anew, each time that it did. */
  readonly restarts: readonly RestartReason[];
  /** Most connections that were fetching it at once. */
  readonly segments: number;
  /** Algorithms of the checksums that it was found to have. */
  readonly verified: readonly string[];
}
