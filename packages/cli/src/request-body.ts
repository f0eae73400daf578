/**
 * What is sent, as it is named on the command line: a text, JSON, a form, or a file. Small files are read once, so that thousands of
 * requests share them; large ones are opened for each send.
 */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { RequestOptions } from "sluice";
import { fileProblem } from "./terminal/file-problem.js";
import { UsageProblem } from "./usage-problem.js";

/** Up to here a file is kept in memory, in bytes. */
const MOST_KEPT_BYTES = 1024 * 1024;

/** What was asked to be sent. */
export type BodySource =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "json"; readonly text: string }
  | { readonly kind: "form"; readonly fields: readonly (readonly [name: string, value: string])[] }
  | { readonly kind: "file"; readonly path: string };

/** The options of the command line that name a body. */
export interface BodyOptions {
  readonly data?: string;
  readonly json?: string;
  readonly form?: readonly (readonly [name: string, value: string])[];
}

/** At most one of them. `@name` is a file. Throws `UsageProblem` for more. */
export function bodySourceOf({ data, json, form = [] }: BodyOptions): BodySource | undefined {
  const given = Number(data !== undefined) + Number(json !== undefined) + Number(form.length > 0);
  if (given > 1) throw new UsageProblem("Cannot send more than one body: give one of --data, --json and --form");
  if (json !== undefined) return { kind: "json", text: json };
  if (form.length > 0) return { kind: "form", fields: form };
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
    case "form":
      return { options: { form: source.fields }, contentType: undefined };
    case "file":
      return { options: { body: await fileBody(source.path, stdin) }, contentType: undefined };
  }
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
