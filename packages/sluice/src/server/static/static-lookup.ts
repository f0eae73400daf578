/** What a path behind the prefix leads to: a file, a folder to be redirected to or listed, or nothing. Only looks; reads nothing. */

import type { Folder, Place } from "../../platform/folder.js";
import type { ResolvedStaticOptions } from "./static-options.js";
import { type PathRules, readSegments } from "./static-path.js";

/** A file that a path leads to. */
export interface FoundFile {
  readonly kind: "file";
  readonly place: Place;
  /** What it is called where it was looked for: its ending says what it is. */
  readonly name: string;
  /** It answers for its folder. */
  readonly isIndex: boolean;
}

/** Where a path leads. `redirect`: to the same with a slash behind it. */
export type Found =
  | FoundFile
  | { readonly kind: "redirect" }
  | { readonly kind: "listing"; readonly segments: readonly string[] };

/** Looks for what is at `rest`: escaped, without the prefix and the slash behind it. Rejects with the system's error. */
export async function lookUp(
  folder: Folder,
  rest: string,
  rules: PathRules,
  options: Pick<ResolvedStaticOptions, "index" | "listing" | "extensions">,
): Promise<Found | undefined> {
  const segments = readSegments(rest, rules);
  if (segments === undefined) return undefined;
  const asFolder = rest === "" || rest.endsWith("/");
  const place = await folder.find(segments);
  if (place?.kind === "folder") {
    const paths = options.index.map((name) => [...segments, name]);
    const index = await firstFile(folder, paths, true);
    if (index === undefined && !options.listing) return undefined;
    return asFolder ? (index ?? { kind: "listing", segments }) : { kind: "redirect" };
  }
  // A file is no folder: what is behind its slash is not there.
  if (asFolder) return undefined;
  const name = segments.at(-1) ?? "";
  if (place !== undefined) return { kind: "file", place, name, isIndex: false };
  const above = segments.slice(0, -1);
  const paths = options.extensions.map((extension) => [...above, `${name}.${extension}`]);
  return firstFile(folder, paths, false);
}

async function firstFile(
  folder: Folder,
  paths: readonly (readonly string[])[],
  isIndex: boolean,
): Promise<FoundFile | undefined> {
  for (const path of paths) {
    const place = await folder.find(path);
    if (place?.kind === "file") return { kind: "file", place, name: path.at(-1) ?? "", isIndex };
  }
  return undefined;
}
