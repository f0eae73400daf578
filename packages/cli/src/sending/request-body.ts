/**
 * What is sent, as it is named on the command line: a text, JSON, fields of a form, or a file. Small files are read once, so that
 * thousands of requests share them; large ones are opened for each send.
 */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { RequestOptions } from "sluice";
import type { BodyField } from "../parse/request-item.js";
import { fileProblem } from "../terminal/file-problem.js";
import { UsageProblem } from "../usage-problem.js";
import { formFields, jsonText } from "./body-fields.js";

/** Up to here a file is kept in memory, in bytes. */
const MOST_KEPT_BYTES = 1024 * 1024;

/** What fields are sent as. */
export type FieldsFormat = "json" | "form";

/** What was asked to be sent. */
export type BodySource =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "json"; readonly text: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "fields"; readonly format: FieldsFormat; readonly fields: readonly BodyField[] };

/** What names a body on the command line. */
export interface BodyOptions {
  readonly data?: string;
  readonly json?: string;
  readonly form?: readonly (readonly [name: string, value: string])[];
  /** Fields that stand behind the URL. */
  readonly fields?: readonly BodyField[];
  /** `@file` behind the URL. */
  readonly file?: string | undefined;
}

/** At most one of them; fields of a form go together, however they are named. Throws `UsageProblem` for more. */
export function bodySourceOf({ data, json, form = [], fields = [], file }: BodyOptions): BodySource | undefined {
  const all: readonly BodyField[] = [
    ...form.map(([name, text]): BodyField => ({ name, value: { kind: "text", text } })),
    ...fields,
  ];
  const given = [data, json, file].filter((each) => each !== undefined).length + Number(all.length > 0);
  if (given > 1) {
    throw new UsageProblem("Cannot send more than one body: --data, --json, --form and items make one each");
  }
  if (json !== undefined) return { kind: "json", text: json };
  if (all.length > 0) return { kind: "fields", format: form.length > 0 ? "form" : "json", fields: all };
  if (file !== undefined) return { kind: "file", path: file };
  if (data === undefined) return undefined;
  return data.startsWith("@") ? { kind: "file", path: data.slice(1) } : { kind: "text", text: data };
}

/** A body as a request takes it, with the type that goes with it unless a header says otherwise. */
export interface SendableBody {
  readonly options: Pick<RequestOptions, "body" | "form">;
  readonly contentType: string | undefined;
}

/**
 * `stdin` is for the file `-`, and is read once: undefined where a body is sent more than once. Throws `UsageProblem` for a file that cannot be
 * read.
 */
export async function sendableBody(source: BodySource, stdin: (() => Readable) | undefined): Promise<SendableBody> {
  switch (source.kind) {
    case "text":
      return { options: { body: source.text }, contentType: undefined };
    case "json":
      return { options: { body: source.text }, contentType: "application/json" };
    case "file":
      return { options: { body: await fileBody(source.path, stdin) }, contentType: undefined };
    case "fields":
      return fieldsBody(source.format, source.fields);
  }
}

async function fieldsBody(format: FieldsFormat, fields: readonly BodyField[]): Promise<SendableBody> {
  if (format === "form") return { options: { form: await formFields(fields) }, contentType: undefined };
  return { options: { body: await jsonText(fields) }, contentType: "application/json" };
}

async function fileBody(
  path: string,
  stdin: (() => Readable) | undefined,
): Promise<Uint8Array | Readable | (() => Readable)> {
  if (path === "-") {
    if (stdin === undefined)
      throw new UsageProblem("Cannot send standard input with every request: put it into a file");
    return stdin();
  }
  try {
    const { size } = await stat(path);
    if (size <= MOST_KEPT_BYTES) return await readFile(path);
  } catch (error) {
    throw fileProblem("send", path, error);
  }
  return () => createReadStream(path);
}
