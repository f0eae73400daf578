/**
 * Lines of a stream of bytes, one after another, in bounded memory: the next piece is read when the lines of the last one have been
 * taken. LF and CRLF end a line; malformed UTF-8 becomes U+FFFD; a byte order mark at the start is dropped.
 */

const LF = 0x0a;

/** One line without its end. */
export interface Line {
  /** Only the first bytes of it where it was too long. */
  readonly text: string;
  readonly tooLong: boolean;
}

/** A line of more than `maxBytes` is given cut off, and the rest of it passed over. */
export async function* readLines(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Line, void, undefined> {
  const line = new LineBuffer(maxBytes);
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(LF); end !== -1; end = piece.indexOf(LF, start)) {
      line.add(piece.subarray(start, end));
      yield line.take();
      start = end + 1;
    }
    line.add(piece.subarray(start));
  }
  if (!line.empty) yield line.take();
}

/** The line that is being read, over the bounds of pieces. */
class LineBuffer {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #parts: Uint8Array[] = [];
  #byteLength = 0;
  #tooLong = false;
  #first = true;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get empty(): boolean {
    return this.#byteLength === 0;
  }

  add(part: Uint8Array): void {
    const room = this.#maxBytes - this.#byteLength;
    this.#tooLong ||= part.length > room;
    if (part.length === 0 || room === 0) return;
    // Pieces may be used again by who made them; what is kept over a piece's end is small.
    this.#parts.push(Uint8Array.prototype.slice.call(part, 0, room));
    this.#byteLength += Math.min(room, part.length);
  }

  take(): Line {
    const [only] = this.#parts;
    const bytes = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    let text = this.#decoder.decode(bytes);
    if (this.#first && text.startsWith("\uFEFF")) text = text.slice(1);
    if (text.endsWith("\r")) text = text.slice(0, -1);
    const tooLong = this.#tooLong;
    this.#parts = [];
    this.#byteLength = 0;
    this.#tooLong = false;
    this.#first = false;
    return { text, tooLong };
  }
}
