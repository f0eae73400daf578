/**
 * How the program's process tells the command what it does: JSON lines on a pipe of its own. They are written at once and from whatever
 * thread, so that nothing is lost when a program ends the moment it begins.
 */
import { writeSync } from "node:fs";

/** The pipe that reports are written to. */
export const REPORT_FD = 3;
/** A pipe on which nothing is ever said: it closes when the command is gone, however it went. */
export const LIFELINE_FD = 4;

/** One thing that happened. */
export type Report =
  /** A file is about to be loaded, and this is the stamp of what will be read. */
  | { readonly kind: "file"; readonly path: string; readonly stamp: string }
  /** The program's modules have run. */
  | { readonly kind: "loaded" }
  /** The program could not be loaded; `code` is Node's, where it has one. */
  | { readonly kind: "failed"; readonly code: string | undefined }
  /** What the program exports is being served. */
  | { readonly kind: "listening"; readonly url: string };

/** Tells it; with nobody to tell, nothing happens, because the process is about to end. */
export function tell(report: Report): void {
  try {
    writeSync(REPORT_FD, `${JSON.stringify(report)}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}
