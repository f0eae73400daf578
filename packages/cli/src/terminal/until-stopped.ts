/** How a command ends that sends: a signal stops what it does, a second one does not wait for that. */
import { EXIT_OK, exitCodeFor, type StopSignal } from "../exit-codes.js";
import type { Io } from "./io.js";
import { OutputClosed } from "./output.js";

/** `work`'s exit code, or that of the signal that aborted it. A reader of the output who has gone has seen enough, which is no failure. */
export async function untilStopped(io: Io, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  let stopped: StopSignal | undefined;
  const forget = io.onStopSignal((signal) => {
    if (stopped !== undefined) io.exit(exitCodeFor(signal));
    stopped = signal;
    controller.abort();
  });
  try {
    const code = await work(controller.signal);
    return stopped === undefined ? code : exitCodeFor(stopped);
  } catch (error) {
    if (stopped !== undefined) return exitCodeFor(stopped);
    if (error instanceof OutputClosed) return EXIT_OK;
    throw error;
  } finally {
    forget();
  }
}
