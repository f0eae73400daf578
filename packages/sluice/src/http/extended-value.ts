/** Parameter values in another alphabet: `charset'language'percent-encoded` (RFC 8187 §3.2), as in `filename*` and `title*`. */

const FORM = /^([!#$%&+\-^_`{}~A-Za-z0-9]+)'([A-Za-z0-9-]*)'((?:[!#$&+\-.^_`|~A-Za-z0-9]|%[0-9A-Fa-f]{2})*)$/;

/** The value as text; undefined if it is malformed, or in another charset than UTF-8 and ISO-8859-1 (§3.2.1 asks for these). */
export function decodeExtendedValue(value: string): string | undefined {
  const [, charset, , encoded] = FORM.exec(value) ?? [];
  if (charset === undefined || encoded === undefined) return undefined;
  switch (charset.toLowerCase()) {
    case "utf-8":
      return decodeUtf8(encoded);
    case "iso-8859-1":
      return encoded.replace(/%(..)/g, (_escape, digits: string) => String.fromCharCode(Number(`0x${digits}`)));
    default:
      return undefined;
  }
}

function decodeUtf8(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
