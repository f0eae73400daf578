/** Who learns of errors that clients are not shown. */

import type { ServerRequest } from "./request/server-request.js";

/** Told of an error and of the request it made fail; of none if it concerns the server, such as its accepting connections. */
export type ErrorListener = (error: unknown, request: ServerRequest | undefined) => void;

/** Causes shown of one error: a longer chain goes in a circle. */
const MAX_CAUSES = 8;

/** Writes the request (without its query) and the error with its stack and its causes'. */
export const reportToStandardError: ErrorListener = (error, request) => {
  const what = request === undefined ? "Server" : `${request.method} ${request.path} (request ${request.id})`;
  process.stderr.write(`${what} failed: ${causeChain(error)}\n`);
};

/** Tells `listener`; one that throws itself is reported on standard error, after what it should have taken note of. */
export function report(listener: ErrorListener, error: unknown, request: ServerRequest | undefined): void {
  try {
    listener(error, request);
  } catch (thrown) {
    reportToStandardError(error, request);
    process.stderr.write(`The onError listener failed as well: ${causeChain(thrown)}\n`);
  }
}

/** The error with its stack, and those of its causes. */
export function causeChain(error: unknown): string {
  const shown: string[] = [];
  for (let current = error; shown.length < MAX_CAUSES; current = current.cause) {
    shown.push(current instanceof Error ? (current.stack ?? current.message) : String(current));
    if (!(current instanceof Error) || current.cause === undefined) break;
  }
  return shown.join("\ncaused by ");
}
