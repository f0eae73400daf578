/** A body that is in memory in one piece: it can be sent with the head, and as often as needed. */

import type { ContentCoding } from "../content-coding.js";

/** What few bodies have to say besides; see `Payload`. */
interface Besides {
  readonly contentEncoding?: ContentCoding;
  readonly ownsType?: boolean;
}

const NOTHING: Besides = Object.freeze({});

/** A string (sent as UTF-8) or bytes. */
export class WholePayload {
  readonly whole: Uint8Array | string;
  readonly length: number;
  readonly contentType: string | undefined;
  readonly replayable = true;
  readonly #besides: Besides;

  constructor(whole: Uint8Array | string, contentType: string | undefined, besides = NOTHING) {
    this.whole = whole;
    this.length = typeof whole === "string" ? Buffer.byteLength(whole) : whole.byteLength;
    this.contentType = contentType;
    this.#besides = besides;
  }

  get contentEncoding(): ContentCoding | undefined {
    return this.#besides.contentEncoding;
  }

  get ownsType(): boolean | undefined {
    return this.#besides.ownsType;
  }

  async *open(): AsyncGenerator<Uint8Array, void> {
    if (this.length > 0) yield typeof this.whole === "string" ? Buffer.from(this.whole) : this.whole;
  }

  discard(): void {
    // Memory needs no releasing.
  }
}
