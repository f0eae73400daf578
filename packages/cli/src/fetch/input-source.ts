/**
 * The inputs of a run: the URLs of the command line, then the lines of a file or of standard input, read no faster than they are
 * worked off. It can be stopped while it waits for a line; what was not handed out by then can still be had, so that a later run can
 * go on.
 */
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { completeUrl } from "../parse/complete-url.js";
import { fileProblem } from "../terminal/file-problem.js";
import type { Input } from "./outcome.js";
import { type Line, readLines } from "./read-lines.js";

/** Longest line taken for a URL, in bytes. A longer one is a failed input. */
const MOST_LINE_BYTES = 64 * 1024;

/** Where inputs come from. */
export interface InputPlace {
  /** URLs given as arguments. */
  readonly urls: readonly string[];
  /** A file of lines, `-` for standard input, or undefined for none. */
  readonly file: string | undefined;
}

/** Whether an earlier run has done an input. */
export type IsDone = (url: string) => boolean;

/** Hands out one input after another. */
export class InputSource implements AsyncIterable<Input> {
  readonly #lines: AsyncIterator<Line, void>;
  readonly #stream: Readable | undefined;
  readonly #isDone: IsDone;
  #pending: Promise<IteratorResult<Line, void>> | undefined;
  #wake: (() => void) | undefined;
  #stopped = false;
  #handedOut = 0;

  private constructor(urls: readonly string[], stream: Readable | undefined, isDone: IsDone) {
    this.#stream = stream;
    this.#isDone = isDone;
    this.#lines = inputLines(urls, stream);
  }

  /**
   * Opens the file, if there is one. Inputs of which `isDone` says so are passed over; each is asked about once. Throws `UsageProblem`
   * if the file cannot be read.
   */
  static async open(
    { urls, file }: InputPlace,
    stdin: () => Readable,
    isDone: IsDone = () => false,
  ): Promise<InputSource> {
    const stream = file === undefined ? undefined : file === "-" ? stdin() : await openLines(file);
    return new InputSource(urls, stream, isDone);
  }

  /** Once. Ends after the last input, or when it is stopped. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Input, void, undefined> {
    while (!this.#stopped) {
      const line = await this.#lineOrStop();
      if (line === undefined) return;
      const index = this.#handedOut;
      this.#handedOut += 1;
      if (!line.tooLong && this.#isDone(line.text)) continue;
      yield { index, url: line.text, tooLong: line.tooLong };
    }
  }

  /** Ends the iteration, also while it waits for a line. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** What was not handed out before the stop, but lines that were too long. */
  async *rest(): AsyncGenerator<string, void, undefined> {
    for (;;) {
      const step = await (this.#pending ?? this.#lines.next());
      this.#pending = undefined;
      if (step.done) return;
      if (!step.value.tooLong && !this.#isDone(step.value.text)) yield step.value.text;
    }
  }

  /** Reads nothing more. */
  close(): void {
    this.#stream?.destroy();
  }

  #lineOrStop(): Promise<Line | undefined> {
    const pending = this.#lines.next();
    this.#pending = pending;
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(undefined);
      pending.then((step) => {
        // Too late: it is the first of the rest.
        if (this.#stopped) return;
        this.#pending = undefined;
        resolve(step.done ? undefined : step.value);
      }, reject);
    });
  }
}

/** How many inputs there will be in all; undefined where that cannot be known before, as of standard input. */
export async function countInputs({ urls, file }: InputPlace): Promise<number | undefined> {
  if (file === undefined) return urls.length;
  const handle = file === "-" ? undefined : await open(file, "r");
  if (handle === undefined) return undefined;
  if (!(await handle.stat()).isFile()) {
    await handle.close();
    return undefined;
  }
  let count = 0;
  for await (const _line of inputLines(urls, handle.createReadStream())) count += 1;
  return count;
}

async function openLines(path: string): Promise<Readable> {
  try {
    const handle = await open(path, "r");
    if (!(await handle.stat()).isDirectory()) return handle.createReadStream();
    await handle.close();
  } catch (error) {
    throw fileProblem("read", path, error);
  }
  throw fileProblem("read", path, Object.assign(new Error("It is a directory"), { code: "EISDIR" }));
}

async function* inputLines(
  urls: readonly string[],
  stream: Readable | undefined,
): AsyncGenerator<Line, void, undefined> {
  for (const url of urls) yield { text: completeUrl(url), tooLong: false };
  if (stream === undefined) return;
  for await (const { text, tooLong } of readLines(stream, MOST_LINE_BYTES)) {
    const url = text.trim();
    if (url !== "" && !url.startsWith("#")) yield { text: tooLong ? url : completeUrl(url), tooLong };
  }
}
