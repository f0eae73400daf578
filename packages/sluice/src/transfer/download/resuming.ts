/**
 * `response.save(path, { resume: resuming() })`: a download that begins with an answer that is there already. What an earlier saving has
 * left is gone on with if the answer's validators show that it is of the same version, by another request; else the answer's own body is
 * the beginning. Later requests are made as the first one was, by its session and with its options, and end when it would have.
 */

import { hasField } from "../../client/field-lines.js";
import { fieldLinesOf } from "../../client/option-values.js";
import type { RequestOptions } from "../../client/options.js";
import type { Ask } from "../../client/request-maker.js";
import type { ClientResponse } from "../../client/response.js";
import type { ResumingSave, SaveOptions } from "../../client/save-body.js";
import type { ClientSession } from "../../client/session.js";
import { linkSignal } from "../../concurrency/abort.js";
import { CallbackDeadline } from "../../concurrency/deadline.js";
import { RequestTimeoutError, SluiceError, UsageError } from "../../errors.js";
import { refuseUnknown } from "../../options.js";
import { type DownloadOptions, resolveDownloadOptions } from "./download-options.js";
import { type DownloadGround, DownloadTask } from "./download-task.js";

/** What a saving can be told of how to go on, as a download. */
export type ResumingOptions = Pick<
  DownloadOptions,
  | "checksum"
  | "rateLimit"
  | "fresh"
  | "force"
  | "trustSize"
  | "allowUnknownEnd"
  | "modifiedTime"
  | "attempts"
  | "maxRetryAfter"
  | "onEvent"
>;

/** What a request can be asked again by. */
interface Asked extends Ask {
  readonly session: ClientSession;
  readonly options: RequestOptions;
}

const KNOWN: ReadonlySet<string> = new Set<keyof ResumingOptions>([
  "checksum",
  "rateLimit",
  "fresh",
  "force",
  "trustSize",
  "allowUnknownEnd",
  "modifiedTime",
  "attempts",
  "maxRetryAfter",
  "onEvent",
]);
/** The statuses of answers that are the whole of a file (RFC 9110 §15.3.1, §15.3.4). */
const WHOLE: ReadonlySet<number> = new Set([200, 203]);
/** With these the answer depends on more than the URL. */
const CONDITIONS = ["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];
const BODIES = ["json", "form", "multipart", "body"] as const;

/**
 * For `response.save`: goes on where a saving was interrupted. A connection that breaks is made anew, and what has come when the process
 * ends, or gives up, stays beside the file (`.part`) for the next one. Never mixes two versions, as `download`, whose errors it throws;
 * `UsageError` `response.not-resumable` for an answer that cannot be asked for again. Throws `UsageError` for options that cannot be.
 */
export function resuming(options: ResumingOptions = {}): ResumingSave {
  return resumingOn(options, {});
}

/** {@link resuming}, on another ground: for tests. @internal */
export function resumingOn(options: ResumingOptions, ground: Partial<DownloadGround>): ResumingSave {
  refuseUnknown("resuming", options, KNOWN);
  resolveDownloadOptions(options);
  return async (response, path, { onProgress }) => {
    const ask = await askOf(response, path);
    return await whileAsked(response, ask, async (signal) => {
      const settings = { ...options, ...settingsFor(response, ask), ...tellingOf(onProgress), signal };
      const begun = { response, options: ask.options };
      const task = new DownloadTask(ask.session, ask.url, path, settings, { ...ground, begun });
      try {
        return (await task.result).size;
      } finally {
        // Unless it has been read: nobody will any more.
        response.discard();
      }
    });
  };
}

function settingsFor({ request }: ClientResponse, { options: { headers } }: Asked): DownloadOptions {
  const fields = headers === undefined ? {} : { headers };
  return { segments: 1, decode: request.settings.decompress, ...fields };
}

function tellingOf(onProgress: SaveOptions["onProgress"]): DownloadOptions {
  return onProgress === undefined ? {} : { onProgress };
}

/** Does `work` as long as the request, with all that follows from it, is wanted and has time left. */
async function whileAsked<T>(
  { request }: ClientResponse,
  { signals, options }: Asked,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const due = new CallbackDeadline(() => {
    const message = `Timed out after ${request.settings.timeouts.total} ms in all (timeout.total)`;
    controller.abort(new RequestTimeoutError("timeout.total", message, { phase: "total" }));
  });
  if (request.timeLeft !== Number.POSITIVE_INFINITY) request.clock.arm(due, request.timeLeft);
  // The request's own signal falls silent with the end of its answer.
  const ends = [request.signal, ...signals, options.signal].map((signal) => linkSignal(signal, controller));
  try {
    return await work(controller.signal);
  } finally {
    request.clock.disarm(due);
    for (const stop of ends) stop();
  }
}

/** How it was asked for. Rejects for what cannot be asked for again in part, and with the error that the answer is. */
async function askOf(response: ClientResponse, path: string | URL): Promise<Asked> {
  const { ask } = response.request.scope;
  const why = ask === undefined ? "no session has asked for it" : obstacleIn(ask);
  if (why !== undefined || ask?.session === undefined) {
    response.discard();
    const message = `Cannot save to ${String(path)} so that it can be gone on with: ${why}; leave out \`resume\``;
    throw new UsageError("response.not-resumable", message);
  }
  if (response.status >= 400) throw await response.toError();
  if (!WHOLE.has(response.status)) {
    response.discard();
    const message = `Cannot save to ${String(path)}: the answer has status ${response.status}, which is no file`;
    throw new SluiceError("download/bad-answer", message, { phase: "response" });
  }
  return { ...ask, session: ask.session, options: ask.options ?? {} };
}

function obstacleIn({ method, options = {} }: Ask): string | undefined {
  if (method.toUpperCase() !== "GET") return `it is the answer to ${method}, and only a GET can be asked for the rest`;
  if (BODIES.some((name) => options[name] !== undefined)) return "the request has a body";
  const fields = options.headers === undefined ? [] : fieldLinesOf(options.headers);
  const own = CONDITIONS.find((name) => hasField(fields, name));
  return own === undefined ? undefined : `the request has a field ${own} of the caller's`;
}
