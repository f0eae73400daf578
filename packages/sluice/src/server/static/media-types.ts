/** The media type of a file by the ending of its name. The table is mrmime's, loaded with the first file that is served. */

import { formatMediaType, isTextType, parseMediaType } from "../../http/media-type.js";

/** Media types by the ending of a file's name: lower case, without the dot. */
export type TypesByEnding = ReadonlyMap<string, string>;

const UNKNOWN = "application/octet-stream";
const UTF_8 = [["charset", "utf-8"]] as const;
/** RFC 8259 §11, and the formats that say their charset themselves. */
const WITHOUT_CHARSET = /[/+](?:json|xml)$/;

let table: Promise<(ending: string) => string | undefined> | undefined;

/**
 * The `Content-Type` of a file called `name`: what `own` says of its ending, else what everybody says, with `charset=utf-8` for text;
 * `application/octet-stream` for what nobody knows.
 */
export async function mediaTypeOf(name: string, own: TypesByEnding): Promise<string> {
  const dot = name.lastIndexOf(".");
  const ending = dot === -1 ? "" : name.slice(dot + 1).toLowerCase();
  const given = own.get(ending);
  if (given !== undefined) return given;
  table ??= import("mrmime").then(({ lookup }) => lookup);
  const lookup = await table;
  const known = ending === "" ? undefined : lookup(ending);
  return known === undefined ? UNKNOWN : withCharset(known);
}

function withCharset(type: string): string {
  const parsed = parseMediaType(type);
  if (parsed === undefined || !isTextType(parsed) || WITHOUT_CHARSET.test(parsed.essence)) return type;
  return parsed.charset === undefined ? (formatMediaType(parsed.essence, UTF_8) ?? type) : type;
}
