/** What a trace is told when the head of an answer is there. */
import type { ResponseHead } from "./response-head.js";
import type { Tracer } from "./tracing.js";

/** Names only: values may be secret. */
export function tellHead(tracer: Tracer, { status, version, fields }: ResponseHead, attempt: number): void {
  if (!tracer.hears("responseHeaders")) return;
  const headerNames = fields.filter((_line, at) => at % 2 === 0);
  tracer.emit("responseHeaders", { status, httpVersion: version === 11 ? "1.1" : "1.0", headerNames, attempt });
}
