/** Media types whose content becomes smaller: text in all its forms, and the few others that are not compressed in themselves. */

import { parseMediaType } from "../../../http/media-type.js";

/** `text/css`, `text/*` or `*+json`. */
const PATTERN = /^(?:[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)|\*\+[a-z0-9-]+)$/;
const MOST_REMEMBERED = 64;
const LONGEST_REMEMBERED = 256;

/** Event streams are not among them: each would hold a compressor for as long as it lasts. */
export const DEFAULT_TYPES: readonly string[] = [
  ...["text/*", "*+json", "*+xml", "*+text", "*+yaml"],
  ...["application/json", "application/javascript", "application/ecmascript", "application/xml", "application/xml-dtd"],
  ...["application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-seq", "application/graphql"],
  ...["application/yaml", "application/toml", "application/x-www-form-urlencoded", "application/x-javascript"],
  ...["application/wasm", "application/rtf", "application/x-sh", "application/sql", "application/vnd.ms-fontobject"],
  ...["font/otf", "font/ttf", "font/collection", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon"],
];
/** Whatever matches a pattern as wide as `text/*`, it has to be named. */
const ONLY_BY_NAME: ReadonlySet<string> = new Set(["text/event-stream"]);

/** A list of types, asked by `Content-Type` values. */
export class CompressibleTypes {
  readonly #exact: ReadonlySet<string>;
  readonly #known = new Map<string, boolean>();

  constructor(types: readonly string[]) {
    this.#exact = new Set(types);
  }

  /** Whether a list may say so. */
  static isPattern(text: string): boolean {
    return PATTERN.test(text);
  }

  /** What is no media type is in no list. */
  has(contentType: string): boolean {
    const known = this.#known.get(contentType);
    if (known !== undefined) return known;
    const found = this.#find(contentType);
    if (contentType.length <= LONGEST_REMEMBERED && this.#known.size < MOST_REMEMBERED) {
      this.#known.set(contentType, found);
    }
    return found;
  }

  #find(contentType: string): boolean {
    const type = parseMediaType(contentType);
    if (type === undefined) return false;
    if (this.#exact.has(type.essence)) return true;
    if (ONLY_BY_NAME.has(type.essence)) return false;
    const plus = type.subtype.lastIndexOf("+");
    return this.#exact.has(`${type.type}/*`) || (plus !== -1 && this.#exact.has(`*${type.subtype.slice(plus)}`));
  }
}
