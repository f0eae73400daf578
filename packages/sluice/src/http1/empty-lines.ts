/**
 * Empty lines before a start line, which clients that end a body with a line too many leave behind: passed over, up to a limit
 * (RFC 9112 §2.2).
 */

import { LF } from "../bytes/char-tables.js";
import { PeerError } from "../errors.js";
import { INCOMPLETE, type LineWindow } from "./line-window.js";

/** Counts the empty lines before one message; reset when its head has come. */
export class EmptyLines {
  readonly #maxCount: number;
  #count = 0;

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  reset(): void {
    this.#count = 0;
  }

  /** The offset behind the empty line that begins with the CR at `start`, or `INCOMPLETE`. Throws `PeerError`. */
  read(lines: LineWindow, start: number): number {
    if (start + 1 === lines.end) return INCOMPLETE;
    if (lines.bytes[start + 1] !== LF) throw bareCarriageReturn();
    this.#count += 1;
    if (this.#count > this.#maxCount) {
      throw new PeerError(
        "http1/too-many-empty-lines",
        `Cannot read head: more empty lines before it than the limit of ${this.#maxCount}`,
      );
    }
    return start + 2;
  }

  /** Throws `PeerError` if an unfinished line which begins with CR has anything behind it: that was not LF. */
  checkUnfinished(byteCount: number): void {
    if (byteCount > 1) throw bareCarriageReturn();
  }
}

function bareCarriageReturn(): PeerError {
  return new PeerError("http1/bare-carriage-return", "Cannot read head: a CR is not followed by LF (RFC 9112 §2.2)");
}
