/** What unfinished uploads have been promised of the disk, all of them together, so that no number of them fills it. */

import { HttpError } from "../http-error.js";
import type { UploadLimits } from "./uploads-options.js";

/** See the head of this file. */
export class UploadAccounts {
  readonly #limits: Readonly<UploadLimits>;
  /** Bytes by upload. */
  readonly #promised = new Map<string, number>();
  #totalBytes = 0;

  constructor(limits: Readonly<UploadLimits>) {
    this.#limits = limits;
  }

  get unfinished(): number {
    return this.#promised.size;
  }

  /** Takes in an upload that was there before, whatever the limits say. */
  restore(id: string, bytes: number): void {
    this.release(id);
    this.#promised.set(id, bytes);
    this.#totalBytes += bytes;
  }

  /** Promises a new upload its bytes. `HttpError` 503 `upload/too-many`, 507 `upload/no-space`. */
  open(id: string, bytes: number): void {
    if (this.unfinished >= this.#limits.maxUnfinished) {
      const message = `Cannot begin another upload: ${this.unfinished} are unfinished, and no more may be`;
      throw new HttpError(503, message, {
        code: "upload/too-many",
        expose: true,
        report: false,
        headers: { "Retry-After": "60" },
      });
    }
    if (bytes > this.roomBeyond(id)) throw noRoom(`for ${bytes} bytes`);
    this.restore(id, bytes);
  }

  /** Bytes that an upload could be promised beside what the others are. */
  roomBeyond(id: string): number {
    return this.#limits.maxTotalBytes - this.#totalBytes + (this.#promised.get(id) ?? 0);
  }

  /** The upload is complete, or gone. */
  release(id: string): void {
    this.#totalBytes -= this.#promised.get(id) ?? 0;
    this.#promised.delete(id);
  }
}

/** There is no place for it. */
export function noRoom(what: string): HttpError {
  return new HttpError(507, `Cannot keep the upload: there is no room ${what}`, {
    code: "upload/no-space",
    expose: true,
  });
}
