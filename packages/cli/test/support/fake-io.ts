/** A command's surroundings, held in the hand: outputs that remember, a terminal where there is none, signals that never were. */
import { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import type { StopSignal } from "../../src/exit-codes.js";
import type { Io } from "../../src/terminal/io.js";
import { Output, type WritableLike } from "../../src/terminal/output.js";

export class FakeStream extends EventEmitter implements WritableLike {
  readonly isTTY: boolean;
  columns: number;
  readonly rows: number;
  /** What `write` returns: false is a full buffer. */
  room = true;
  readonly chunks: Buffer[] = [];
  /** Told of what is written, as it is. */
  onWrite: ((text: string) => void) | undefined = undefined;

  constructor({ isTTY = false, columns = 80, rows = 24 } = {}) {
    super();
    this.isTTY = isTTY;
    this.columns = columns;
    this.rows = rows;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString("utf8");
  }

  write(chunk: string | Uint8Array): boolean {
    const bytes = Buffer.from(chunk);
    this.chunks.push(bytes);
    this.onWrite?.(bytes.toString("utf8"));
    return this.room;
  }
}

export interface FakeIoOptions {
  /** Whether both outputs are terminals. */
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly env?: Record<string, string>;
  readonly stdin?: string;
}

export class FakeIo implements Io {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string>>;
  readonly out: FakeStream;
  readonly err: FakeStream;
  readonly exits: number[] = [];
  readonly #listeners = new Set<(signal: StopSignal) => void>();

  constructor({ terminal = false, columns = 80, env = {}, stdin = "" }: FakeIoOptions = {}) {
    this.out = new FakeStream({ isTTY: terminal, columns });
    this.err = new FakeStream({ isTTY: terminal, columns });
    this.stdout = new Output(this.out, env);
    this.stderr = new Output(this.err, env);
    this.env = env;
    this.stdin = Readable.from([Buffer.from(stdin)]);
  }

  readonly onStopSignal = (listener: (signal: StopSignal) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  exit(code: number): void {
    this.exits.push(code);
  }

  /** How many listen to signals. */
  get listening(): number {
    return this.#listeners.size;
  }

  signal(signal: StopSignal = "SIGINT"): void {
    for (const listener of [...this.#listeners]) listener(signal);
  }
}
