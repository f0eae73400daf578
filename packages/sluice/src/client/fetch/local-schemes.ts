/**
 * URLs that need no network: `data:` (Fetch §6, the data: URL processor) and `blob:` (File API §8.4), which
 * `URL.createObjectURL` makes. Every other scheme but http and https is a network error (Fetch §4.2).
 */
import { resolveObjectUrl } from "../../body/object-url.js";
import { InvalidUrlError } from "../../errors.js";
import { showUrl } from "../../http/redact.js";

/** What such a URL stands for. */
export interface LocalContent {
  readonly bytes: Uint8Array;
  /** `Content-Type`; blobs have a `Content-Length` too. */
  readonly fields: readonly string[];
  readonly statusText: string;
}

const FALLBACK_TYPE = "text/plain;charset=US-ASCII";

/** Throws `InvalidUrlError` where there is nothing behind `url`. */
export async function localContent(url: URL, method: string): Promise<LocalContent> {
  if (url.protocol === "data:") return dataContent(url);
  const blob = url.protocol === "blob:" ? resolveObjectUrl(url.href) : undefined;
  if (url.protocol !== "blob:") {
    throw new InvalidUrlError(
      "url/scheme",
      `Cannot fetch ${showUrl(url)}: its scheme must be http, https, data or blob`,
    );
  }
  if (blob === undefined || method !== "GET") {
    throw new InvalidUrlError("url/invalid", `Cannot ${method} a blob: URL, or there is no blob behind it (any more)`);
  }
  const fields = ["content-length", String(blob.size), "content-type", blob.type];
  return { bytes: new Uint8Array(await blob.arrayBuffer()), fields, statusText: "OK" };
}

function dataContent(url: URL): LocalContent {
  url.hash = "";
  const text = url.href.slice("data:".length);
  const comma = text.indexOf(",");
  if (comma === -1) throw new InvalidUrlError("url/invalid", "Cannot fetch a data: URL without a comma");
  let type = text.slice(0, comma).replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "");
  let bytes: Uint8Array = percentDecoded(text.slice(comma + 1));
  const base64 = /; *base64$/i.exec(type);
  if (base64 !== null) {
    bytes = base64Decoded(bytes);
    type = type.slice(0, base64.index);
  }
  if (type.startsWith(";")) type = `text/plain${type}`;
  return { bytes, fields: ["content-type", serialisedType(type)], statusText: "OK" };
}

/** As the platform writes a media type; what is none is plain text. */
function serialisedType(type: string): string {
  const serialised = new Blob([], { type }).type;
  const parsed = /^[!#$%&'*+\-.^_`|~0-9a-z]+\/[!#$%&'*+\-.^_`|~0-9a-z]+(?:[\t\n\r ]*;.*)?$/i.test(type);
  return parsed && serialised !== "" ? serialised : FALLBACK_TYPE;
}

function percentDecoded(text: string): Uint8Array {
  const bytes = Buffer.from(text, "utf8");
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const escaped = bytes[at] === 0x25 ? /^[0-9a-f]{2}/i.exec(bytes.toString("latin1", at + 1, at + 3)) : null;
    bytes[length] = escaped === null ? (bytes[at] ?? 0) : Number(`0x${escaped[0]}`);
    if (escaped !== null) at += 2;
    length += 1;
  }
  return bytes.subarray(0, length);
}

/** Forgiving-base64 decode (Infra §6): whitespace is passed over; `atob` has the rest of its rules. */
function base64Decoded(bytes: Uint8Array): Uint8Array {
  try {
    return Buffer.from(atob(Buffer.from(bytes).toString("latin1")), "latin1");
  } catch (error) {
    throw new InvalidUrlError("url/invalid", "Cannot fetch a data: URL whose base64 is broken", { cause: error });
  }
}
