/** The jar that a command keeps in a file: read before, written after, by its owner only (mode 0600). */
import { open } from "node:fs/promises";
import { CookieJar } from "sluice";
import { fileProblem } from "../terminal/file-problem.js";
import type { Io } from "../terminal/io.js";
import { safeLine } from "../terminal/safe-text.js";
import { UsageProblem } from "../usage-problem.js";

type Format = "json" | "netscape";

/** A jar and its file. */
export class CookieFile {
  readonly jar: CookieJar;
  readonly #path: string;
  readonly #format: Format;

  private constructor(jar: CookieJar, path: string, format: Format) {
    this.jar = jar;
    this.#path = path;
    this.#format = format;
  }

  /** An empty jar where there is no such file, or nothing in it. Throws `UsageProblem` if it cannot be read, `UsageError` if it is something else. */
  static async open(path: string): Promise<CookieFile> {
    const beginning = await firstByte(path);
    if (beginning === undefined) {
      return new CookieFile(new CookieJar(), path, /\.txt$/i.test(path) ? "netscape" : "json");
    }
    return new CookieFile(await CookieJar.load(path), path, beginning === "{" ? "json" : "netscape");
  }

  /** Replaces the file as a whole, in the format it was in. Rejects with one line if it cannot be written. */
  async save(): Promise<void> {
    try {
      await this.jar.save(this.#path, { format: this.#format });
    } catch (error) {
      throw new Error(fileProblem("write", this.#path, error).message, { cause: error });
    }
  }
}

/**
 * Does `work` with the jar of the file at `path`, undefined for none, and saves it, also where the work fails; not where it was never
 * begun, because something else on the command line is wrong. What the work threw goes before what saving threw, which is then said on
 * standard error.
 */
export async function withJar(
  path: string | undefined,
  io: Pick<Io, "stderr">,
  work: (jar: CookieJar | undefined) => Promise<number>,
): Promise<number> {
  if (path === undefined) return work(undefined);
  const file = await CookieFile.open(path);
  let code: number;
  try {
    code = await work(file.jar);
  } catch (error) {
    if (!(error instanceof UsageProblem))
      await file.save().catch((unsaved: Error) => io.stderr.say(`sluice: ${safeLine(unsaved.message)}\n`));
    throw error;
  }
  await file.save();
  return code;
}

async function firstByte(path: string): Promise<string | undefined> {
  try {
    const handle = await open(path, "r");
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, 0);
      return bytesRead === 0 ? undefined : buffer.toString("latin1");
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileProblem("read", path, error);
  }
}
