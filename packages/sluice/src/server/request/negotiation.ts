/**
 * Content negotiation for handlers (RFC 9110 §12): short names of media types, the 406 that says what there is, and `Vary`, which every
 * answer must have whose choice a request field had a say in (§12.5.5), the one without the field included.
 */

import { negotiateCharset, negotiateEncoding, negotiateLanguage, negotiateMediaType } from "../../http/accept.js";
import type { FieldLines } from "../../http1/sinks.js";
import { joinField } from "../field-lookup.js";
import { HttpError } from "../http-error.js";

/** The request fields by which a client says what it prefers. */
export type NegotiatedField = "Accept" | "Accept-Encoding" | "Accept-Language" | "Accept-Charset";

const SHORT_NAMES: Readonly<Record<string, string>> = {
  json: "application/json",
  html: "text/html",
  text: "text/plain",
  xml: "application/xml",
  form: "application/x-www-form-urlencoded",
  multipart: "multipart/*",
  csv: "text/csv",
  events: "text/event-stream",
  bytes: "application/octet-stream",
};

const NEGOTIATORS = {
  Accept: (value: string | undefined, offers: readonly string[]) => {
    const best = negotiateMediaType(value, offers.map(fullName));
    return best === undefined ? undefined : offers.find((offer) => fullName(offer) === best);
  },
  "Accept-Encoding": negotiateEncoding,
  "Accept-Language": negotiateLanguage,
  "Accept-Charset": negotiateCharset,
} as const;

/** Which of `offers` the client likes best by `field`; of equals the first. Undefined if it takes none. */
export function preferred<Offer extends string>(
  fields: FieldLines,
  field: NegotiatedField,
  offers: readonly Offer[],
): Offer | undefined {
  return NEGOTIATORS[field](joinField(fields, field.toLowerCase()), offers) as Offer | undefined;
}

/** 406 (RFC 9110 §15.5.7), with a list of what there is. */
export function notAcceptable(offers: readonly string[]): HttpError {
  const available = offers.map(fullName);
  const message = `There is no answer in a form that the client accepts, only ${available.join(", ")}`;
  return new HttpError(406, message, { code: "server/not-acceptable", details: { available } });
}

/**
 * The first of `types` that the media type `essence` is: `type/subtype`, a range of them (`image/*`), a suffix (`+json`, RFC 6839) or a short
 * name, of which `json` takes every JSON type. Undefined if none, or without a type.
 */
export function matchType<Type extends string>(essence: string | undefined, types: readonly Type[]): Type | undefined {
  return essence === undefined ? undefined : types.find((wanted) => isOfType(essence, wanted.toLowerCase()));
}

function isOfType(essence: string, wanted: string): boolean {
  if (wanted === "json") return /^(?:application|text)\/json$|\+json$/.test(essence);
  if (wanted.startsWith("+")) return essence.endsWith(wanted);
  const name = fullName(wanted);
  if (name === "*/*") return true;
  return name.endsWith("/*") ? essence.startsWith(name.slice(0, -1)) : essence === name;
}

/** `type/subtype` for a short name; anything else as it is, in lower case. */
function fullName(offer: string): string {
  const name = offer.toLowerCase();
  return Object.hasOwn(SHORT_NAMES, name) ? (SHORT_NAMES[name] ?? name) : name;
}
