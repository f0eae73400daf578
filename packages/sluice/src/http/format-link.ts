/** Writes `Link` field values (RFC 8288 §3): what {@link parseLinks} reads as the same link. */

import { areAllIn, FIELD_VALUE_CHARS, isToken } from "../bytes/char-tables.js";
import { UsageError } from "../errors.js";

/** A link to be sent. Parameters without a name here, such as `fetchpriority`, are sent as they are named. */
export interface LinkToSend {
  /** Where it leads: a URL, or a reference relative to the answer's own. */
  readonly target: string | URL;
  /** The relation: `preload`, `preconnect`, `next` … */
  readonly rel: string;
  /** What will be fetched: `style`, `script`, `font`, `image` … */
  readonly as?: string | undefined;
  /** Whether it is fetched with CORS, and how; fonts always are. */
  readonly crossorigin?: "anonymous" | "use-credentials" | undefined;
  readonly type?: string | undefined;
  readonly [parameter: string]: string | URL | undefined;
}

const NOT_IN_TARGETS = /[^!-~]|[<>"{}|\\^`]/gu;
const CONTROL = /\p{Cc}/u;

/** The value of one link. Throws `UsageError` `headers/link-invalid` for what a `Link` field cannot say. */
export function formatLink(link: LinkToSend): string {
  const { target, ...parameters } = link;
  const reference = String(target);
  if (CONTROL.test(reference)) throw linkInvalid("its target has control characters");
  if (typeof parameters.rel !== "string" || parameters.rel === "") throw linkInvalid("it has no rel");
  let text = `<${reference.replace(NOT_IN_TARGETS, encodeURIComponent)}>`;
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    if (!isToken(name)) throw linkInvalid(`its parameter ${JSON.stringify(name)} is not a token`);
    text += `; ${name}=${valueText(name, String(value))}`;
  }
  return text;
}

/** The value of a field with these links; those that are text are taken as they are. Throws as {@link formatLink} does. */
export function formatLinks(links: readonly (LinkToSend | string)[]): string {
  return links.map((link) => (typeof link === "string" ? link : formatLink(link))).join(", ");
}

function valueText(name: string, value: string): string {
  if (isToken(value)) return value;
  if (!areAllIn(FIELD_VALUE_CHARS, value)) throw linkInvalid(`${name} has a character that fields cannot carry`);
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function linkInvalid(why: string): UsageError {
  return new UsageError("headers/link-invalid", `Cannot send a link: ${why}`);
}
