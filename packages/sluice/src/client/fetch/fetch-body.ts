/**
 * What `fetch` takes as a body (Fetch §5.2 "extract a body"): bytes are copied, because the caller may go on using them; whatever
 * is no kind of body is sent as its text, as WebIDL has it. A `Request`'s own body comes as a stream; one that was in memory is
 * taken back into memory, so that it has a length and can be sent again.
 */
import type { ReadableStreamDefaultReader, ReadableStream as WebReadableStream } from "node:stream/web";
import { type BodyInput, type Payload, toPayload } from "../../body/payload.js";
import { wasRead } from "../../body/reading/node-stream.js";

/** As much of a `Request`'s body is taken back into memory; a longer one is sent as a stream. */
const TAKEN_BACK_BYTES = 1024 * 1024;

/** A body, ready to be sent. */
export interface ExtractedBody {
  readonly payload: Payload;
  /** For `Content-Type`, where the caller gave none. */
  readonly type: string | undefined;
  /** Its bytes come from a stream, which can be sent once: the standard's "source is null". */
  readonly streamed: boolean;
}

/** Throws `TypeError` for a stream that was read or is locked. */
export function extractBody(body: unknown): ExtractedBody {
  if (typeof body !== "object" || body === null) return ready(String(body), false);
  if (body instanceof ArrayBuffer) return ready(new Uint8Array(body.slice(0)), false);
  if (ArrayBuffer.isView(body)) {
    return ready(new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice(), false);
  }
  if (body instanceof Blob || body instanceof URLSearchParams) return ready(body as BodyInput, false);
  if (isStream(body)) {
    if (body.locked || wasRead(body)) throw new TypeError("Cannot send this body: the stream was read, or is locked");
    return ready(body, true);
  }
  return Symbol.asyncIterator in body ? ready(body as BodyInput, true) : ready(String(body), false);
}

/** A form as the platform writes it: `multipart/form-data` with a boundary of its own. Undefined for what is no form. */
export function extractForm(body: unknown): { stream: WebReadableStream<Uint8Array>; type: string } | undefined {
  if (Object.prototype.toString.call(body) !== "[object FormData]") return undefined;
  const written = new Response(body as FormData);
  return {
    stream: written.body as WebReadableStream<Uint8Array>,
    type: written.headers.get("content-type") ?? "",
  };
}

/**
 * The body of a `Request` or a form, which is used up by it. `patient`: its files are read, too, until there is too much of them;
 * otherwise only what is there at once is taken.
 */
export async function takeBack(
  stream: WebReadableStream<Uint8Array>,
  { patient }: { readonly patient: boolean },
): Promise<ExtractedBody> {
  const reader: Reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let byteCount = 0;
  while (byteCount <= TAKEN_BACK_BYTES) {
    const reading = reader.read();
    // What is in memory comes in the same turn of the loop; what does not, comes from somewhere else.
    const read = await (patient ? reading : Promise.race([reading, nextTurn()]));
    if (read === undefined) return ready(rest(pieces, reading, reader), true);
    if (read.done) return ready(Buffer.concat(pieces), false);
    pieces.push(read.value);
    byteCount += read.value.byteLength;
  }
  return ready(rest(pieces, reader.read(), reader), true);
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** A stream of what was read and what is still to come. */
function rest(
  pieces: readonly Uint8Array[],
  pending: ReturnType<Reader["read"]>,
  reader: Reader,
): WebReadableStream<Uint8Array> {
  let reading: typeof pending | undefined = pending;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
    },
    async pull(controller) {
      const { done, value } = await (reading ?? reader.read());
      reading = undefined;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function ready(body: BodyInput, streamed: boolean): ExtractedBody {
  const payload = toPayload(body);
  return { payload, type: payload.contentType, streamed };
}

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(resolve, undefined));
}

/** By its tag: another realm's is as good. */
function isStream(body: object): body is WebReadableStream<Uint8Array> {
  return Object.prototype.toString.call(body) === "[object ReadableStream]";
}
