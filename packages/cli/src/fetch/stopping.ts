/**
 * How a run ends before its inputs do. Asked to stop, it begins nothing new and lets what is under way finish for a while; then that is
 * broken off. A second signal does not wait at all.
 */
import { sleep } from "sluice";
import { exitCodeFor, type StopSignal } from "../exit-codes.js";
import type { Io } from "../terminal/io.js";
import type { InputSource } from "./input-source.js";
import { STOPPED } from "./job.js";

/** Milliseconds for what is under way when a first signal comes. */
const GRACE_MS = 5_000;

/** Told when the first signal comes. */
export type OnStopping = () => void;

/** The end of a run, and why. */
export class Stopping {
  readonly #source: InputSource;
  readonly #beginning = new AbortController();
  readonly #running = new AbortController();
  readonly #over = new AbortController();
  #by: StopSignal | "failure" | undefined;

  constructor(source: InputSource) {
    this.#source = source;
  }

  /** Aborts, with the reason `STOPPED`, when nothing more is to be begun. */
  get beginning(): AbortSignal {
    return this.#beginning.signal;
  }

  /** Aborts, with the reason `STOPPED`, when what is under way is to be broken off. */
  get running(): AbortSignal {
    return this.#running.signal;
  }

  /** What stopped the run, if anything did. */
  get by(): StopSignal | "failure" | undefined {
    return this.#by;
  }

  /** Obeys signals until {@link end}. */
  listen(io: Io, onStopping: OnStopping): void {
    const forget = io.onStopSignal((signal) => {
      if (this.#by !== undefined) io.exit(exitCodeFor(signal));
      this.#by = signal;
      this.#beginNoMore();
      onStopping();
      void this.#breakOffLater();
    });
    this.#over.signal.addEventListener("abort", forget);
  }

  /** Stops because something failed: nothing is waited for. */
  fail(): void {
    this.#by ??= "failure";
    this.now();
  }

  /** Breaks off what is under way. */
  now(): void {
    this.#beginNoMore();
    this.#running.abort(STOPPED);
  }

  /** The run is over; signals mean what they meant before. */
  end(): void {
    this.#over.abort();
  }

  #beginNoMore(): void {
    this.#source.stop();
    this.#beginning.abort(STOPPED);
  }

  /** Never rejects: where the run ends before its grace does, there is nothing left to break off. */
  #breakOffLater(): Promise<void> {
    return sleep(GRACE_MS, { signal: this.#over.signal }).then(
      () => this.now(),
      () => undefined,
    );
  }
}
