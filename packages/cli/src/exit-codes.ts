/** What a command's end says to whoever started it. */

/** All went well. For `fetch`: every answer had a status below 400. */
export const EXIT_OK = 0;
/** Something failed: a request, an answer that was asked to be fine, a file that cannot be written. */
export const EXIT_FAILED = 1;
/** The command line asks for something that cannot be. */
export const EXIT_USAGE = 2;

/** Signals that ask a command to stop, and 128 plus their numbers, as shells report them. */
const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that commands answer by stopping cleanly. */
export type StopSignal = keyof typeof EXIT_BY_SIGNAL;

/** The exit code after having been stopped by `signal`. */
export function exitCodeFor(signal: StopSignal): number {
  return EXIT_BY_SIGNAL[signal];
}
