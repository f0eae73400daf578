/**
 * From what a caller gives as a multipart form to its parts, each with its fields and its payload (RFC 7578 §4).
 *
 * Names and file names are written as browsers write them: in UTF-8, with `%0D`, `%0A` and `%22` for the three characters that
 * would end the value or the line (HTML, "multipart/form-data encoding algorithm"; RFC 7578 §2 leaves the way open). So no name,
 * wherever it comes from, can add a field or a part.
 */

import { UsageError } from "../../errors.js";
import { type HeadersSource, HttpHeaders } from "../../http/headers.js";
import { refuseUnknown } from "../../options.js";
import { type BodyInput, jsonPayload, type Payload, type PayloadTools, toPayload } from "../payload.js";
import { isFileStream } from "./file-like.js";
import { type FormDataLike, isFormData } from "./form-data.js";

/** What one field of a multipart form can be. Numbers, booleans and bigints are written as `String()` does. */
export type MultipartValue = BodyInput | number | boolean | bigint | MultipartPartInput;

/** One part with more to say of it than its content. */
export interface MultipartPartInput {
  /** The field's name; in a record of parts its key says it. */
  readonly name?: string;
  /** The content: what `body` of a request takes. One of `body` and `json`. */
  readonly body?: BodyInput;
  /** The content as JSON, of type `application/json`. */
  readonly json?: unknown;
  /** @default the name of a `File`, "blob" for another `Blob`, the last part of a file stream's path, else none */
  readonly filename?: string;
  /** The media type. @default a `Blob`'s own; none for text without a file name; `application/octet-stream` for the rest */
  readonly type?: string;
  /** Bytes that `body` will give, where it cannot say so itself; another number is `UsageError` `body/length-mismatch`. */
  readonly length?: number;
  /** Further fields of the part. `Content-Disposition` is refused (`body/part-invalid`): it is made of the names. */
  readonly headers?: HeadersSource;
}

/**
 * A form: `FormData`, a list of parts or of pairs of name and value, or a record, in which an array repeats the name and undefined
 * is left out.
 */
export type MultipartInput =
  | FormDataLike
  | Iterable<MultipartPartInput | readonly [name: string, value: MultipartValue]>
  | { readonly [name: string]: MultipartValue | readonly MultipartValue[] | undefined };

/** A part, ready to be sent. */
export interface PreparedPart {
  readonly name: string;
  /** Its field lines, each with its line end. */
  readonly fields: string;
  readonly payload: Payload;
  /** Exact bytes of the content, if known. */
  readonly length: number | undefined;
}

const BINARY = "application/octet-stream";
const KNOWN: ReadonlySet<string> = new Set<keyof MultipartPartInput>([
  "name",
  "body",
  "json",
  "filename",
  "type",
  "length",
  "headers",
]);

/**
 * The parts of a form, in order. Throws `UsageError` `body/part-invalid` for a part without a name or content, or with two; what
 * `toPayload` throws for content that cannot be sent, and what `HttpHeaders` throws for fields.
 */
export function preparedParts(input: MultipartInput, tools: PayloadTools): PreparedPart[] {
  return [...partsOf(input)].map((part) => prepared(part, tools));
}

function* partsOf(input: MultipartInput): Generator<MultipartPartInput> {
  if (typeof input !== "object" || input === null) throw invalid(`the form is ${String(input)}, no object`);
  if (isFormData(input)) {
    for (const [name, value] of input) yield formDataPart(name, value);
  } else if (Symbol.iterator in input) {
    for (const each of input as Iterable<MultipartPartInput | readonly [string, MultipartValue]>) {
      yield Array.isArray(each) ? named(each[0] as string, each[1] as MultipartValue) : (each as MultipartPartInput);
    }
  } else {
    for (const [name, value] of Object.entries(input)) {
      if (value === undefined) continue;
      for (const one of Array.isArray(value) ? (value as readonly MultipartValue[]) : [value as MultipartValue]) {
        yield named(name, one);
      }
    }
  }
}

/** The HTML standard: line ends of names and texts, not of files, become CRLF. */
function formDataPart(name: string, value: string | Blob): MultipartPartInput {
  return { name: crlf(name), body: typeof value === "string" ? crlf(value) : value };
}

function crlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}

function named(name: string, value: MultipartValue): MultipartPartInput {
  if (isPart(value)) return { ...value, name };
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") {
    return { name, body: String(value) };
  }
  return { name, body: value };
}

/** A plain object, which no body is. */
function isPart(value: MultipartValue): value is MultipartPartInput {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && ("body" in value || "json" in value);
}

function prepared(part: MultipartPartInput, tools: PayloadTools): PreparedPart {
  if (typeof part !== "object" || part === null || typeof part.name !== "string") {
    throw invalid("a part has no name");
  }
  const { name, body, json } = part;
  refuseUnknown("multipart part", part, KNOWN);
  const shown = JSON.stringify(name);
  if ((body === undefined) === (json === undefined)) throw invalid(`part ${shown} needs one of body and json`);
  const payload = body === undefined ? jsonPayload(json) : toPayload(body, tools);
  const fields = fieldsOf(part, name, payload);
  const known = payload.length;
  const { length = known } = part;
  if (length !== undefined && (!Number.isSafeInteger(length) || length < 0)) {
    throw invalid(`the length of part ${shown} is ${length}, not a whole number of bytes`);
  }
  if (known !== undefined && length !== known) throw invalid(`part ${shown} has ${known} bytes, not ${length}`);
  return { name, fields, payload, length };
}

function fieldsOf(part: MultipartPartInput, name: string, payload: Payload): string {
  const headers = new HttpHeaders(part.headers);
  if (headers.has("content-disposition")) {
    throw invalid(`part ${JSON.stringify(name)} has a Content-Disposition of its own; give name and filename instead`);
  }
  const filename = part.filename ?? filenameOf(part.body);
  const plainText = typeof part.body === "string" && filename === undefined;
  if (part.type !== undefined) headers.set("Content-Type", part.type);
  else if (!headers.has("content-type") && !plainText) headers.set("Content-Type", payload.contentType ?? BINARY);
  let text = `Content-Disposition: form-data; name="${escaped(name)}"`;
  if (filename !== undefined) text += `; filename="${escaped(filename)}"`;
  text += "\r\n";
  const { raw } = headers;
  for (let at = 0; at < raw.length; at += 2) text += `${raw[at]}: ${raw[at + 1]}\r\n`;
  return text;
}

function filenameOf(body: unknown): string | undefined {
  if (body instanceof Blob) return "name" in body && typeof body.name === "string" ? body.name : "blob";
  if (typeof body !== "object" || body === null || !isFileStream(body)) return undefined;
  const path = typeof body.path === "string" ? body.path : Buffer.from(body.path).toString("utf8");
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

function escaped(name: string): string {
  return name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}

function invalid(why: string): UsageError {
  return new UsageError("body/part-invalid", `Cannot send a multipart form: ${why}`);
}
