/** Fields that are sent behind the body of an answer (RFC 9110 §6.5). */

import type { PayloadTrailers } from "../body/payload.js";
import { UsageError } from "../errors.js";
import { type HeadersSource, HttpHeaders } from "../http/headers.js";
import { assertFieldName, assertFieldValue, assertTrailerName } from "../http1/write-head.js";

/** Trailers: fields whose values may be functions, or a function that gives the fields. All are called when the body has been read. */
export type ReplyTrailers =
  | HeadersSource
  | Readonly<Record<string, string | (() => string | Promise<string>)>>
  | (() => HeadersSource | Promise<HeadersSource>);

/** When trailers are sent. */
export interface TrailerOptions {
  /** To clients as well that have not asked for them. @default false */
  readonly unasked?: boolean;
}

type LazyValue = string | (() => string | Promise<string>);

/** Throws `UsageError` for fields that cannot be sent, or not there. Only names that are known now can be announced. */
export function trailersOf(input: ReplyTrailers, unasked: boolean): PayloadTrailers {
  if (typeof input === "function") return { names: [], make: async () => new HttpHeaders(await input()).raw, unasked };
  const lines = linesOf(input);
  const names: string[] = [];
  for (const [name, value] of lines) {
    assertFieldName(name);
    assertTrailerName(name);
    if (typeof value === "string") assertFieldValue(name, value);
    names.push(name);
  }
  return { names, make: () => evaluate(lines), unasked };
}

function linesOf(input: Exclude<ReplyTrailers, () => unknown>): (readonly [name: string, value: LazyValue])[] {
  if (!(Symbol.iterator in input) && Object.values(input).some((value) => typeof value === "function")) {
    return Object.entries(input as Record<string, LazyValue>);
  }
  const { raw } = new HttpHeaders(input as HeadersSource);
  const lines: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) lines.push([raw[at] ?? "", raw[at + 1] ?? ""]);
  return lines;
}

async function evaluate(lines: readonly (readonly [name: string, value: LazyValue])[]): Promise<string[]> {
  const made: string[] = [];
  for (const [name, value] of lines) {
    const text: unknown = typeof value === "function" ? await value() : value;
    if (typeof text !== "string") {
      throw new UsageError(
        "headers/value-invalid",
        `Cannot send the trailer ${name}: expected text, received ${typeof text}`,
      );
    }
    made.push(name, text);
  }
  return made;
}
