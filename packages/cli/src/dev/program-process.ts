/** The program in a process of its own: started, listened to, and ended for certain. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { sleep } from "sluice";
import { LIFELINE_FD, REPORT_FD, type Report } from "./child/report.js";

/** Milliseconds for what is still in the pipe when a program has ended. */
const LAST_WORDS_MS = 200;

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What to start and whom to tell. */
export interface ProgramStart {
  /** Node's arguments, the program among them. */
  readonly args: readonly string[];
  onReport(report: Report): void;
}

/** A running program. */
export class ProgramProcess {
  /** Resolves when it has ended. */
  readonly ended: Promise<ProgramEnd>;
  readonly #child: ChildProcess;
  #over = false;

  /** Starts it, with our own input and outputs. */
  constructor({ args, onReport }: ProgramStart) {
    const stdio: ("inherit" | "pipe")[] = ["inherit", "inherit", "inherit"];
    stdio[REPORT_FD] = "pipe";
    stdio[LIFELINE_FD] = "pipe";
    this.#child = spawn(process.execPath, args, { stdio });
    const lines = createInterface({ input: this.#child.stdio[REPORT_FD] as Readable });
    lines.on("line", (line) => onReport(JSON.parse(line) as Report));
    this.ended = this.#end(once(lines, "close"));
  }

  /** Tells it of a signal. */
  tell(signal: NodeJS.Signals): void {
    if (!this.#over) this.#child.kill(signal);
  }

  /** Tells it of one signal after the other, so far apart, until it is gone; undefined is no signal. Resolves when it is. */
  async end(signals: readonly (NodeJS.Signals | undefined)[], graceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const left = [...signals];
    const next = (): void => {
      const signal = left.shift();
      if (signal !== undefined) this.tell(signal);
      if (left.length > 0) timer = setTimeout(next, graceMs);
    };
    next();
    await this.ended;
    clearTimeout(timer);
  }

  /** What it said before it ended has been heard by then, unless a process that it left behind keeps the pipe open. */
  async #end(heard: Promise<unknown>): Promise<ProgramEnd> {
    const end = await new Promise<ProgramEnd>((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("exit", (code, signal) => resolve({ code, signal }));
    });
    this.#over = true;
    const enough = new AbortController();
    await Promise.race([heard, sleep(LAST_WORDS_MS, { signal: enough.signal })]);
    enough.abort();
    for (const fd of [REPORT_FD, LIFELINE_FD]) this.#child.stdio[fd]?.destroy();
    return end;
  }
}
