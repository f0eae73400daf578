/**
 * Status codes and what they say of themselves (RFC 9110 §15; the IANA registry for those of other RFCs).
 */

/** Registered reason phrases by code (RFC 9110 §15.1: 6585, 7725, 8297, 8470, 4918, 5842, 2774, 2295, 3229, 7238 and others). */
export const STATUS_CODES: Readonly<Record<number, string>> = Object.freeze({
  100: "Continue",
  101: "Switching Protocols",
  102: "Processing",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  207: "Multi-Status",
  208: "Already Reported",
  226: "IM Used",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  305: "Use Proxy",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  418: "I'm a Teapot",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  506: "Variant Also Negotiates",
  507: "Insufficient Storage",
  508: "Loop Detected",
  510: "Not Extended",
  511: "Network Authentication Required",
});

/** The registered phrase of `status`, or "": a reason phrase may be empty (RFC 9112 §4). */
export function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? "";
}

/** 1xx: another response follows (RFC 9110 §15.2). */
export function isInterimStatus(status: number): boolean {
  return status >= 100 && status < 200;
}

/** 2xx (RFC 9110 §15.3). */
export function isSuccessStatus(status: number): boolean {
  return status >= 200 && status < 300;
}

/** 301, 302, 303, 307 and 308: the codes whose `Location` a client follows (RFC 9110 §15.4). */
export function isRedirectStatus(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** 4xx, 5xx, and the invalid codes above, which count as 5xx (RFC 9110 §15). */
export function isErrorStatus(status: number): boolean {
  return status >= 400;
}

/** True if a response of this status never has content, whatever the method (RFC 9110 §6.4.1). */
export function isBodilessStatus(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}
