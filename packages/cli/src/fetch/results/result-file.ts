/**
 * The file that outcomes go to as JSON lines, and what a run that goes on with it makes of what is there: the lines of what is done
 * stay, those of failures go, because these are tried again, and so does a last line that was cut off. What is written is with the
 * system as soon as it has been, so that a killed process loses what was in its hands and nothing else.
 */
import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open, realpath, rename, rm, stat, truncate } from "node:fs/promises";
import { fileProblem } from "../../terminal/file-problem.js";
import { Output } from "../../terminal/output.js";
import { UsageProblem } from "../../usage-problem.js";
import { type ResultLine, scanResults } from "./scan-results.js";
import { UrlCounts } from "./url-counts.js";

/** Bytes that are copied at once. */
const COPY_BYTES = 64 * 1024;

/** Where outcomes are written, and what becomes of what is there already. */
export interface ResultPlace {
  readonly path: string;
  /** Goes on with what is there. */
  readonly resume: boolean;
  /** Throws away what is there, unless the run goes on with it. */
  readonly overwrite: boolean;
}

/** What is kept of a file that a run goes on with. */
interface Kept {
  readonly done: UrlCounts;
  readonly lines: number;
  /** Bytes of it. */
  readonly size: number;
  /** Whether all of it stands at the beginning of the file. */
  readonly inOnePiece: boolean;
}

/** The file, open for writing at its end. */
export class ResultFile {
  /** Written to like standard output. */
  readonly output: Output;
  /** Lines of inputs that were done before. */
  readonly doneBefore: number;
  readonly #done: UrlCounts;
  readonly #stream: ReturnType<FileHandle["createWriteStream"]>;

  private constructor(handle: FileHandle, path: string, kept: Kept | undefined) {
    this.#stream = handle.createWriteStream();
    this.output = new Output(this.#stream, {}, path);
    this.#done = kept?.done ?? new UrlCounts();
    this.doneBefore = kept?.lines ?? 0;
  }

  /** Throws `UsageProblem` for a file that cannot be used, or that has something in it that nobody said what to do with. */
  static async open({ path, resume, overwrite }: ResultPlace): Promise<ResultFile> {
    try {
      const found = await statOf(path);
      if (resume && found !== undefined) {
        if (!found.isFile()) throw new UsageProblem(`Cannot go on with ${path}: it is no regular file`);
        return await goOn(await realpath(path), found);
      }
      if (found?.isFile() && found.size > 0 && !overwrite) {
        throw new UsageProblem(
          `Cannot write to ${path}: it is not empty; --resume goes on with it, --overwrite replaces it`,
        );
      }
      return new ResultFile(await open(path, "w"), path, undefined);
    } catch (error) {
      if (error instanceof UsageProblem) throw error;
      throw fileProblem("write to", path, error);
    }

    async function goOn(real: string, stats: Stats): Promise<ResultFile> {
      const kept = await keptOf(real);
      const file = await cutTo(real, kept, stats);
      return new ResultFile(file, path, kept);
    }
  }

  /** Whether a line for `url` is there from before. As often as there are such lines: an input may name a URL several times. */
  takeDone(url: string): boolean {
    return this.#done.take(url);
  }

  /** Resolves when all is written. Rejects with what went wrong with the file. */
  async close(): Promise<void> {
    if (!this.#stream.closed) {
      await new Promise<void>((resolve) => {
        this.#stream.once("close", resolve);
        this.#stream.end();
      });
    }
    this.output.check();
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function keptOf(path: string): Promise<Kept> {
  const done = new UrlCounts();
  let lines = 0;
  let size = 0;
  let inOnePiece = true;
  for await (const { url, start, end } of doneLines(path)) {
    done.add(url);
    lines += 1;
    inOnePiece &&= start === size;
    size += end - start;
  }
  return { done, lines, size, inOnePiece };
}

async function* doneLines(path: string): AsyncGenerator<ResultLine, void, undefined> {
  const handle = await open(path, "r");
  for await (const line of scanResults(handle.createReadStream(), path)) if (line.ok) yield line;
}

/** The file with nothing but what is kept in it, open at its end. Until it is that, the file is as it was. */
async function cutTo(path: string, kept: Kept, { mode }: Stats): Promise<FileHandle> {
  if (kept.inOnePiece) await truncate(path, kept.size);
  else await rewrite(path, mode);
  return open(path, "a");
}

/** Copies what is kept to a file beside it, which then takes its place. */
async function rewrite(path: string, mode: number): Promise<void> {
  const beside = `${path}.${randomUUID()}.part`;
  const from = await open(path, "r");
  try {
    const to = await open(beside, "wx", mode & 0o777);
    try {
      const copier = new Copier(from, to);
      for await (const { start, end } of doneLines(path)) await copier.add(start, end);
      await copier.flush();
      await to.sync();
    } finally {
      await to.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    await from.close();
  }
}

/** Copies ranges of a file to the end of another one; what lies next to each other goes at once. */
class Copier {
  readonly #from: FileHandle;
  readonly #to: FileHandle;
  readonly #buffer = Buffer.alloc(COPY_BYTES);
  #start = 0;
  #end = 0;

  constructor(from: FileHandle, to: FileHandle) {
    this.#from = from;
    this.#to = to;
  }

  async add(start: number, end: number): Promise<void> {
    if (start !== this.#end || end - this.#start > COPY_BYTES) {
      await this.flush();
      this.#start = start;
    }
    this.#end = end;
  }

  async flush(): Promise<void> {
    while (this.#start < this.#end) {
      const length = Math.min(this.#buffer.length, this.#end - this.#start);
      const { bytesRead } = await this.#from.read(this.#buffer, 0, length, this.#start);
      if (bytesRead === 0) throw new Error("The file became shorter while it was read");
      await this.#to.writeFile(this.#buffer.subarray(0, bytesRead));
      this.#start += bytesRead;
    }
  }
}
