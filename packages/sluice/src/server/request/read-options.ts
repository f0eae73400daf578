/** What the readers of a request's body can be told. */

import type { MultipartLimits } from "../../body/multipart/multipart-limits.js";
import type { FieldValuesOptions } from "./field-values.js";

/** How much a reader takes in. */
export interface ReadOptions {
  /** Most bytes of this body; beyond it 413. `Infinity` for no limit. @default the application's `maxBodySize` */
  readonly maxSize?: number;
}

/** How `json()` reads. */
export interface ReadJsonOptions extends ReadOptions {
  /** Whether another media type than JSON, or none, is refused with 415. @default true */
  readonly strict?: boolean;
}

/** How `form()` reads. */
export interface ReadFormOptions extends ReadOptions {
  /** Most fields; beyond it 400. `Infinity` for no limit. @default 1_000 */
  readonly maxFields?: number;
}

/** How `multipart()` reads: its limits, of which those on one part count as it arrives. Beyond any of them 413. */
export interface ReadMultipartOptions extends ReadOptions, Partial<Omit<MultipartLimits, "maxTotalBytes">> {}

/** How `formData()` reads. */
export interface ReadFormDataOptions extends ReadMultipartOptions {
  /**
   * Bytes of files kept in memory, all files of the form together; a file with which they would be more is written to temporary
   * storage. 0 or more; `Infinity`: never written. `UsageError` `options/out-of-range`.
   *
   * @default 1_048_576 (1 MiB)
   */
  readonly maxMemory?: number;
  /**
   * The folder in which temporary storage is made. On the file system where uploads end up, saving them costs nothing.
   *
   * @default the system's folder for temporary files
   */
  readonly temporaryFolder?: string;
}

/** How `form(schema)` reads, and what it shows the schema. */
export interface ReadValidFormOptions extends ReadFormDataOptions, FieldValuesOptions {}
