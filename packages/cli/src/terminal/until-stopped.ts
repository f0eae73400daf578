/** How a command ends that sends: a signal stops what it does, a second one does not wait for that. */
import { EXIT_OK, exitCodeFor, type StopSignal } from "../exit-codes.js";
import type { Io } from "./io.js";
import { OutputClosed } from "./output.js";

/** What is aborted when a signal has come, and what to call where the terminal makes a character of one. */
type Work = (signal: AbortSignal, stop: (signal: StopSignal) => void) => Promise<number>;

/** `work`'s exit code, or that of the signal that aborted it. A reader of the output who has gone has seen enough, which is no failure. */
export async function untilStopped(io: Io, work: Work): Promise<number> {
  const controller = new AbortController();
  let stopped: StopSignal | undefined;
  const stop = (signal: StopSignal): void => {
    if (stopped !== undefined) io.exit(exitCodeFor(signal));
    stopped = signal;
    controller.abort();
  };
  const forget = io.onStopSignal(stop);
  try {
    const code = await work(controller.signal, stop);
    return stopped === undefined ? code : exitCodeFor(stopped);
  } catch (error) {
    if (stopped !== undefined) return exitCodeFor(stopped);
    if (error instanceof OutputClosed) return EXIT_OK;
    throw error;
  } finally {
    forget();
  }
}
