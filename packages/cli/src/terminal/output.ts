/**
 * Standard output or error: writing with back-pressure, what kind of thing is at the other end, and its going away. A reader that has
 * had enough (`| head -1`) is no failure: whoever writes to it gets `OutputClosed` and ends quietly. Any other trouble, a full disk for
 * one, is thrown as it is.
 */
import { type Colours, coloursFor } from "./colours.js";
import { fileProblem } from "./file-problem.js";

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
/** Nobody reads on: the pipe is broken, or was closed before. */
const GONE: ReadonlySet<string> = new Set(["EPIPE", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END", "EOF"]);

/** Of a writable stream, what is needed here. */
export interface WritableLike {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(chunk: string | Uint8Array): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
  once(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
}

/** Whoever reads the output has gone. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** One of the process's outputs. */
export class Output {
  /** Whether a person looks at it. */
  readonly isTerminal: boolean;
  /** Whether a line may be painted over: a terminal that knows carriage returns. */
  readonly repaints: boolean;
  readonly colours: Colours;
  readonly #stream: WritableLike;
  #failure: Error | undefined;
  #onFailure: (() => void) | undefined;

  /** `name` is what a stream is called where it cannot be written to. */
  constructor(stream: WritableLike, env: Readonly<Record<string, string | undefined>>, name = "the output") {
    this.#stream = stream;
    this.isTerminal = stream.isTTY === true;
    this.repaints = this.isTerminal && env["TERM"] !== "dumb";
    this.colours = coloursFor(this.isTerminal, env);
    stream.on("error", (error) => {
      this.#failure ??= failureOf(error, name);
      this.#onFailure?.();
    });
  }

  /** Characters in a line of the terminal. */
  get columns(): number {
    const { columns } = this.#stream;
    return columns === undefined || columns < 1 ? DEFAULT_COLUMNS : columns;
  }

  /** Lines of the terminal. */
  get rows(): number {
    const { rows } = this.#stream;
    return rows === undefined || rows < 1 ? DEFAULT_ROWS : rows;
  }

  /** Writes, and resolves when there is room for more; one write at a time. Rejects with {@link OutputClosed}, or what else went wrong. */
  async write(chunk: string | Uint8Array): Promise<void> {
    this.check();
    if (this.#stream.write(chunk)) return;
    await this.#room();
    this.check();
  }

  /** Throws what went wrong, if anything has so far: what is written may fail later. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes what nobody waits for: progress, last words. Where it cannot be written it is lost. */
  say(text: string): void {
    if (this.#failure === undefined) this.#stream.write(text);
  }

  #room(): Promise<void> {
    const stream = this.#stream;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#onFailure = undefined;
        stream.off("drain", done);
        stream.off("close", done);
        resolve();
      };
      this.#onFailure = done;
      stream.once("drain", done);
      stream.once("close", done);
    });
  }
}

function failureOf(error: Error, name: string): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && GONE.has(code)) return new OutputClosed("The reader of the output has gone");
  return new Error(fileProblem("write", name, error).message, { cause: error });
}
