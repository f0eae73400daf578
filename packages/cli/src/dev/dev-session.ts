/** One `sluice dev`, from its start to the signal that ends it: the program's runs, one after the other and never two at once. */
import { relative } from "node:path";
import { isatty } from "node:tty";
import { EXIT_OK, type StopSignal } from "../exit-codes.js";
import type { Role } from "../terminal/colours.js";
import type { Io } from "../terminal/io.js";
import { safeLine } from "../terminal/safe-text.js";
import { withInstructions } from "./child/instructions.js";
import type { Report } from "./child/report.js";
import { INSTALL_TSX, NEEDS_COMPILING, UNKNOWN_EXTENSION } from "./node-arguments.js";
import { type ProgramEnd, ProgramProcess } from "./program-process.js";
import type { DevSettings } from "./settings.js";
import { WatchedFiles } from "./watched-files.js";

const PRELOAD = new URL("./child/preload.js", import.meta.url);
/** The cursor goes home, and everything is erased with what can be scrolled back to (ECMA-48 §8.3.21, §8.3.39). */
const CLEAR_SCREEN = "\u001b[H\u001b[2J\u001b[3J";
const STDIN_FD = 0;

type News =
  | { readonly kind: "changed"; readonly path: string }
  | { readonly kind: "ended"; readonly end: ProgramEnd }
  | { readonly kind: "stop"; readonly signal: StopSignal };

/** See the head of this file. */
export class DevSession {
  readonly #settings: DevSettings;
  readonly #nodeArgs: readonly string[];
  readonly #io: Io;
  readonly #files: WatchedFiles;
  /** Where news goes while somebody waits for it. */
  #onNews: (news: News) => void = () => undefined;
  #running: ProgramProcess | undefined;
  #stoppedBy: StopSignal | undefined;
  /** The application's port: what was free at the first start is kept. */
  #port: number | undefined;

  /** The paths in `settings` are where the files really are; `nodeArgs` are Node's options for the program. */
  constructor(settings: DevSettings, nodeArgs: readonly string[], io: Io) {
    this.#settings = settings;
    this.#nodeArgs = nodeArgs;
    this.#io = io;
    this.#port = settings.port;
    this.#files = new WatchedFiles({
      pollMs: settings.pollMs,
      onChange: (path) => this.#onNews({ kind: "changed", path }),
      onUnwatchable: (folder, error) => this.#say("bad", `${shown(folder)} is polled: ${error.message}`),
    });
  }

  /** Resolves to the exit code. */
  async run(): Promise<number> {
    const forget = this.#io.onStopSignal((signal) => this.#onSignal(signal));
    try {
      while (this.#stoppedBy === undefined) await this.#runOnce();
      return EXIT_OK;
    } finally {
      forget();
      this.#files.close();
    }
  }

  /** From a start to the end of what was started, and to the wish for another start. */
  async #runOnce(): Promise<void> {
    const program = this.#start();
    void program.ended.then((end) => {
      if (program === this.#running) this.#onNews({ kind: "ended", end });
    });
    let news = await this.#news();
    if (news.kind === "ended") {
      this.#sayEnded(news.end);
      if (news.end.code !== 0) this.#files.countStrangers();
      news = await this.#news();
    }
    if (news.kind === "changed") this.#say("notice", `${shown(news.path)} has changed, starting again`);
    await this.#end(program, news);
    this.#running = undefined;
  }

  #start(): ProgramProcess {
    const { program, args, host, graceMs, envFiles, watch, clear } = this.#settings;
    if (clear && this.#io.stderr.repaints) this.#io.stderr.say(CLEAR_SCREEN);
    this.#files.begin();
    for (const path of [program, ...envFiles]) this.#files.add(path);
    for (const path of watch) this.#files.addTree(path);
    const preload = withInstructions(PRELOAD, { parent: process.pid, program, port: this.#port, host, graceMs });
    const nodeArgs = [...this.#nodeArgs, "--import", preload, program, ...args];
    const running = new ProgramProcess({ args: nodeArgs, onReport: (report) => this.#hear(report) });
    this.#running = running;
    return running;
  }

  #news(): Promise<News> {
    return new Promise((resolve) => {
      this.#onNews = resolve;
    });
  }

  async #end(program: ProgramProcess, news: News): Promise<void> {
    let [first]: (NodeJS.Signals | undefined)[] = [news.kind === "stop" ? news.signal : "SIGTERM"];
    // Ctrl-C on a terminal reaches the program without our help, and to be told twice would be another wish: to end at once.
    if (first === "SIGINT" && isatty(STDIN_FD)) first = undefined;
    await program.end([first, "SIGTERM", "SIGKILL"], this.#settings.graceMs);
  }

  #onSignal(signal: StopSignal): void {
    if (this.#stoppedBy !== undefined) this.#running?.tell("SIGKILL");
    this.#stoppedBy ??= signal;
    this.#onNews({ kind: "stop", signal });
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case "file":
        this.#files.add(report.path, report.stamp);
        break;
      case "loaded":
        this.#files.complete();
        break;
      case "listening":
        this.#port = Number(new URL(report.url).port);
        this.#say("good", `listening at ${report.url}`);
        break;
      case "failed":
        this.#sayWhatHelps(report.code);
        break;
    }
  }

  #sayEnded({ code, signal }: ProgramEnd): void {
    const how = signal === null ? `has ended with exit code ${code}` : `was ended by ${signal}`;
    this.#say(code === 0 ? "notice" : "bad", `${shown(this.#settings.program)} ${how}, waiting for a change`);
  }

  #sayWhatHelps(code: string | undefined): void {
    if (code === NEEDS_COMPILING)
      this.#say("notice", `Node takes types away and compiles nothing: try --tsx (${INSTALL_TSX})`);
    if (code === UNKNOWN_EXTENSION) this.#say("notice", `This Node needs tsx for that: try --tsx (${INSTALL_TSX})`);
  }

  #say(role: Role, text: string): void {
    const { stderr } = this.#io;
    stderr.say(`${stderr.colours("faint", "sluice:")} ${stderr.colours(role, safeLine(text))}\n`);
  }
}

/** A path as short as it can be said. */
function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") ? path : short;
}
