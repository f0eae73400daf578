/**
 * Splits a body into lines of text. Malformed input becomes U+FFFD, a byte order mark at the start is dropped. Text in
 * another encoding than UTF-8 is turned into it first, so that there is one way to find a line.
 */

import { refuseUnknown } from "../../options.js";
import { assertEncoding, isUtf8Label, textDecoderFor } from "../text.js";
import { DEFAULT_MAX_LINE_BYTES, LineCutter } from "./line-cutter.js";
import type { Shaper } from "./shaper.js";

/** Options of `lines()`. */
export interface LinesOptions {
  /**
   * Longest line, in bytes of UTF-8, its end not counted; 1 or more, `Infinity` for no limit. A longer one ends the reading
   * with `PayloadError` `body/line-too-long`. @default 1_048_576
   */
  readonly maxLineBytes?: number;
  /**
   * What ends a line: `lf`: LF or CRLF, while a lone CR is an ordinary character; `any`: a lone CR as well. @default "lf"
   */
  readonly ends?: "lf" | "any";
  /**
   * A label of the Encoding standard. Throws `UsageError` `options/unknown-encoding`. @default the message's charset, else
   * UTF-8
   */
  readonly encoding?: string;
}

const KNOWN: ReadonlySet<string> = new Set<keyof LinesOptions>(["maxLineBytes", "ends", "encoding"]);

/** Gives one line after another, without their ends; a last line without an end counts if it is not empty. */
export class LineSplitter implements Shaper<string> {
  readonly #cutter: LineCutter;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #charset: string | undefined;
  #toUtf8: ((piece: Uint8Array, more: boolean) => Uint8Array) | undefined = undefined;
  #first = true;

  /** `charset`: what the message declares. Throws `UsageError` for options that cannot be. */
  constructor(options: LinesOptions, charset: string | undefined) {
    refuseUnknown("lines", options, KNOWN);
    const { maxLineBytes = DEFAULT_MAX_LINE_BYTES, ends = "lf", encoding } = options;
    if (encoding !== undefined) assertEncoding(encoding);
    this.#charset = encoding ?? charset;
    this.#cutter = new LineCutter(maxLineBytes, ends);
  }

  feed(piece: Uint8Array): void {
    if (this.#charset === undefined || isUtf8Label(this.#charset)) this.#cutter.feed(piece);
    else this.#cutter.feed(this.#transcode(this.#charset, piece, true));
  }

  take(): string | undefined {
    const line = this.#cutter.take();
    if (line === undefined) return undefined;
    const text = this.#decoder.decode(line);
    if (!this.#first) return text;
    this.#first = false;
    return text.startsWith("\uFEFF") ? text.slice(1) : text;
  }

  finish(): void {
    // An incomplete character at the very end becomes U+FFFD.
    if (this.#toUtf8 !== undefined) this.#cutter.feed(this.#toUtf8(new Uint8Array(0), false));
    this.#cutter.finish();
  }

  /** The first piece decides that there is something to decode: an unknown charset of an empty body harms nobody. */
  #transcode(charset: string, piece: Uint8Array, more: boolean): Uint8Array {
    if (this.#toUtf8 === undefined) {
      const decode = textDecoderFor(charset);
      this.#toUtf8 = (bytes, unfinished) => Buffer.from(decode(bytes, unfinished), "utf8");
    }
    return this.#toUtf8(piece, more);
  }
}
