/**
 * A form received whole: fields as text, files in memory as long as all of them together are small, the rest in temporary storage. What
 * it holds in memory is bounded by `maxFieldMemory` and `maxMemory`, however large the form may be.
 */

import { Collector } from "../../body/collect.js";
import type { MultipartPart } from "../../body/multipart/multipart-part.js";
import type { TemporaryFile, TemporaryFiles } from "../../platform/temporary-files.js";
import { HttpError } from "../http-error.js";
import { badRequest } from "./body-faults.js";
import { type FormEntry, RequestForm } from "./request-form.js";
import { UploadedFile, type UploadPlace } from "./uploaded-file.js";

/** Where a form goes. */
export interface FormStorage {
  /** Bytes of fields, all together: they are always in memory. */
  readonly maxFieldMemory: number;
  /** Bytes of files kept in memory, all together. */
  readonly maxMemory: number;
  readonly temporary: TemporaryFiles;
}

const FIELD_TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NO_LIMIT = Number.POSITIVE_INFINITY;

/**
 * Takes in all of `parts`. Throws what the parts throw, and `HttpError` 400: `multipart/no-name` for a part without a name,
 * `server/malformed-text` for a field that is not UTF-8. Then nothing is left in temporary storage.
 */
export async function collectForm(parts: AsyncIterable<MultipartPart>, storage: FormStorage): Promise<RequestForm> {
  const entries: FormEntry[] = [];
  let memoryLeft = storage.maxMemory;
  let fieldBytes = 0;
  try {
    for await (const part of parts) {
      const { name, filename } = part;
      if (name === undefined) throw badRequest("multipart/no-name", "A part of the form has no name", undefined);
      if (filename === undefined) {
        const bytes = await part.bytes();
        fieldBytes += bytes.byteLength;
        if (fieldBytes > storage.maxFieldMemory) throw fieldsTooLarge(storage.maxFieldMemory);
        entries.push([name, textOf(bytes)]);
        continue;
      }
      const { size, place } = await receive(part, memoryLeft, storage.temporary);
      if (place.kind === "memory") memoryLeft -= size;
      const type = part.type ?? "text/plain";
      entries.push([
        name,
        new UploadedFile({ name, sentFilename: filename, type, headers: part.headers }, size, place),
      ]);
    }
    return new RequestForm(entries);
  } catch (error) {
    await storage.temporary.removeAll();
    throw error;
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return FIELD_TEXT.decode(bytes);
  } catch (cause) {
    throw badRequest("server/malformed-text", "A field of the form is not valid utf-8", cause);
  }
}

function fieldsTooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `The fields of the form have more than ${maxBytes} bytes`, {
    code: "server/body-too-large",
  });
}

/** Takes in one file; from the piece on with which it would pass `memoryLeft` it is written to a temporary file. */
async function receive(
  part: MultipartPart,
  memoryLeft: number,
  temporary: TemporaryFiles,
): Promise<{ size: number; place: UploadPlace }> {
  const held = new Collector(NO_LIMIT, undefined);
  let size = 0;
  let file: TemporaryFile | undefined;
  try {
    for await (const piece of part) {
      size += piece.byteLength;
      if (file === undefined && size <= memoryLeft) {
        held.add(piece, true);
        continue;
      }
      if (file === undefined) {
        file = await temporary.create();
        await file.write(held.take());
      }
      await file.write(piece);
    }
  } finally {
    await file?.close();
  }
  if (file !== undefined) return { size, place: { kind: "temporary", path: file.path } };
  return { size, place: { kind: "memory", bytes: held.take() } };
}
