/** Where a download goes: the file that was named, or one in the folder that was named, called as the server or the URL says. */

import { safeFilename } from "../../../body/multipart/safe-filename.js";
import type { ClientResponse } from "../../../client/response.js";
import { SluiceError, UsageError } from "../../../errors.js";
import { parseUrl } from "../../../http/parse-url.js";
import { codeOf, type DurableFiles } from "../../../platform/durable-files.js";
import { absolutePath, inFolder, namesFolder, realPath } from "../../../platform/paths.js";
import { diskError } from "../store/disk-errors.js";
import { type PartPaths, partPathsOf } from "../store/part-paths.js";

/** What was named: a file, or a folder for it. */
export type TargetPlace =
  | { readonly kind: "file"; readonly paths: PartPaths }
  | { readonly kind: "folder"; readonly folder: string };

/** A name for the file, and whether the server alone has chosen it. */
export interface ChosenName {
  readonly name: string;
  readonly byServer: boolean;
}

const ANYWHERE = new URL("http://localhost/");
const EXPECTED = "expected the path of a file or a folder, or a file: URL";
const FALLBACK_NAME = "download";
const OWN_ENDING = /\.part(?:\.json|\.lock)?$/i;

/** Throws `UsageError` `download/target` for what can be no file, `SluiceError` `download/not-writable` where its folder is not there. */
export async function placeOfTarget(target: string | URL, files: DurableFiles): Promise<TargetPlace> {
  const asked = pathOf(target);
  try {
    const path = await realPath(asked);
    const status = await files.status(path);
    if (status?.kind === "folder") return { kind: "folder", folder: path };
    if (status?.kind === "other") throw notAFile(asked, "it is neither a file nor a folder");
    if (namesFolder(target)) throw notAFile(asked, "there is no such folder");
    const paths = partPathsOf(path);
    if ((await files.status(paths.folder)) === undefined) throw noFolder(asked, paths.folder);
    return { kind: "file", paths };
  } catch (error) {
    throw placeError(asked, error);
  }
}

/** The file of that name in the folder. Throws `SluiceError` `download/exists` where `overwrite` is false and it is there. */
export async function fileIn(
  folder: string,
  { name, byServer }: ChosenName,
  { files, overwrite }: { readonly files: DurableFiles; readonly overwrite: boolean | undefined },
): Promise<PartPaths> {
  const path = inFolder(folder, name);
  await refuseExisting(path, files, overwrite ?? !byServer);
  // A link of that name is replaced itself: where it leads, nobody has asked us to write.
  return partPathsOf(path);
}

/** Throws `SluiceError` `download/exists` where the file is there and is not to be replaced. */
export async function refuseExisting(path: string, files: DurableFiles, overwrite: boolean): Promise<void> {
  const status = await files.status(path);
  if (status === undefined || (overwrite && status.kind === "file")) return;
  const message = `Cannot download to ${path}: it is there already; name another file, or say \`overwrite: true\``;
  throw new SluiceError("download/exists", message);
}

/** What the answer calls the file: `Content-Disposition` (RFC 6266), else the last part of its URL's path. */
export function nameFor(response: ClientResponse): ChosenName {
  const { filename } = response;
  if (filename !== undefined) return { name: fileName(filename), byServer: true };
  return { name: nameInUrl(response.url), byServer: response.redirected };
}

/** What the URL calls the file; a relative one is read as far as it goes. */
export function nameInUrl(url: string): string {
  const { pathname } = parseUrl(url, ANYWHERE) ?? ANYWHERE;
  const last = pathname.slice(pathname.lastIndexOf("/") + 1);
  return fileName(decoded(last));
}

/** A name that is safe, and none that an unfinished download has: its bytes and its record must come from nobody else. */
function fileName(given: string): string {
  const name = safeFilename(given, FALLBACK_NAME);
  return OWN_ENDING.test(name) ? `${name}_` : name;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Escapes that are none are characters like any others.
    return text;
  }
}

function noFolder(path: string, folder: string): SluiceError {
  const message = `Cannot download to ${path}: there is no folder ${folder}; make it first`;
  return new SluiceError("download/not-writable", message);
}

function pathOf(target: string | URL): string {
  try {
    if (target !== "") return absolutePath(target);
  } catch (cause) {
    throw new UsageError("download/target", `Cannot download to ${String(target)}: ${EXPECTED}`, { cause });
  }
  throw new UsageError("download/target", `Cannot download to an empty path: ${EXPECTED}`);
}

/** What looking at a place has failed with. */
function placeError(asked: string, error: unknown): SluiceError {
  const code = codeOf(error);
  if (code === "ENOTDIR") return notAFile(asked, "a part of the path is a file where a folder has to be");
  if (code === "ERR_INVALID_ARG_VALUE") return notAFile(asked, "there is a NUL character in it");
  if (code === "ENAMETOOLONG") return notAFile(asked, "its name is longer than the file system takes");
  return diskError("write", asked, error);
}

function notAFile(path: string, why: string): UsageError {
  return new UsageError("download/target", `Cannot download to ${path}: ${why}`);
}
