/**
 * Where lines come from: a pipe, or a person at a terminal, whose line stands at the foot of it, with history and editing, while
 * messages are written above.
 */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { Io } from "../terminal/io.js";
import type { Output } from "../terminal/output.js";

const PROMPT = "> ";
const HISTORY = 1_000;

/** Lines, and writing beside them. */
export interface LineInput extends AsyncIterable<string> {
  /** Writes above the line that is being typed. Resolves when there is room for more. */
  write(text: string): Promise<void>;
  /** Reads no more. */
  close(): void;
}

/** Whether a person is there to type. */
export function isInteractive({ stdin, stdout }: Io): boolean {
  return stdin.isTTY === true && stdout.isTerminal;
}

/** Nobody types anything. */
export function noInput(io: Io): LineInput {
  return {
    write: (text) => io.stdout.write(text),
    close: () => undefined,
    async *[Symbol.asyncIterator]() {
      // Not a line.
    },
  };
}

/** Lines of standard input. */
export function pipedInput(io: Io): LineInput {
  const lines = createInterface({ input: io.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  return {
    write: (text) => io.stdout.write(text),
    close: () => lines.close(),
    [Symbol.asyncIterator]: () => lines[Symbol.asyncIterator](),
  };
}

/** Lines that are typed. `stop` is called for Ctrl-C, which the terminal does not make a signal of while lines are edited. */
export function typedInput(io: Io, stop: () => void): LineInput {
  const lines = createInterface({
    input: io.stdin,
    output: asStream(io.stdout),
    prompt: io.stdout.colours("faint", PROMPT),
    terminal: true,
    historySize: HISTORY,
  });
  lines.on("SIGINT", stop);
  lines.prompt();
  let closed = false;
  lines.on("close", () => {
    closed = true;
  });
  return {
    close: () => lines.close(),
    async write(text) {
      // Back to the start of the typed line, which is written anew below.
      await io.stdout.write(`\r\u001b[J${text}`);
      if (!closed) lines.prompt(true);
    },
    async *[Symbol.asyncIterator]() {
      for await (const line of lines) {
        yield line;
        if (!closed) lines.prompt();
      }
    },
  };
}

/** What readline writes to. */
function asStream(output: Output): Writable & { readonly columns: number } {
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      output.say(chunk.toString("utf8"));
      done();
    },
  });
  return Object.defineProperty(stream, "columns", { get: () => output.columns }) as Writable & { columns: number };
}
