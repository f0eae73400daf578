/**
 * Validation by any Standard Schema (zod, valibot, arktype …): the value that a schema makes of another, or an error that says
 * where the value is not what was asked for. The wording of an issue is the schema library's; it is cut to a length here, because
 * some of them quote the value.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { UsageError, ValidationError, type ValidationIssue } from "../errors.js";

/** Issues named in the message; all are in `issues`. */
const SHOWN_ISSUES = 3;
/** Most characters of one issue's wording in the message. */
const SHOWN_CHARACTERS = 120;
/** Most members of one issue's path in the message. */
const SHOWN_MEMBERS = 12;
const IDENTIFIER = /^[A-Za-z_$][\w$]{0,63}$/;

/** Whether `value` has the interface of a Standard Schema; some are functions. */
export function isSchema(value: unknown): value is StandardSchemaV1 {
  return ((typeof value === "object" && value !== null) || typeof value === "function") && "~standard" in value;
}

/** Arguments that are `(options)` or `(schema, options)`. Throws `UsageError` `options/unknown-value` for anything else. */
export function schemaFirst<Options extends object>(
  first: StandardSchemaV1 | Options | undefined,
  second: Options | undefined,
): { readonly schema: StandardSchemaV1 | undefined; readonly options: Options | undefined } {
  if (isSchema(first)) return { schema: first, options: second };
  if (first !== undefined && (typeof first !== "object" || first === null)) {
    const received = first === null ? "null" : typeof first;
    throw new UsageError(
      "options/unknown-value",
      `Cannot use ${received} as a schema or options: expected a Standard Schema, such as those of zod or valibot`,
    );
  }
  return { schema: undefined, options: first };
}

/** What a schema says of a value. */
export type SchemaResult =
  | { readonly issues?: undefined; readonly value: unknown }
  | { readonly issues: readonly ValidationIssue[] };

/** Asks `schema` about `value`; a promise only if the schema is asynchronous. What the schema itself throws is not caught. */
export function applySchema(schema: StandardSchemaV1, value: unknown): SchemaResult | Promise<SchemaResult> {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? result.then(plainResult) : plainResult(result);
}

/**
 * What `schema` makes of `value`; a promise only if the schema is asynchronous. `what` is what the value is called in the message.
 * Throws `ValidationError` `body/schema-mismatch`.
 */
export function validate(schema: StandardSchemaV1, value: unknown, what: string): unknown {
  const result = applySchema(schema, value);
  return result instanceof Promise ? result.then((late) => outputOf(late, what)) : outputOf(result, what);
}

function plainResult(result: StandardSchemaV1.Result<unknown>): SchemaResult {
  return result.issues === undefined ? { value: result.value } : { issues: result.issues.map(plainIssue) };
}

function outputOf(result: SchemaResult, what: string): unknown {
  if (result.issues === undefined) return result.value;
  const { issues } = result;
  const shown = issues.slice(0, SHOWN_ISSUES).map(showIssue).join("; ");
  const more = issues.length > SHOWN_ISSUES ? `; and ${issues.length - SHOWN_ISSUES} more (see \`issues\`)` : "";
  const message = `Cannot take ${what}: it does not match the schema: ${shown}${more}`;
  throw new ValidationError("body/schema-mismatch", message, { issues });
}

/** Libraries write a path as keys, or as objects that have keys. */
function plainIssue(issue: StandardSchemaV1.Issue): ValidationIssue {
  const path = issue.path?.map((member) => (typeof member === "object" ? member.key : member)) ?? [];
  return { message: issue.message, path };
}

function showIssue({ message, path }: ValidationIssue): string {
  const where = path.length === 0 ? "" : `${showPath(path)}: `;
  const oneLine = message.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
  return where + (oneLine.length > SHOWN_CHARACTERS ? `${oneLine.slice(0, SHOWN_CHARACTERS)}…` : oneLine);
}

/** As one would write it in a program: `users[0].name`. */
function showPath(path: readonly PropertyKey[]): string {
  let shown = "";
  for (const member of path.slice(0, SHOWN_MEMBERS)) {
    if (typeof member === "number") shown += `[${member}]`;
    else if (typeof member === "string" && IDENTIFIER.test(member)) shown += shown === "" ? member : `.${member}`;
    else shown += `[${JSON.stringify(String(member).slice(0, 64))}]`;
  }
  return path.length > SHOWN_MEMBERS ? `${shown}…` : shown;
}
