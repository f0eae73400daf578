/**
 * Passes a trace on (W3C Trace Context §4): every request of the caller's becomes part of one trace, the one that the caller names
 * or a new one, and every send of it (each hop, each try) gets a span id of its own. It goes where the session's defaults go, and
 * nowhere else: a trace's id tells whoever sees it twice that two requests belong together (§6).
 */
import { UsageError } from "../../errors.js";
import { formatTraceparent, isTracestate, parseTraceparent, type TraceParent } from "../../http/trace-context.js";
import { randomHex } from "../../platform/random.js";
import type { ClientMiddleware } from "../middleware.js";
import type { RequestScope } from "../request-scope.js";

/** The trace that a request belongs to: fields as they came with the caller's own incoming request, say. */
export type TraceparentInput =
  | string
  | { readonly traceparent: string; readonly tracestate?: string | null | undefined }
  | undefined;

/** `true`: a new trace for each request. A function is called once for each, in the caller's asynchronous context. */
export type TraceparentOption = true | (() => TraceparentInput);

/** What all sends of one request have in common. */
interface Trace {
  readonly parent: Omit<TraceParent, "spanId">;
  readonly state: string | undefined;
}

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
const SAMPLED_AND_RANDOM = 0b11;

/**
 * A hop-stage middleware. What is no valid `traceparent` begins a new trace, and a `tracestate` that is none is left out (§4.3).
 * A request that carries a `traceparent` already is left alone. Throws `UsageError` for an option of another kind.
 */
export function traceContext(option: TraceparentOption): ClientMiddleware {
  if (option !== true && typeof option !== "function") {
    const received = option === null ? "null" : typeof option;
    throw new UsageError(
      "options/unknown-value",
      `Cannot use traceparent: expected true or a function, received ${received}`,
    );
  }
  const traces = new WeakMap<RequestScope, Trace>();

  function traceOf(scope: RequestScope): Trace {
    let trace = traces.get(scope);
    if (trace === undefined) {
      trace = begin(option === true ? undefined : option());
      traces.set(scope, trace);
    }
    return trace;
  }

  return async (request, next) => {
    if (!request.trusted || request.headers.has("traceparent")) return next(request);
    const { parent, state } = traceOf(request.scope);
    const hop = request.with({});
    hop.headers.set("traceparent", formatTraceparent({ ...parent, spanId: newId(SPAN_ID_BYTES) }));
    if (state !== undefined) hop.headers.set("tracestate", state);
    return next(hop);
  };
}

function begin(given: TraceparentInput): Trace {
  const { traceparent, tracestate } = typeof given === "object" ? given : { traceparent: given, tracestate: undefined };
  const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  if (parent === undefined) {
    return { parent: { traceId: newId(TRACE_ID_BYTES), flags: SAMPLED_AND_RANDOM }, state: undefined };
  }
  const state = typeof tracestate === "string" && isTracestate(tracestate) ? tracestate : undefined;
  return { parent, state };
}

/** Hexadecimal digits, not all zero (§3.2.2.3, §3.2.2.4). */
function newId(byteCount: number): string {
  for (;;) {
    const id = randomHex(byteCount);
    if (!/^0+$/.test(id)) return id;
  }
}
