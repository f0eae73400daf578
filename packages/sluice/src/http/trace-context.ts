/**
 * The two fields of W3C Trace Context (level 2): `traceparent` (§3.2), which names a trace and the span within it that a request
 * belongs to, and `tracestate` (§3.3), which carries what tracing systems add. Reading is strict: of a value that is not exactly
 * what the grammar says nothing is used.
 */

/** What a `traceparent` says. */
export interface TraceParent {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 of them: the span that is the parent of whatever the receiver does. */
  readonly spanId: string;
  /** Bit 0: the caller records the trace; bit 1: the trace's id is random (§3.2.2.5). Other bits are not passed on. */
  readonly flags: number;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const KNOWN_FLAGS = 0b11;
const MOST_MEMBERS = 32;
const KEY = /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})$/;
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** The parts of `value`, or undefined for what is no valid `traceparent`. Later versions are read as version 00 (§3.2.3). */
export function parseTraceparent(value: string): TraceParent | undefined {
  const [, version, traceId = "", spanId = "", flags, more] = TRACEPARENT.exec(value) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, flags: Number(`0x${flags}`) & KNOWN_FLAGS };
}

/** As version 00. */
export function formatTraceparent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}

/** Whether `value` may be passed on as `tracestate`: a list of at most 32 members, each a key and a value, no key twice. */
export function isTracestate(value: string): boolean {
  const keys = new Set<string>();
  for (const member of value.split(",")) {
    const trimmed = member.replace(/^[ \t]+|[ \t]+$/g, "");
    if (trimmed === "") continue;
    const equals = trimmed.indexOf("=");
    const key = trimmed.slice(0, Math.max(0, equals));
    if (!KEY.test(key) || !VALUE.test(trimmed.slice(equals + 1)) || keys.has(key)) return false;
    keys.add(key);
  }
  return keys.size > 0 && keys.size <= MOST_MEMBERS;
}
