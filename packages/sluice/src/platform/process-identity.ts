/**
 * Which process this is, told so that another one, later, can say whether it still runs. A process id alone does not: ids are used
 * again, and mean nothing on another machine, after a restart, or in another container.
 */

import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** What tells a process from every other. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, on whatever scale the system has; undefined where it does not say. */
  readonly startedAt: string | undefined;
  /** Where its id means something: machine, boot and id space. Ids are compared within one place only. */
  readonly place: string;
}

/** `gone` and `here` are certain; `unknown`: it is elsewhere, or nobody can tell one process of that id from another. */
export type ProcessState = "here" | "gone" | "unknown";

/** The field of /proc/…/stat that has the start time, counted behind the name in parentheses (proc(5): field 22). */
const START_TIME_FIELD = 19;

let own: ProcessIdentity | undefined;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, startedAt: startOf(process.pid), place: placeHere() };
  return own;
}

/** Whether the process that called itself this still runs, as far as can be told from here. */
export function stateOf({ pid, startedAt, place }: ProcessIdentity): ProcessState {
  if (place !== ownIdentity().place) return "unknown";
  if (!exists(pid)) return "gone";
  const now = startOf(pid);
  if (startedAt === undefined || now === undefined) return "unknown";
  return now === startedAt ? "here" : "gone";
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one, too.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function startOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name may have spaces and parentheses of its own: the last one closes it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "dead" : fields[START_TIME_FIELD];
}

function placeHere(): string {
  const boot = readIfThere("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
  return [hostname(), boot, linkIfThere("/proc/self/ns/pid")].join("|");
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // Not Linux, or no such process: there is nothing to be known, which is an answer.
    return undefined;
  }
}

function linkIfThere(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // As above.
    return "";
  }
}
