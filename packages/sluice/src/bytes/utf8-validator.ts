/**
 * Whether bytes are UTF-8 (RFC 3629), piece by piece and at the first octet that cannot be: overlong forms, surrogates and
 * what is beyond U+10FFFF are refused as early as they show.
 *
 * Strategy: between characters the platform's own check takes a whole piece at once, many times as fast as we could. A piece
 * that may end within a character is checked up to there, and its last octets one at a time. An octet behind the first of a
 * character has to lie between two bounds, which the first one narrows; that is all there is to the state.
 */

import { isUtf8 } from "node:buffer";

const CONTINUATION_LEAST = 0x80;
const CONTINUATION_MOST = 0xbf;
/** Below this many octets, asking the platform costs more than looking. */
const SHORT_PIECE = 24;
/** The most octets of a character that can be missing their last. */
const UNFINISHED_MOST = 3;

/** The bytes of one text after another. */
export class Utf8Validator {
  /** Octets that the character begun still needs, and the bounds of the next one. */
  #needed = 0;
  #least = CONTINUATION_LEAST;
  #most = CONTINUATION_MOST;

  /** False if no text can begin with what was pushed so far, this piece included; not to be asked again after that. O(n). */
  push(piece: Uint8Array): boolean {
    const { length } = piece;
    let at = 0;
    while (this.#needed > 0 && at < length) {
      if (!this.#step(piece[at] ?? 0)) return false;
      at += 1;
    }
    if (length - at >= SHORT_PIECE) {
      const end = endOfCharacters(piece);
      if (!isUtf8(piece.subarray(at, end))) return false;
      at = end;
    }
    for (; at < length; at += 1) if (!this.#step(piece[at] ?? 0)) return false;
    return true;
  }

  /** Whether the text may end here, which is not within a character. The next piece begins another text. */
  end(): boolean {
    const complete = this.#needed === 0;
    this.#needed = 0;
    this.#least = CONTINUATION_LEAST;
    this.#most = CONTINUATION_MOST;
    return complete;
  }

  /** RFC 3629 §4, one octet. */
  #step(octet: number): boolean {
    if (this.#needed > 0) {
      if (octet < this.#least || octet > this.#most) return false;
      this.#needed -= 1;
      this.#least = CONTINUATION_LEAST;
      this.#most = CONTINUATION_MOST;
      return true;
    }
    if (octet < 0x80) return true;
    if (octet < 0xc2 || octet > 0xf4) return false;
    this.#needed = octet < 0xe0 ? 1 : octet < 0xf0 ? 2 : 3;
    // What would be overlong, a surrogate, or too high shows in the second octet.
    if (octet === 0xe0) this.#least = 0xa0;
    else if (octet === 0xed) this.#most = 0x9f;
    else if (octet === 0xf0) this.#least = 0x90;
    else if (octet === 0xf4) this.#most = 0x8f;
    return true;
  }
}

/** Where the last character of `piece` begins if it could be cut short by the end; otherwise the end. */
function endOfCharacters(piece: Uint8Array): number {
  const { length } = piece;
  for (let back = 1; back <= UNFINISHED_MOST; back += 1) {
    const octet = piece[length - back] ?? 0;
    if (octet < 0x80) return length;
    if (octet >= 0xc0) return length - back;
  }
  return length;
}
