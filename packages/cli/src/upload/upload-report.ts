/** What is told of an upload while it runs: a bar at the foot of a terminal, lines of JSON anywhere else. */
import type { UploadEvent, UploadProgress, UploadResult } from "sluice/transfer";
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
  #latest: UploadProgress | undefined;
  #painted = 0;
  #lineAt = Number.NEGATIVE_INFINITY;

  constructor(io: Io, name: string, { json, quiet }: { readonly json: boolean; readonly quiet: boolean }) {
    this.#io = io;
    this.#name = safeLine(name);
    this.#json = json || !io.stdout.isTerminal;
    this.#quiet = quiet;
  }

  /** The last that was told of. */
  get latest(): UploadProgress | undefined {
    return this.#latest;
  }

  readonly progress = (progress: UploadProgress): void => {
    this.#latest = progress;
    if (this.#quiet) return;
    if (!this.#json) {
      this.#paint(progress);
      return;
    }
    if (progress.elapsed - this.#lineAt < LINE_MS && progress.state !== "waiting") return;
    this.#lineAt = progress.elapsed;
    const { state, transferred, confirmed, total, rate, remaining, elapsed } = progress;
    this.#line({ type: "progress", state, transferred, confirmed, total, rate, remaining, elapsed });
  };

  readonly event = (event: UploadEvent): void => {
    if (this.#quiet) return;
    if (this.#json) {
      this.#line(event.type === "retry" ? { ...event, error: explained(event.error) } : event);
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

  failed(error: unknown): void {
    this.clear();
    if (this.#json && !this.#quiet) this.#line({ type: "failed", error: explained(error) });
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#painted === 0) return;
    this.#io.stderr.say(`\r${" ".repeat(this.#painted)}\r`);
    this.#painted = 0;
  }

  #paint(progress: UploadProgress): void {
    const { stderr } = this.#io;
    if (!stderr.repaints) return;
    // The last column stays free: many terminals go to the next line when it is written.
    const text = uploadLine(this.#name, progress, stderr.columns - 1);
    stderr.say(`\r${text}${" ".repeat(Math.max(0, this.#painted - text.length))}`);
    this.#painted = text.length;
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
