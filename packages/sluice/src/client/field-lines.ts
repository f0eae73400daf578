/** Field lines, flat as they stand on the wire (name, value, name, value …), asked and filtered without making a header object. */
import type { FieldLines } from "../http1/sinks.js";

/** The first value of a field; `name` is lower-case. */
export function findField(fields: FieldLines, name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    const candidate = fields[at];
    if (candidate !== undefined && candidate.length === name.length && candidate.toLowerCase() === name)
      return fields[at + 1];
  }
  return undefined;
}

/** The field lines whose lower-case name is not dropped. */
export function fieldsWithout(fields: FieldLines, dropped: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    if (!dropped(name.toLowerCase())) kept.push(name, fields[at + 1] ?? "");
  }
  return kept;
}

/** Whether a field is there; `name` is lower-case. */
export function hasField(fields: FieldLines, name: string): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const candidate = fields[at] ?? "";
    if (candidate.length === name.length && candidate.toLowerCase() === name) return true;
  }
  return false;
}
