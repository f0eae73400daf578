/**
 * Which fields may not stand in a trailer section (RFC 9110 §6.5.1): whoever receives them there has acted on the head already, so
 * that they would come too late, or mean something else to somebody who looks at both.
 */

const FORBIDDEN: ReadonlySet<string> = new Set([
  // Framing and routing.
  ...["transfer-encoding", "content-length", "host", "connection", "keep-alive", "upgrade", "trailer", "te"],
  // Request modifiers: controls and conditionals.
  ...["cache-control", "expect", "max-forwards", "pragma", "range", "content-range"],
  ...["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"],
  // Authentication and state.
  ...["authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "cookie", "set-cookie"],
  // Control data of responses.
  ...["age", "expires", "date", "location", "retry-after", "vary", "warning"],
  // How the content is to be processed.
  ...["content-encoding", "content-type"],
]);

/** Whether a field of this name, in any case, has no business in a trailer section. */
export function isForbiddenTrailer(name: string): boolean {
  return FORBIDDEN.has(name.toLowerCase());
}
