/** What happens on a download's way besides bytes coming, for whoever wants to tell about it. */

/** Why a download began anew instead of going on. */
export type RestartReason =
  /** The file has changed: another validator, or another size. */
  | "changed"
  /** It broke off, and the server gives nothing by which the rest could be known to be of the same file. */
  | "no-validator"
  /** The server answers ranges in a way that cannot be relied on; from now on without. */
  | "ranges"
  /** The record of an earlier run is damaged. */
  | "record"
  /** The bytes of an earlier run are not there. */
  | "part"
  /** What was gone on with does not have the checksum. */
  | "checksum"
  /** The caller asked for it. */
  | "asked";

/** One thing that happened. */
export type DownloadEvent =
  /** Where the file will be, absolute: told before anything is written there, so that a listener can object. */
  | { readonly type: "target"; readonly path: string }
  /** It goes on with what an earlier run has left: so many bytes. */
  | { readonly type: "resumed"; readonly bytes: number }
  /** All that was there is thrown away. `detail` is for people. */
  | { readonly type: "restarted"; readonly reason: RestartReason; readonly detail: string }
  /** A segment failed and is asked for again in `wait` milliseconds. */
  | { readonly type: "retry"; readonly wait: number; readonly attempt: number; readonly error: Error }
  /** There are so many segments now. */
  | { readonly type: "segments"; readonly count: number }
  /** The URL that had run out is found anew. */
  | { readonly type: "renewed" }
  /** All bytes are there and their checksum is being worked out. */
  | { readonly type: "verifying" };
