/**
 * From a file that was found to what is sent of it: its field lines, and the siblings that others have compressed beforehand. What was
 * made before, and is of the same version still, is used again.
 */

import { HttpHeaders } from "../../http/headers.js";
import type { FieldLines } from "../../http1/sinks.js";
import { findPlainFile, type Place } from "../../platform/folder.js";
import { isSameVersion } from "../../platform/open-file.js";
import type { Sibling, StaticFile } from "./file-cache.js";
import { mediaTypeOf } from "./media-types.js";
import { makeRepresentation, type Representation } from "./representation.js";
import type { ResolvedStaticOptions, SiblingCoding } from "./static-options.js";

/** A file, and in which role it is served: what is said of it besides follows from that. */
export interface FileRole {
  readonly place: Place;
  readonly name: string;
  /** It answers a path that is not its own for ever: a folder's, or any path as the fallback. */
  readonly standsIn: "index" | "fallback" | undefined;
  /** The path it is asked for, escaped, behind the prefix. */
  readonly rest: string;
}

const ENDINGS: Readonly<Record<SiblingCoding, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" };
/** Files copied together are written one after the other. */
const OLDER_BY_MS = 1_000;

/** Makes `role`'s file ready to be sent; undefined if it is gone by now. Rejects with the system's error, and 503 `static/unsteady`. */
export async function makeStaticFile(
  role: FileRole,
  options: ResolvedStaticOptions,
  nowMs: number,
  earlier: StaticFile | undefined,
): Promise<StaticFile | undefined> {
  const found = await findSiblings(role.place, options.precompressed);
  const fields = await fieldsOf(role, options, found.length > 0);
  const present = (place: Place, coding: string | undefined, before: Representation | undefined) =>
    before !== undefined && isSameVersion(before.version, place.version) && isSameLook(before, fields)
      ? before
      : makeRepresentation(place.path, { fields, coding, maxWholeBytes: options.memory.maxFileSize, nowMs });
  const original = await present(role.place, undefined, earlier?.original);
  if (original === undefined) return undefined;
  const siblings: Sibling[] = [];
  for (const { coding, place } of found) {
    const before = earlier?.siblings.find((sibling) => sibling.coding === coding)?.representation;
    const representation = await present(place, coding, before);
    if (representation !== undefined) siblings.push({ coding, representation });
  }
  return { original, siblings };
}

/** Smallest first. Never through a link: the sibling is to be what lies beside the file. */
async function findSiblings(
  original: Place,
  codings: readonly SiblingCoding[],
): Promise<{ readonly coding: SiblingCoding; readonly place: Place }[]> {
  if (codings.length === 0) return [];
  const looks = codings.map(async (coding) => ({
    coding,
    place: await findPlainFile(original.path + ENDINGS[coding]),
  }));
  const found: { coding: SiblingCoding; place: Place }[] = [];
  for (const { coding, place } of await Promise.all(looks)) {
    if (place !== undefined && isWorthSending(place, original)) found.push({ coding, place });
  }
  return found.sort((one, other) => one.place.version.size - other.place.version.size);
}

function isWorthSending({ version }: Place, original: Place): boolean {
  const { size, modifiedTime } = original.version;
  return version.size < size && version.modifiedTime + OLDER_BY_MS >= modifiedTime;
}

async function fieldsOf(
  { name, rest, standsIn }: FileRole,
  options: ResolvedStaticOptions,
  varies: boolean,
): Promise<FieldLines> {
  const headers = HttpHeaders.fromFields(options.fields);
  if (!headers.has("content-type")) headers.set("Content-Type", await mediaTypeOf(name, options.types));
  if (!headers.has("cache-control")) headers.set("Cache-Control", cacheControl(rest, standsIn, options));
  headers.set("X-Content-Type-Options", "nosniff");
  if (varies) headers.append("Vary", "Accept-Encoding");
  if (standsIn === "fallback") headers.append("Vary", "Accept, Sec-Fetch-Mode");
  return headers.raw;
}

function cacheControl(rest: string, standsIn: FileRole["standsIn"], options: ResolvedStaticOptions): string {
  // Whatever answers for a path of the application names the files that are immutable: it must be able to change.
  if (standsIn === "fallback") return "no-cache";
  return standsIn === undefined && options.immutable(rest) ? options.immutableControl : options.cacheControl;
}

/** Whether `before` was made with the same field lines: a sibling that came or went changes them. */
function isSameLook(before: Representation, fields: FieldLines): boolean {
  return (
    before.settled && before.madeOf.length === fields.length && fields.every((text, at) => before.madeOf[at] === text)
  );
}
