/** The answer that a folder's path gets where no file answers for it: a list of what is in it. */

import { jsonPayload, toPayload } from "../../body/payload.js";
import { negotiateMediaType } from "../../http/accept.js";
import type { FieldLines } from "../../http1/sinks.js";
import type { Folder, FolderEntry } from "../../platform/folder.js";
import { joinField } from "../field-lookup.js";
import { HttpError } from "../http-error.js";
import { Reply } from "../reply.js";
import { type ListingOrder, listingPage, sortEntries } from "./listing-page.js";
import type { StaticRequest } from "./static-files.js";
import { isName, type PathRules } from "./static-path.js";

/** A folder with more is not for reading. */
const MOST_ENTRIES = 10_000;
const OFFERED = ["text/html", "application/json"] as const;
const SHARED: FieldLines = ["Cache-Control", "no-cache", "Vary", "Accept", "X-Content-Type-Options", "nosniff"];
const JSON_FIELDS: FieldLines = Object.freeze(["Content-Type", "application/json", ...SHARED]);
/** The page has its own style and nothing else, so it may do nothing else. */
const HTML_FIELDS: FieldLines = Object.freeze([
  ...["Content-Type", "text/html; charset=utf-8", ...SHARED],
  "Content-Security-Policy",
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
]);

/** A list of what is in the folder, as a page or as JSON. Rejects with the system's error, and 500 `static/listing-too-large`. */
export async function answerListing(
  { fields, query }: Pick<StaticRequest, "fields" | "query">,
  folder: Folder,
  segments: readonly string[],
  rules: PathRules,
): Promise<Reply> {
  const found = await folder.list(segments, MOST_ENTRIES);
  if (found === undefined) {
    const message = `This folder has more than ${MOST_ENTRIES} entries, too many to list`;
    throw new HttpError(500, message, { code: "static/listing-too-large", expose: true });
  }
  // What is shown can be asked for.
  const shown = found.filter(({ name }) => (rules.dotfiles || !name.startsWith(".")) && isName(name, rules, false));
  const order = orderFrom(query);
  const entries = sortEntries(shown, order);
  if (negotiateMediaType(joinField(fields, "accept"), OFFERED) === "application/json") {
    const path = `/${segments.map((segment) => `${segment}/`).join("")}`;
    return new Reply(200, JSON_FIELDS, jsonPayload({ path, entries: entries.map(asJson) }));
  }
  return new Reply(200, HTML_FIELDS, toPayload(listingPage(segments, entries, order)));
}

function asJson({ name, kind, size, modifiedTime }: FolderEntry): object {
  const modified = new Date(modifiedTime).toISOString();
  return kind === "folder" ? { name, kind, modified } : { name, kind, size, modified };
}

/** `sort=name|size|modified`, `-` before it for the other way round. */
function orderFrom(query: string): ListingOrder {
  const asked = new URLSearchParams(query).get("sort") ?? "";
  const descending = asked.startsWith("-");
  const by = descending ? asked.slice(1) : asked;
  return by === "size" || by === "modified"
    ? { by, descending }
    : { by: "name", descending: by === "name" && descending };
}
