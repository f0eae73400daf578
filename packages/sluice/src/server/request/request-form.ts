/** A form as a whole, in whichever of the two encodings it came (RFC 7578, or `application/x-www-form-urlencoded`). */

import type { UploadedFile } from "./uploaded-file.js";

/** One name of a form with its value. */
export type FormEntry = readonly [name: string, value: string | UploadedFile];

/** The entries in the order in which they came; fields and files apart, too. */
export class RequestForm implements Iterable<FormEntry> {
  /** The fields that are text. */
  readonly fields: URLSearchParams;
  /** The files; a file input that was left empty is one of no bytes and no name, as browsers send it. */
  readonly files: readonly UploadedFile[];
  readonly #entries: readonly FormEntry[];

  constructor(entries: readonly FormEntry[]) {
    this.#entries = entries;
    this.fields = new URLSearchParams();
    const files: UploadedFile[] = [];
    for (const [name, value] of entries) {
      if (typeof value === "string") this.fields.append(name, value);
      else files.push(value);
    }
    this.files = files;
  }

  /** The first file of that name. */
  file(name: string): UploadedFile | undefined {
    return this.files.find((file) => file.name === name);
  }

  [Symbol.iterator](): IterableIterator<FormEntry> {
    return this.#entries[Symbol.iterator]();
  }
}
