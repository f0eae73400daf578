/** Two answers, made comparable, and the aspects in which they differ. */
import { isDeepStrictEqual } from "node:util";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import type { Answered } from "../ask.js";
import type { Case } from "./cases.js";

/** What belongs to the connection or the server at large, not to the endpoint. */
const IGNORED = new Set(["server", "date", "connection", "keep-alive", "transfer-encoding"]);
const JSON_TYPES = /^application\/(?:[a-z.+-]+\+)?json\b/;
const UUID = /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}/g;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

interface Comparable {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** JSON value, or text. */
  readonly body: unknown;
}

/** `status`, `header …`, and `body` or, where both are JSON, the paths within it: `body.headers.Via`. Sorted. */
export function differingAspects(asked: Case, ours: [string, Answered], theirs: [string, Answered]): string[] {
  const one = comparable(asked, ...ours);
  const other = comparable(asked, ...theirs);
  const aspects = one.status === other.status ? [] : ["status"];
  for (const name of new Set([...one.headers.keys(), ...other.headers.keys()])) {
    if (one.headers.get(name) !== other.headers.get(name)) aspects.push(`header ${name}`);
  }
  compareValues("body", one.body, other.body, aspects);
  return aspects.sort();
}

function comparable(asked: Case, origin: string, answer: Answered): Comparable {
  const headers = new Map<string, string>();
  for (const [name, values] of answer.headers) {
    const shown = values.map((value) => fieldValue(name, value, origin)).join(" | ");
    if (!IGNORED.has(name) && shown !== "") headers.set(name, shown);
  }
  return { status: answer.status, headers, body: bodyOf(asked, origin, answer, headers.get("content-type") ?? "") };
}

function fieldValue(name: string, value: string, origin: string): string {
  switch (name) {
    // JSON is indented here and not there: that there is a length is what can be compared.
    case "content-length":
      return "known";
    case "content-type":
      return value.toLowerCase().replaceAll(" ", "");
    case "allow":
      return value.split(/, */).sort().join(", ");
    // Whose page asks decides about all answers of ours: no endpoint's own affair.
    case "vary":
      return value.replace(/, Origin|^Origin(?:, )?/, "");
    case "set-cookie": {
      const [pair, ...attributes] = value.split("; ");
      return [pair, ...attributes.sort()].join("; ");
    }
    default:
      return HTTP_DATE.test(value) ? "<date>" : anonymous(value, origin);
  }
}

function bodyOf(asked: Case, origin: string, answer: Answered, type: string): unknown {
  if (asked.compare === "length") return answer.body.byteLength;
  const bytes = decoded(answer);
  if (bytes === undefined) return "<coded>";
  if (bytes.byteLength === 0) return "";
  const text = anonymous(bytes.toString("latin1"), origin);
  if (asked.compare === "lines") return text.trimEnd().split("\n").map(parse);
  return JSON_TYPES.test(type) ? parse(text) : text;
}

/** Undefined for a coding that only one of the two can have. */
function decoded({ headers, body }: Answered): Buffer | undefined {
  if (body.byteLength === 0) return body;
  switch (headers.get("content-encoding")?.[0]) {
    case "gzip":
      return gunzipSync(body);
    case "deflate":
      return inflateSync(body);
    case "br":
      return brotliDecompressSync(body);
    case undefined:
      return body;
    default:
      return undefined;
  }
}

/** Without what is different each time, or from port to port. Its own length in a JSON body is one such thing. */
function anonymous(text: string, origin: string): string {
  const { host, port } = new URL(origin);
  return text
    .replaceAll(host, "HOST")
    .replaceAll(`:${port}`, ":PORT")
    .replaceAll(UUID, "<id>")
    .replaceAll(/"Content-Length": ?"\d+"/g, '"Content-Length": "<length>"');
}

function parse(text: string): unknown {
  return JSON.parse(Buffer.from(text, "latin1").toString("utf8"));
}

function compareValues(path: string, one: unknown, other: unknown, aspects: string[]): void {
  if (isRecord(one) && isRecord(other)) {
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      compareValues(`${path}.${key}`, one[key], other[key], aspects);
    }
  } else if (!isDeepStrictEqual(one, other)) aspects.push(path);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
