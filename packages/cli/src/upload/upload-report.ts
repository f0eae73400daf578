/** What is told of an upload while it runs: a bar at the foot of a terminal, lines of JSON anywhere else. */
import type { UploadEvent, UploadProgress, UploadResult } from "sluice/transfer";
import { Bars } from "../terminal/bars.js";
import { explain } from "../terminal/explain.js";
import type { Io } from "../terminal/io.js";
import { showBytes, showDuration } from "../terminal/quantities.js";
import { safeLine } from "../terminal/safe-text.js";
import { uploadLine } from "./upload-line.js";

/** Between two lines of JSON that tell progress. */
const LINE_MS = 1_000;

/** See the head of this file. */
export class UploadReport {
  readonly #io: Io;
  readonly #name: string;
  readonly #json: boolean;
  readonly #quiet: boolean;
  readonly #bars: Bars;
  #latest: UploadProgress | undefined;
  #begun = false;
  #lineAt = Number.NEGATIVE_INFINITY;

  constructor(io: Io, name: string, { json, quiet }: { readonly json: boolean; readonly quiet: boolean }) {
    this.#io = io;
    this.#name = safeLine(name);
    this.#json = json || !io.stdout.isTerminal;
    this.#quiet = quiet;
    this.#bars = new Bars(io.stderr, (width) => this.#lines(width));
  }

  /** Whether the server has an upload that can be gone on with. */
  get begun(): boolean {
    return this.#begun;
  }

  readonly progress = (progress: UploadProgress): void => {
    this.#latest = progress;
    if (this.#quiet) return;
    if (!this.#json) {
      this.#bars.paint();
      return;
    }
    if (progress.elapsed - this.#lineAt < LINE_MS && progress.state !== "waiting") return;
    this.#lineAt = progress.elapsed;
    const { state, transferred, confirmed, total, rate, remaining, elapsed } = progress;
    const left = remaining === undefined ? undefined : Math.round(remaining);
    const times = { rate: Math.round(rate), remaining: left, elapsed: Math.round(elapsed) };
    this.#line({ type: "progress", state, transferred, confirmed, total, ...times });
  };

  readonly event = (event: UploadEvent): void => {
    if (event.type === "created" || event.type === "resumed") this.#begun = true;
    if (this.#quiet) return;
    if (this.#json) {
      const retry = event.type === "retry" ? { wait: Math.round(event.wait), error: explained(event.error) } : {};
      this.#line({ ...event, ...retry });
      return;
    }
    this.clear();
    if (event.type === "resumed" && event.bytes > 0) this.#note(`Going on at ${showBytes(event.bytes)}`);
    else if (event.type === "restarted") this.#note(`Beginning anew: ${safeLine(event.detail)}`);
    else if (event.type === "retry") {
      this.#note(`${explain(event.error).message}; next try in ${showDuration(event.wait)}`);
    }
  };

  done(result: UploadResult): void {
    this.clear();
    if (this.#quiet) return;
    if (this.#json) {
      this.#line({ type: "done", ...result });
      return;
    }
    const elapsed = this.#latest?.elapsed ?? 0;
    const earlier = result.resumedBytes > 0 ? `, ${showBytes(result.resumedBytes)} of them before` : "";
    this.#io.stdout.say(`${this.#name}  ${showBytes(result.size)}${earlier} in ${showDuration(elapsed)}\n`);
    this.#io.stdout.say(`  ${this.#io.stdout.colours("name", safeLine(result.url))}\n`);
  }

  /** `undefined`: it was stopped. */
  failed(error: unknown): void {
    this.clear();
    if (error !== undefined && this.#json && !this.#quiet) this.#line({ type: "failed", error: explained(error) });
  }

  /** Takes the bar away. */
  clear(): void {
    this.#bars.clear();
  }

  #lines(width: number): string[] {
    return this.#latest === undefined ? [] : [uploadLine(this.#name, this.#latest, width)];
  }

  #note(text: string): void {
    this.#io.stderr.say(`${text}\n`);
  }

  #line(value: unknown): void {
    this.#io.stdout.say(`${JSON.stringify(value)}\n`);
  }
}

function explained(error: unknown): { readonly code: string; readonly message: string } {
  const { code, message } = explain(error);
  return { code, message };
}
