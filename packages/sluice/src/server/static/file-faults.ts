/** What the file system refuses, as the answers it deserves. Paths of the server are never shown to a client. */

import { HttpError } from "../http-error.js";

/** The system's code to status and message; what is not here is the server's own fault, a 500. */
const FAULTS: ReadonlyMap<unknown, readonly [status: number, code: string, message: string]> = new Map([
  ["ENOENT", [404, "static/not-found", "There is nothing at this path"]],
  ["ENOTDIR", [404, "static/not-found", "There is nothing at this path"]],
  ["ELOOP", [404, "static/not-found", "There is nothing at this path"]],
  ["ENXIO", [404, "static/not-found", "There is nothing at this path"]],
  ["EISDIR", [404, "static/not-found", "There is nothing at this path"]],
  ["EACCES", [403, "static/forbidden", "The server may not read what is at this path"]],
  ["EPERM", [403, "static/forbidden", "The server may not read what is at this path"]],
  ["EMFILE", [503, "static/too-many-open", "The server has too many files open"]],
  ["ENFILE", [503, "static/too-many-open", "The server has too many files open"]],
]);

/** Of what passes by itself, and soon. */
const SOON = { "Retry-After": "1" };

/** 503 for a file that is another version at every look. */
export function unsteadyFile(): HttpError {
  const code = "static/unsteady";
  return new HttpError(503, "This file changes faster than it can be read", { code, headers: SOON, expose: true });
}

/** `error`, or the `HttpError` that says to a client what the system said to us. */
export function asFileFault(error: unknown): unknown {
  const fault = error instanceof Error && "code" in error ? FAULTS.get(error.code) : undefined;
  if (fault === undefined) return error;
  const [status, code, message] = fault;
  return new HttpError(status, message, { code, cause: error, expose: true, ...(status === 503 && { headers: SOON }) });
}
