/** Which of the modules that a program asks for are files that somebody edits, and telling of each of them once. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { tell } from "./report.js";
import { stampOf } from "./stamp.js";

const told = new Set<string>();

/** Tells of a module's URL, if it is a file outside `node_modules`. */
export function tellUrl(url: string): void {
  // A loader may hang its own notes on the path.
  if (url.startsWith("file:")) tellPath(fileURLToPath(url.replace(/[?#].*$/, "")));
}

/** Tells of a file, if it is not in `node_modules`. */
export function tellPath(path: string): void {
  if (told.has(path) || path.includes("/node_modules/")) return;
  told.add(path);
  tell({ kind: "file", path, stamp: stampOf(path) });
}

/** Tells where a module was looked for in vain: it may come to be there. */
export function tellMissing(specifier: string, parentUrl: string | undefined): void {
  if (!/^(?:\.{0,2}\/|file:)/.test(specifier)) return;
  const base = parentUrl?.startsWith("file:") ? parentUrl : pathToFileURL(`${process.cwd()}/`).href;
  tellUrl(new URL(specifier, base).href);
}
