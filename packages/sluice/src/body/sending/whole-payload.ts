/** A body that is in memory in one piece: it can be sent with the head, and as often as needed. */

/** A string (sent as UTF-8) or bytes. */
export class WholePayload {
  readonly whole: Uint8Array | string;
  readonly length: number;
  readonly contentType: string | undefined;
  readonly replayable = true;

  constructor(whole: Uint8Array | string, contentType: string | undefined) {
    this.whole = whole;
    this.length = typeof whole === "string" ? Buffer.byteLength(whole) : whole.byteLength;
    this.contentType = contentType;
  }

  async *open(): AsyncGenerator<Uint8Array, void> {
    if (this.length > 0) yield typeof this.whole === "string" ? Buffer.from(this.whole) : this.whole;
  }

  discard(): void {
    // Memory needs no releasing.
  }
}
