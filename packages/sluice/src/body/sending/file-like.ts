/**
 * Recognises Node's streams, file streams and file handles by their shape: files belong to another layer, and a stream
 * may come from another copy of the stream library.
 */

/** The part of Node's `Readable` that sending needs. */
export interface NodeReadableLike extends AsyncIterable<unknown> {
  readonly destroyed: boolean;
  readonly readableEnded: boolean;
  pipe(target: never): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  destroy(error?: Error): unknown;
}

/** The part of `fs.promises.FileHandle` that sending needs. */
export interface FileHandleLike {
  readonly fd: number;
  createReadStream(options: { start: number; autoClose: boolean }): AsyncIterable<unknown>;
}

/** What `fs.ReadStream` adds to `Readable`. `end` is inclusive, `Infinity` for the file's end. */
export interface FileStreamLike {
  readonly path: string | Uint8Array;
  readonly bytesRead: number;
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

/** Whether it pipes, can be iterated, and knows its end. */
export function isNodeReadable(value: object): value is NodeReadableLike {
  return (
    "pipe" in value && typeof value.pipe === "function" && "readableEnded" in value && Symbol.asyncIterator in value
  );
}

/** Whether it has a descriptor and makes read streams. */
export function isFileHandle(value: object): value is FileHandleLike {
  return "fd" in value && typeof value.fd === "number" && "createReadStream" in value;
}

/**
 * How many bytes a file stream has still to give, or undefined if the stream is no file stream, is not at its start, or
 * has a file whose size is not known.
 */
export function remainingFileBytes(
  stream: object,
  fileSize: ((file: string | Uint8Array | number) => number | undefined) | undefined,
): number | undefined {
  if (fileSize === undefined || !isFileStream(stream) || stream.bytesRead > 0) return undefined;
  const size = fileSize(stream.path);
  if (size === undefined) return undefined;
  const end = Math.min(size, (stream.end ?? Number.POSITIVE_INFINITY) + 1);
  return Math.max(0, end - (stream.start ?? 0));
}

/** Whether it is a stream over the file at a path. */
export function isFileStream(value: object): value is FileStreamLike {
  if (!("bytesRead" in value) || typeof value.bytesRead !== "number" || !("path" in value)) return false;
  // A stream over a descriptor has no path, and begins wherever that stands.
  return (typeof value.path === "string" && value.path !== "") || value.path instanceof Uint8Array;
}
