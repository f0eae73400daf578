/**
 * What an interrupted run has left in its JSON lines. Of each line only the beginning is looked at, where our own lines say which input
 * they are for and whether it is done, so that bodies in them cost nothing; where a line ends is found without reading what it says.
 *
 * A process that was killed leaves at most one line unfinished, the last one, cut off anywhere. A machine that was switched off may
 * also have left zeros there. Anything else that is not a line of ours means that this is another file, which must not be touched.
 */
import { UsageProblem } from "../../usage-problem.js";

const LF = 0x0a;
const CLOSING_BRACE = 0x7d;
/**
 * Bytes of a line that are looked at: the longest input line there is (64 KiB), whose every byte may have become an escape of six
 * characters, and what stands before and behind it.
 */
const MOST_LOOKED_AT = 6 * 64 * 1024 + 1_024;

/** As `jsonLine` writes it. */
const BEGINNING = /^\{"index":\d+,"url":("[^"\\]*(?:\\.[^"\\]*)*"),"ok":(true|false),/;

/** One finished line. */
export interface ResultLine {
  readonly url: string;
  /** Answered, with a status below 400. */
  readonly ok: boolean;
  /** Its place in the file, in bytes; the line feed belongs to it. */
  readonly start: number;
  readonly end: number;
}

/** The finished lines, in order. Throws `UsageProblem` for a line that is none of ours; `path` is for saying so. */
export async function* scanResults(
  pieces: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<ResultLine, void, undefined> {
  const line = new LineLook();
  let number = 0;
  let broken = false;
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(LF); end !== -1; end = piece.indexOf(LF, start)) {
      line.add(piece.subarray(start, end));
      number += 1;
      // Only the last line may be unfinished: one more behind it shows that this one never was one of ours.
      if (broken) throw notOurs(path, number - 1);
      const found = line.take();
      if (found === undefined) broken = true;
      else yield found;
      start = end + 1;
    }
    line.add(piece.subarray(start));
  }
  // What is unfinished must at least begin as our lines do, or this is the only line of some other file.
  if (broken && number === 1) throw notOurs(path, 1);
  if (!broken && number === 0 && !line.couldBeOurs) throw notOurs(path, 1);
}

/** The beginning of the line that is being read, over the bounds of pieces, and how it ends. */
class LineLook {
  #parts: Uint8Array[] = [];
  #kept = 0;
  #length = 0;
  #lastByte = 0;
  #start = 0;

  /** Whether what has come of this line could become one of ours: it is empty, zeros, or begins as they do. */
  get couldBeOurs(): boolean {
    const text = Buffer.concat(this.#parts).toString("latin1");
    const wanted = '{"index":';
    return /^\0*$/.test(text) || text.startsWith(wanted) || wanted.startsWith(text);
  }

  add(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#length += part.length;
    this.#lastByte = part[part.length - 1] ?? 0;
    const room = MOST_LOOKED_AT - this.#kept;
    if (room === 0) return;
    // A piece may be used again by who made it.
    this.#parts.push(Uint8Array.prototype.slice.call(part, 0, room));
    this.#kept += Math.min(room, part.length);
  }

  /** The line, which is over; undefined where it is none of ours. */
  take(): ResultLine | undefined {
    const found = BEGINNING.exec(Buffer.concat(this.#parts).toString("utf8"));
    const whole = this.#lastByte === CLOSING_BRACE;
    const start = this.#start;
    const end = start + this.#length + 1;
    this.#start = end;
    this.#parts = [];
    this.#kept = 0;
    this.#length = 0;
    this.#lastByte = 0;
    const url = found?.[1];
    if (url === undefined || !whole) return undefined;
    return { url: String(JSON.parse(url)), ok: found?.[2] === "true", start, end };
  }
}

function notOurs(path: string, number: number): UsageProblem {
  return new UsageProblem(
    `Cannot go on with ${path}: line ${number} is not one that sluice fetch writes; name another file with -o`,
  );
}
