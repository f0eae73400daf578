/**
 * A multipart/form-data body (RFC 7578, RFC 2046 §5.1): the parts one after the other, each pulled from its own source when its
 * turn has come. Nothing is collected: what is in memory at a time is one piece of one part.
 */

import { UsageError } from "../../errors.js";
import type { Payload, PayloadTools } from "../payload.js";
import { type MultipartInput, preparedParts } from "./multipart-parts.js";
import { type DelimitedPart, MultipartReader } from "./multipart-reader.js";
import { WholePayload } from "./whole-payload.js";

/** Forms that are in memory already and have at most this many bytes leave in one piece with the head. */
const WHOLE_BYTES = 64 * 1024;

/**
 * A form as a payload. `boundary` has to be unguessable, so that no part can contain it, and of 1 to 70 characters that need no
 * quotes (RFC 2046 §5.1.1). Its length is known if that of each part is; it can be sent again if each part can.
 */
export function multipartPayload(input: MultipartInput, boundary: string, tools: PayloadTools): Payload {
  const parts = preparedParts(input, tools).map((part, at) => {
    const head = Buffer.from(`${at === 0 ? "" : "\r\n"}--${boundary}\r\n${part.fields}\r\n`, "utf8");
    return { ...part, head };
  });
  const tail = Buffer.from(`${parts.length === 0 ? "" : "\r\n"}--${boundary}--\r\n`, "latin1");
  const contentType = `multipart/form-data; boundary=${boundary}`;
  const payload = new MultipartPayload(parts, tail, contentType);
  return payload.inMemory() ?? payload;
}

class MultipartPayload implements Payload {
  readonly contentType: string;
  readonly length: number | undefined;
  readonly replayable: boolean;
  readonly whole = undefined;
  readonly ownsType = true;
  readonly #parts: readonly DelimitedPart[];
  readonly #tail: Uint8Array;
  #opened = false;

  constructor(parts: readonly DelimitedPart[], tail: Uint8Array, contentType: string) {
    this.#parts = parts;
    this.#tail = tail;
    this.contentType = contentType;
    this.replayable = parts.every((part) => part.payload.replayable);
    const known = parts.every((part) => part.length !== undefined);
    const sum = parts.reduce((total, part) => total + part.head.byteLength + (part.length ?? 0), tail.byteLength);
    this.length = known ? sum : undefined;
  }

  get untouched(): boolean {
    return !this.#opened;
  }

  /** The same in one piece, where it is small and in memory. */
  inMemory(): Payload | undefined {
    const { length } = this;
    if (length === undefined || length > WHOLE_BYTES) return undefined;
    const pieces: Uint8Array[] = [];
    for (const { head, payload } of this.#parts) {
      const { whole } = payload;
      if (whole === undefined) return undefined;
      pieces.push(head, typeof whole === "string" ? Buffer.from(whole, "utf8") : whole);
    }
    return new WholePayload(Buffer.concat([...pieces, this.#tail]), this.contentType, { ownsType: true });
  }

  open(): AsyncIterableIterator<Uint8Array, undefined> {
    if (this.#opened && !this.replayable) {
      throw new UsageError(
        "body/already-used",
        "Cannot send the form again: a part of it is a stream; give a function that makes it",
      );
    }
    this.#opened = true;
    return new MultipartReader(this.#parts, this.#tail);
  }

  discard(): void {
    for (const { payload } of this.#parts) payload.discard();
  }
}
