/** What a trace is told when a request leaves. */
import type { Http1ClientLink } from "../wire/http1-client-link.js";
import { findField } from "./field-lines.js";
import type { ClientRequest } from "./request.js";
import type { Tracer } from "./tracing.js";

/** The connection is there, and the head is about to go. */
export function tellSending(tracer: Tracer, request: ClientRequest, link: Http1ClientLink, head: string): void {
  const { exchanges } = link;
  if (exchanges > 0) {
    const { remoteAddress: address, remotePort: port } = link.transport.peer();
    tracer.emit("connectionReuse", { address, port, exchanges });
  }
  if (!tracer.hears("requestHeadersSent")) return;
  const traceparent = findField(request.fields, "traceparent");
  const { attempt } = request;
  tracer.emit("requestHeadersSent", { headerNames: fieldNames(head), bytes: head.length, traceparent, attempt });
}

/** The names in a written head, for traces: values may be secret. */
function fieldNames(head: string): string[] {
  const lines = head.split("\r\n").slice(1, -2);
  return lines.map((line) => line.slice(0, line.indexOf(":")));
}
