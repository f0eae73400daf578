/** Fields of a body, as the formats write them. Files that they name are read. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { MultipartPartInput } from "sluice";
import { parseJsonText } from "../parse/json-text.js";
import type { BodyField } from "../parse/request-item.js";
import { fileProblem } from "../terminal/file-problem.js";
import { UsageProblem } from "../usage-problem.js";
import { sendableFile } from "./sendable-file.js";

/** One JSON object. JSON is put in as it is written, so that no number loses digits. Throws `UsageProblem` for a name given twice. */
export async function jsonText(fields: readonly BodyField[]): Promise<string> {
  const names = new Set<string>();
  const members: string[] = [];
  for (const { name, value } of fields) {
    if (names.has(name)) {
      throw new UsageProblem(`Cannot send ${name} twice in one JSON object: a list is written as ${name}:='["a","b"]'`);
    }
    names.add(name);
    members.push(`${JSON.stringify(name)}:${await memberText(name, value)}`);
  }
  return `{${members.join(",")}}`;
}

/** The pairs of a form. Throws `UsageProblem` for JSON, which a form has no place for. */
export async function formFields(fields: readonly BodyField[]): Promise<(readonly [name: string, value: string])[]> {
  const pairs: (readonly [name: string, value: string])[] = [];
  for (const { name, value } of fields) pairs.push([name, await formText(name, value)]);
  return pairs;
}

/** The parts of a multipart form. */
export async function parts(fields: readonly BodyField[]): Promise<MultipartPartInput[]> {
  const made: MultipartPartInput[] = [];
  for (const { name, value } of fields) made.push({ name, ...(await partOf(value)) });
  return made;
}

async function partOf(value: BodyField["value"]): Promise<MultipartPartInput> {
  switch (value.kind) {
    case "text":
      return { body: value.text };
    case "text-file":
      return { body: await readText(value.path) };
    case "json":
      return { body: value.text, type: "application/json" };
    case "json-file":
      return { body: await jsonFrom(value.path), type: "application/json" };
    case "file":
      return filePart(value.path, value.type);
  }
}

async function filePart(path: string, type: string | undefined): Promise<MultipartPartInput> {
  const { body, length } = await sendableFile(path);
  return { body, length, filename: basename(path), ...(type === undefined ? {} : { type }) };
}

async function memberText(name: string, value: BodyField["value"]): Promise<string> {
  switch (value.kind) {
    case "text":
      return JSON.stringify(value.text);
    case "json":
      return value.text;
    case "text-file":
      return JSON.stringify(await readText(value.path));
    case "json-file":
      return jsonFrom(value.path);
    case "file":
      throw new UsageProblem(`Cannot send the file of ${name} as JSON: ${name}=@… sends its text`);
  }
}

async function formText(name: string, value: BodyField["value"]): Promise<string> {
  switch (value.kind) {
    case "text":
      return value.text;
    case "text-file":
      return readText(value.path);
    default:
      throw new UsageProblem(`Cannot send ${name} in a form: it takes text, ${name}=… or ${name}=@file`);
  }
}

async function jsonFrom(path: string): Promise<string> {
  const text = (await readText(path)).trim();
  try {
    return parseJsonText(text);
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    throw new UsageProblem(`Cannot send ${path} as JSON: ${error.message}`);
  }
}

/** Without the byte order mark that some editors put before it. */
async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof TypeError) throw new UsageProblem(`Cannot send ${path} as text: it is not UTF-8`);
    throw fileProblem("send", path, error);
  }
}
