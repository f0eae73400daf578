/**
 * Reads a body that is many JSON texts: one for each line (NDJSON, JSON Lines), or each after a record separator (RFC 7464).
 * UTF-8 whatever the message says (RFC 8259 §8.1). Lines of nothing but whitespace are passed over.
 */

import { PayloadError } from "../../errors.js";
import { refuseUnknown } from "../../options.js";
import { parseJson } from "../text.js";
import { DEFAULT_MAX_LINE_BYTES, LineCutter } from "./line-cutter.js";
import type { Shaper } from "./shaper.js";

/** Options of `jsonLines()`. */
export interface JsonLinesOptions {
  /**
   * Longest line or record in bytes; 1 or more, `Infinity` for no limit. A longer one ends the reading with `PayloadError`
   * `body/line-too-long`. @default 1_048_576
   */
  readonly maxLineBytes?: number;
  /**
   * `lines`: one JSON text a line; `sequence`: RFC 7464, each text after a record separator.
   * @default "sequence" for `application/json-seq` and `…+json-seq`, else "lines"
   */
  readonly format?: "lines" | "sequence";
}

const KNOWN: ReadonlySet<string> = new Set<keyof JsonLinesOptions>(["maxLineBytes", "format"]);
const SEQUENCE_TYPE = /^\s*application\/(?:json-seq|[^;\s]*\+json-seq)\s*(?:;|$)/i;
/** A number or literal: cut short, it may be another one (RFC 7464 §2.4). */
const MAY_BE_CUT = /^[ \t\r\n]*[-0-9tfn]\S*$/;

/** Gives one value after another. Throws `PayloadError` `body/invalid-json`, which names the line. */
export class JsonLines<T = unknown> implements Shaper<T> {
  readonly #cutter: LineCutter;
  readonly #sequence: boolean;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #number = 0;

  /** `contentType`: what the message declares. Throws `UsageError` for options that cannot be. */
  constructor(options: JsonLinesOptions, contentType: string | undefined) {
    refuseUnknown("jsonLines", options, KNOWN);
    const { maxLineBytes = DEFAULT_MAX_LINE_BYTES, format } = options;
    this.#sequence = format === undefined ? SEQUENCE_TYPE.test(contentType ?? "") : format === "sequence";
    this.#cutter = new LineCutter(maxLineBytes, this.#sequence ? "rs" : "lf");
  }

  /** What the latest value is called in a message. */
  get place(): string {
    return `${this.#sequence ? "record" : "line"} ${this.#number}`;
  }

  feed(piece: Uint8Array): void {
    this.#cutter.feed(piece);
  }

  take(): T | undefined {
    for (let line = this.#cutter.take(); line !== undefined; line = this.#cutter.take()) {
      const text = this.#decode(line);
      // What stands before the first separator is no record.
      if (!this.#sequence || this.#number > 0 || text.trim() !== "") this.#number += 1;
      if (text.trim() !== "") return this.#parse(text);
    }
    return undefined;
  }

  finish(): void {
    this.#cutter.finish();
  }

  #decode(line: Uint8Array): string {
    const text = this.#decoder.decode(line);
    return this.#number === 0 && text.startsWith("\uFEFF") ? text.slice(1) : text;
  }

  #parse(text: string): T {
    if (this.#sequence && MAY_BE_CUT.test(text)) {
      throw new PayloadError("body/invalid-json", `Cannot parse ${this.place} as JSON: it was cut short`);
    }
    return parseJson(text, this.place) as T;
  }
}
