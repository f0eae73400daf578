/**
 * An error as an answer: RFC 9457 problem+json, HTML or plain text, whichever the client's `Accept` prefers (RFC 9110 §12.5.1). Problem+json
 * when it has no preference, and when it takes none of them: an answer in an unwanted type says more than a 406 (§15.5.7).
 */

import { toPayload } from "../body/payload.js";
import { negotiateMediaType } from "../http/accept.js";
import { reasonPhrase } from "../http/status.js";
import type { FieldLines } from "../http1/sinks.js";
import { escapeHtml } from "./escape-html.js";
import type { HttpError } from "./http-error.js";
import { Reply } from "./reply.js";
import type { ServerRequest } from "./request/server-request.js";

/** What is shown of an error. */
interface Problem {
  readonly status: number;
  /** The status's own phrase. */
  readonly title: string;
  readonly detail: string | undefined;
  /** Names the request in the server's logs; with server errors only. */
  readonly requestId: string | undefined;
}

/** The media types an error can be written in, best first. */
const OFFERED = ["application/problem+json", "application/json", "text/html", "text/plain"] as const;

const PROBLEM_FIELDS: FieldLines = ["Content-Type", "application/problem+json", "Vary", "Accept"];
const TEXT_FIELDS: FieldLines = ["Content-Type", "text/plain; charset=utf-8", "Vary", "Accept"];
/** The page needs nothing, so it may do nothing. */
const HTML_FIELDS: FieldLines = [
  ...["Content-Type", "text/html; charset=utf-8", "Vary", "Accept"],
  ...["Content-Security-Policy", "default-src 'none'", "X-Content-Type-Options", "nosniff"],
];

/** The answer to `error` for whoever sent `request`. */
export function problemFor(request: ServerRequest, error: HttpError): Reply {
  return problemReply(error, request.headers.get("accept") ?? undefined, () => request.id);
}

/** The answer to `error` for a client that sent `accept`. `requestId` is shown when the fault is the server's. */
export function problemReply(error: HttpError, accept: string | undefined, requestId: () => string): Reply {
  const title = reasonPhrase(error.status);
  const detail = error.expose && error.message !== title ? error.message : undefined;
  const problem: Problem = {
    status: error.status,
    title,
    detail,
    requestId: error.status >= 500 ? requestId() : undefined,
  };
  switch (negotiateMediaType(accept, OFFERED)) {
    case "text/html":
      return make(error, HTML_FIELDS, htmlPage(problem));
    case "text/plain":
      return make(error, TEXT_FIELDS, plainText(problem));
    default:
      return make(error, PROBLEM_FIELDS, problemJson(error, problem));
  }
}

function make(error: HttpError, fields: FieldLines, text: string): Reply {
  return new Reply(error.status, error.fields.length === 0 ? fields : [...fields, ...error.fields], toPayload(text));
}

/** RFC 9457 §3.1; `type` is left out where it would be about:blank (§4.2.1). Extension members cannot replace the standard ones. */
function problemJson(error: HttpError, problem: Problem): string {
  return JSON.stringify({ ...error.details, type: error.type, ...problem });
}

function plainText(problem: Problem): string {
  return `${lines(problem).join("\n")}\n`;
}

function htmlPage(problem: Problem): string {
  const [heading = "", ...rest] = lines(problem).map(escapeHtml);
  const paragraphs = rest.map((line) => `<p>${line}</p>\n`).join("");
  return `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${heading}</title>\n<h1>${heading}</h1>\n${paragraphs}</html>\n`;
}

function lines({ status, title, detail, requestId }: Problem): string[] {
  const shown = [`${status} ${title}`];
  if (detail !== undefined) shown.push(detail);
  if (requestId !== undefined) shown.push(`Request ${requestId}`);
  return shown;
}
