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
  /** The same on standard error, for what nobody waits for. */
  say(text: string): void;
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
    say: (text) => io.stderr.say(text),
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
    say: (text) => io.stderr.say(text),
    close: () => lines.close(),
    [Symbol.asyncIterator]: () => lines[Symbol.asyncIterator](),
  };
}

/**
 * Lines that are typed, from the first thing on that is written or said: before that there is no prompt. `interrupt` is called for Ctrl-C,
 * which the terminal does not make a signal of while lines are edited.
 */
export function typedInput(io: Io, interrupt: () => void): LineInput {
  const screen = new TypedLine(io.stdout);
  const lines = createInterface({
    input: io.stdin,
    output: screen,
    prompt: io.stdout.colours("faint", PROMPT),
    terminal: true,
    historySize: HISTORY,
  });
  let closed = false;
  const above = (write: () => void): void => {
    if (closed) {
      write();
      return;
    }
    const { rows } = lines.getCursorPos();
    io.stdout.say(toStart(rows));
    write();
    // To write the line anew, readline goes up by as many rows as the cursor was down the last time: it is told of what was typed since.
    screen.unseen(() => lines.prompt(true));
    io.stdout.say("\n".repeat(rows));
    lines.prompt(true);
  };
  lines.on("SIGINT", interrupt);
  lines.on("close", () => {
    closed = true;
    io.stdout.say(toStart(lines.getCursorPos().rows));
  });
  return {
    close: () => lines.close(),
    async write(text) {
      let written: Promise<void> | undefined;
      above(() => {
        written = io.stdout.write(text);
      });
      await written;
    },
    say: (text) => above(() => io.stderr.say(text)),
    async *[Symbol.asyncIterator]() {
      for await (const line of lines) {
        yield line;
        // The next one may have been begun meanwhile.
        above(() => undefined);
      }
    },
  };
}

/** Wipes out the typed line, with the cursor `rows` below its first row, and leaves the cursor where it began. */
function toStart(rows: number): string {
  return `${rows > 0 ? `\u001b[${rows}A` : ""}\r\u001b[J`;
}

/** What readline writes to. */
class TypedLine extends Writable {
  readonly #output: Output;
  #unseen = false;

  constructor(output: Output) {
    super();
    this.#output = output;
  }

  get columns(): number {
    return this.#output.columns;
  }

  /** What `draw` writes is not shown. */
  unseen(draw: () => void): void {
    this.#unseen = true;
    draw();
    this.#unseen = false;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#unseen) this.#output.say(chunk.toString("utf8"));
    done();
  }
}
