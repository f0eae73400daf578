/** What is sent, as it is named on the command line: a text, JSON, fields of a form, or a file. */
import type { Readable } from "node:stream";
import type { RequestOptions } from "sluice";
import type { BodyField } from "../parse/request-item.js";
import { UsageProblem } from "../usage-problem.js";
import { formFields, jsonText, parts } from "./body-fields.js";
import { sendableFile } from "./sendable-file.js";
import type { SendingSettings } from "./settings.js";

/** What fields are sent as. */
export type FieldsFormat = "json" | "form" | "multipart";

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
  readonly multipart?: readonly BodyField[];
  /** Fields that stand behind the URL. */
  readonly fields?: readonly BodyField[];
  /** `@file` behind the URL. */
  readonly file?: string | undefined;
}

/** At most one of them; fields go together, however they are named. Throws `UsageProblem` for more. */
export function bodySourceOf(options: BodyOptions): BodySource | undefined {
  const { data, json, form = [], multipart = [], fields = [], file } = options;
  const all: readonly BodyField[] = [
    ...form.map(([name, text]): BodyField => ({ name, value: { kind: "text", text } })),
    ...multipart,
    ...fields,
  ];
  const given = [data, json, file].filter((each) => each !== undefined).length + Number(all.length > 0);
  if (given > 1) {
    throw new UsageProblem(
      "Cannot send more than one body: --data, --json, --form, --multipart and items make one each",
    );
  }
  if (json !== undefined) return { kind: "json", text: json };
  if (all.length > 0) return { kind: "fields", format: formatOf(options, all), fields: all };
  if (file !== undefined) return { kind: "file", path: file };
  if (data === undefined) return undefined;
  return data.startsWith("@") ? { kind: "file", path: data.slice(1) } : { kind: "text", text: data };
}

/** A file makes it multipart: no other format has a place for it. */
function formatOf({ form = [], multipart = [] }: BodyOptions, fields: readonly BodyField[]): FieldsFormat {
  const wanted = multipart.length > 0 || fields.some(({ value }) => value.kind === "file");
  if (wanted && form.length > 0) {
    throw new UsageProblem("Cannot send --form with files or --multipart: give --multipart for all of it");
  }
  return wanted ? "multipart" : form.length > 0 ? "form" : "json";
}

/** Throws `UsageProblem` for compression of nothing. */
export function requireBodyFor({ compress }: SendingSettings, body: BodySource | undefined): void {
  if (compress !== undefined && body === undefined) throw new UsageProblem("Cannot use --compress without a body");
}

/** A body as a request takes it, with the type that goes with it unless a header says otherwise. */
export interface SendableBody {
  readonly options: Pick<RequestOptions, "body" | "form" | "multipart">;
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
  if (format === "multipart") return { options: { multipart: await parts(fields) }, contentType: undefined };
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
  return (await sendableFile(path)).body;
}
