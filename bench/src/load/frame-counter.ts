/** Counts the frames of a server in what a socket delivers, however it is cut, and checks that each is the echo it should be. */

const TEXT = 0x81;
const COMPRESSED_TEXT = 0xc1;
const LENGTH = 0x7f;
const IN_2 = 126;

/** For one connection. */
export class FrameCounter {
  readonly #expected: Buffer | undefined;
  #rest: Buffer = Buffer.alloc(0);

  /** `expected`: what each message says; undefined where it is compressed, and only counted. */
  constructor(expected: string | undefined) {
    this.#expected = expected === undefined ? undefined : Buffer.from(expected, "latin1");
  }

  /** How many frames are complete with `bytes`, which are borrowed. Throws for a frame that is no echo. */
  take(bytes: Buffer): number {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let count = 0;
    let at = 0;
    for (let end = this.#endOfFrame(all, at); end !== undefined; end = this.#endOfFrame(all, at)) {
      at = end;
      count += 1;
    }
    this.#rest = at === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(at));
    return count;
  }

  #endOfFrame(bytes: Buffer, start: number): number | undefined {
    const left = bytes.length - start;
    if (left < 2) return undefined;
    const short = (bytes[start + 1] ?? 0) & LENGTH;
    if (short > IN_2) throw new Error("A frame of more than 64 KiB is none of ours");
    if (short === IN_2 && left < 4) return undefined;
    const length = short === IN_2 ? bytes.readUInt16BE(start + 2) : short;
    const from = start + (short === IN_2 ? 4 : 2);
    const end = from + length;
    if (end > bytes.length) return undefined;
    this.#check(bytes, start, from, end);
    return end;
  }

  #check(bytes: Buffer, start: number, from: number, end: number): void {
    const expected = this.#expected;
    const first = expected === undefined ? COMPRESSED_TEXT : TEXT;
    const isEcho = bytes[start] === first && (expected === undefined || expected.compare(bytes, from, end) === 0);
    if (!isEcho) throw new Error(`Not an echo: ${bytes.subarray(start, Math.min(end, start + 40)).toString("latin1")}`);
  }
}
