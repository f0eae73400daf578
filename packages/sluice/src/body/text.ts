/**
 * Bytes to text and to JSON. Text is decoded as the Encoding standard does it for web pages: malformed input becomes
 * U+FFFD, a byte order mark is dropped, and `latin1`, `iso-8859-1` and `us-ascii` mean windows-1252.
 */

import { PayloadError, UsageError } from "../errors.js";
import { findJsonError } from "./json-error.js";

const UTF8 = new TextDecoder("utf-8");
const UTF8_LABEL = /^utf-?8$/i;
/** Bytes 0x80 to 0x9F of windows-1252, where it differs from latin1; the five it leaves out stand for themselves. */
const WINDOWS_1252 =
  "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f" +
  "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178";

/**
 * Decodes a whole body. `charset` is a label of the Encoding standard, any case; undefined means UTF-8. Throws
 * `PayloadError` `body/unknown-charset` for a label that this Node.js does not know.
 */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string {
  if (charset === undefined || isUtf8Label(charset)) return UTF8.decode(bytes);
  return textDecoderFor(charset)(bytes, false);
}

/** Whether `charset` is a name of UTF-8. */
export function isUtf8Label(charset: string): boolean {
  return UTF8_LABEL.test(charset);
}

/** Decodes piece by piece; `more`: the text goes on, perhaps within a character. Throws as {@link decodeText} does. */
export function textDecoderFor(charset: string): (piece: Uint8Array, more: boolean) => string {
  const decoder = decoderFor(charset);
  if (decoder.encoding === "windows-1252") return decodeWindows1252;
  return (piece, more) => decoder.decode(piece, { stream: more });
}

/** By hand, because several versions of Node.js take windows-1252 for latin1. */
function decodeWindows1252(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return text.replace(/[\x80-\x9f]/g, (char) => WINDOWS_1252.charAt(char.charCodeAt(0) - 0x80));
}

/** Refuses an unknown encoding given by the caller: `UsageError` `options/unknown-encoding`. */
export function assertEncoding(encoding: string): void {
  try {
    decoderFor(encoding);
  } catch (error) {
    throw new UsageError("options/unknown-encoding", `Cannot decode as ${JSON.stringify(encoding)}: unknown encoding`, {
      cause: error,
    });
  }
}

/**
 * Parses JSON (RFC 8259), from UTF-8 whatever the message says (§8.1). Throws `PayloadError` `body/invalid-json` with
 * the position of the first offence, counted in characters from 0, and nothing of the content: it may be secret. `what`: what the
 * text is, for the message.
 */
export function parseJson(text: string, what = "the body"): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's own message quotes the text, so it is not passed on, not even as the cause.
    const position = findJsonError(text);
    const why = text.length === 0 ? `${what} is empty` : `syntax error at character ${position} of ${text.length}`;
    throw new PayloadError("body/invalid-json", `Cannot parse ${what} as JSON: ${why}`);
  }
}

/** {@link parseJson} by a parser of the user's own, whose words are passed on as the cause. */
export function parseJsonBy(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const message = "Cannot parse the body as JSON: parseJson failed, see the cause";
    throw new PayloadError("body/invalid-json", message, { cause: error });
  }
}

function decoderFor(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset.trim());
  } catch (error) {
    throw new PayloadError(
      "body/unknown-charset",
      `Cannot decode the body: unknown charset ${JSON.stringify(charset)}`,
      {
        cause: error,
      },
    );
  }
}
