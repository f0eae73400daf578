/**
 * Checks and counts the answers on one connection. The first one is read with care; later ones that have the same layout are only
 * compared: status, end of the head, body. Anything else is read with care again.
 */

const HEAD_END = "\r\n\r\n";
const STATUS = "HTTP/1.1 200 ";
const LENGTH = /\r\ncontent-length: *(\d+)\r\n/i;

/** Where things stood in the answer read last. */
interface Layout {
  readonly bodyStart: number;
  readonly length: number;
}

export class AnswerCounter {
  readonly #expected: Buffer;
  #layout: Layout | undefined = undefined;
  /** Copies of what belongs to an answer that is not complete yet. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** Bytes that the answer in `#kept` has in all; 0 while its head is not complete. */
  #needed = 0;

  /** Every answer must be 200, have a Content-Length, and this body. */
  constructor(expectedBody: string) {
    this.#expected = Buffer.from(expectedBody);
  }

  /** How many answers `piece` completes; throws for one that is not as expected. Keeps nothing of `piece` but a copy. */
  take(piece: Buffer): number {
    // A large answer comes in many pieces: they are put together once, when it should be complete.
    if (this.#keptBytes + piece.length < this.#needed) {
      this.#keep(piece);
      return 0;
    }
    const bytes = this.#keptBytes === 0 ? piece : Buffer.concat([...this.#kept, piece]);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#needed = 0;
    let count = 0;
    let at = 0;
    while (at < bytes.length) {
      const layout = this.#layoutAt(bytes, at);
      if (layout === undefined) break;
      if (at + layout.length > bytes.length) {
        this.#needed = layout.length;
        break;
      }
      const { bodyStart, length } = layout;
      const expected = this.#expected;
      if (expected.compare(bytes, at + bodyStart, at + length) !== 0) {
        throw new Error(`Not the expected body: ${bytes.toString("latin1", at, at + length)}`);
      }
      this.#layout = layout;
      count += 1;
      at += length;
    }
    if (at < bytes.length) this.#keep(bytes.subarray(at));
    return count;
  }

  #keep(bytes: Buffer): void {
    this.#kept.push(Buffer.from(bytes));
    this.#keptBytes += bytes.length;
  }

  #layoutAt(bytes: Buffer, at: number): Layout | undefined {
    const known = this.#layout;
    if (known !== undefined && at + known.length <= bytes.length && looksAs(known, bytes, at)) return known;
    const headEnd = bytes.indexOf(HEAD_END, at, "latin1");
    if (headEnd === -1) return undefined;
    const head = bytes.toString("latin1", at, headEnd + 2);
    const length = LENGTH.exec(head)?.[1];
    if (!head.startsWith(STATUS) || length === undefined) throw new Error(`Not the expected head: ${head}`);
    const bodyStart = head.length + 2;
    return { bodyStart, length: bodyStart + Number(length) };
  }
}

/** "HTTP/1.1 2.." and the empty line stand where they stood; a differing body is found afterwards. */
function looksAs({ bodyStart }: Layout, bytes: Buffer, at: number): boolean {
  const headEnd = at + bodyStart;
  return (
    bytes[at] === 0x48 &&
    bytes[at + 9] === 0x32 &&
    bytes[at + 10] === 0x30 &&
    bytes[at + 11] === 0x30 &&
    bytes[headEnd - 4] === 0x0d &&
    bytes[headEnd - 3] === 0x0a &&
    bytes[headEnd - 2] === 0x0d &&
    bytes[headEnd - 1] === 0x0a
  );
}
