/** What happens on an upload's way besides bytes going, for whoever wants to tell about it; and what comes of it. */

import type { Progress } from "../../body/progress.js";

/** Why an upload began anew instead of going on. */
export type UploadRestartReason =
  /** The source has changed since the run that began it. */
  | "changed"
  /** The server has no such upload any more, or never had. */
  | "gone"
  /** The time that the server gave it has run out. */
  | "expired"
  /** The server's upload does not fit the source: it is longer, or of another length. */
  | "mismatch"
  /** The caller asked for it. */
  | "asked";

/** One thing that happened. */
export type UploadEvent =
  /** The server has made the upload. */
  | { readonly type: "created"; readonly url: string }
  /** It goes on with what an earlier run, or an earlier try, has brought: so many bytes. */
  | { readonly type: "resumed"; readonly url: string; readonly bytes: number }
  /** What was there is given up. `detail` is for people. */
  | { readonly type: "restarted"; readonly reason: UploadRestartReason; readonly detail: string }
  /** Something failed and is tried again in `wait` milliseconds. */
  | { readonly type: "retry"; readonly wait: number; readonly attempt: number; readonly error: Error };

/** One report. `transferred` counts bytes of the source, those of earlier runs included; `rate` only those that go. */
export interface UploadProgress extends Progress {
  readonly state: "connecting" | "uploading" | "waiting" | "done";
  /** Bytes that the server has confirmed: what a later run need not send again. */
  readonly confirmed: number;
}

/** What came of an upload. */
export interface UploadResult {
  /** Where the server has it: the upload's own URL (tus), or what was asked for. */
  readonly url: string;
  /** Bytes of the source. */
  readonly size: number;
  /** Bytes that an earlier run had brought. */
  readonly resumedBytes: number;
  /** Why it began anew, each time that it did. */
  readonly restarts: readonly UploadRestartReason[];
  /** Of the last answer. */
  readonly status: number;
}
