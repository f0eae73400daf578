/** Paths of files, taken apart and put together as the system writes them. */

import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** A path as one string, absolute; a `file:` URL is read. Throws Node's own error for another URL. */
export function absolutePath(path: string | URL): string {
  return resolve(typeof path === "string" ? path : fileURLToPath(path));
}

/** Whether it is written as that of a folder: with a separator at its end. */
export function namesFolder(path: string | URL): boolean {
  const text = typeof path === "string" ? path : path.pathname;
  return text.endsWith("/") || text.endsWith(sep);
}

/** The folder that a path lies in. */
export function folderOf(path: string): string {
  return dirname(path);
}

/** The last name of a path. */
export function nameOf(path: string): string {
  return basename(path);
}

/** The beginning of a name, whole characters that take at most so many bytes: with an ending, file systems still take it. */
export function beginningOf(name: string, mostBytes: number): string {
  if (Buffer.byteLength(name) <= mostBytes) return name;
  let [kept, room] = ["", mostBytes];
  for (const character of name) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    kept += character;
  }
  return kept;
}

/** A name in a folder. */
export function inFolder(folder: string, name: string): string {
  return join(folder, name);
}

/** Where links lead, so that a file is replaced and not a link to it; what is not there, as it is. */
export async function realPath(path: string): Promise<string> {
  try {
    await lstat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return path;
    throw error;
  }
  return await realpath(path);
}
