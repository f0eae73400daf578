/**
 * Text to URL, where a failure is an answer and not an exception.
 *
 * `URL.canParse` would do, but Node 20 answers wrongly once the call is optimised: it takes the bytes of a Latin-1 string
 * for UTF-8, so `canParse("http:/\u00c7\r\n\u00802")` is true and `new URL` of the same text throws.
 */

/** The URL as the WHATWG parser reads it, or undefined where it refuses. */
export function parseUrl(input: string, base?: URL): URL | undefined {
  try {
    return new URL(input, base);
  } catch {
    return undefined;
  }
}
