/**
 * Which coding a client likes best. There are few values of `Accept-Encoding` in the world, so what was found is kept, within a bound:
 * clients can make up as many as they like.
 *
 * If a client takes neither a coding that we have nor the plain body (`identity;q=0`), it gets the plain body all the same:
 * RFC 9110 §12.5.3 allows for that or 406, and a body in an unwanted form says more than none.
 */

import type { ContentCoding } from "../../../body/content-coding.js";
import { negotiateEncoding } from "../../../http/accept.js";

/** What a client takes. */
export interface CodingChoice {
  /** Undefined: none that we have, or rather the plain body. */
  readonly coding: ContentCoding | undefined;
  /** The plain body is not wanted, however small. */
  readonly identityRefused: boolean;
}

const MOST_REMEMBERED = 64;
const LONGEST_REMEMBERED = 256;

/** See the head of this file. */
export class CodingChoices {
  readonly #offers: readonly (ContentCoding | "identity")[];
  readonly #known = new Map<string, CodingChoice>();

  /** `codings`: in the order of our own liking, which decides among those that the client likes equally. */
  constructor(codings: readonly ContentCoding[]) {
    this.#offers = [...codings, "identity"];
  }

  /** Values that are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** `acceptEncoding` is undefined for a request without the field, which may come from a client that can undo nothing. */
  of(acceptEncoding: string | undefined): CodingChoice {
    const value = acceptEncoding ?? "";
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const best = negotiateEncoding(value, this.#offers);
    const choice: CodingChoice = {
      coding: best === "identity" ? undefined : best,
      identityRefused: best !== undefined && negotiateEncoding(value, ["identity"]) === undefined,
    };
    if (value.length <= LONGEST_REMEMBERED && this.#known.size < MOST_REMEMBERED) this.#known.set(value, choice);
    return choice;
  }
}
