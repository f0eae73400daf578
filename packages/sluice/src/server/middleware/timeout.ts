/**
 * A time limit for the handler: from its being called until there is a reply. (How long bodies may take to come and go is up to the
 * connection: `receiveTimeout`, `sendTimeout`.)
 *
 * When time is up the client is answered at once and the handler's `request.signal` aborts, so that whatever it waits for with
 * that signal ends. JavaScript cannot stop it otherwise: what it still returns is released, what it still throws is reported,
 * unless that is an echo of the time-out itself.
 */

import { isConsequenceOfAbort, linkSignal, newSharedController } from "../../concurrency/abort.js";
import { type Clock, systemClock } from "../../concurrency/clock.js";
import { callLater } from "../../concurrency/deadline.js";
import { ConnectionLostError, isSluiceError, UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../options.js";
import { type ErrorListener, report, reportToStandardError } from "../error-report.js";
import { HttpError } from "../http-error.js";
import type { Middleware, Next } from "../middleware-chain.js";
import type { Reply } from "../reply.js";
import { narrowSignal } from "../request/request-access.js";
import type { ServerRequest } from "../request/server-request.js";

/** What is done when time is up. */
export interface TimeoutOptions {
  /** 503 for a server that is too slow, 504 for one that waits for another (RFC 9110 §15.6.4, §15.6.5). @default 503 */
  readonly status?: 503 | 504;
  /** What clients are told. @default "The answer took too long" */
  readonly message?: string;
  /** Told what the handler throws after its time. @default a report on standard error */
  readonly onLateError?: ErrorListener;
  /** The source of time. @default the system's */
  readonly clock?: Clock;
}

type ResolvedOptions = Required<TimeoutOptions> & { readonly ms: number };

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof TimeoutOptions>(["status", "message", "onLateError", "clock"]);

/**
 * Answers 503 when there is no reply after `ms` milliseconds; `Infinity` for no limit. `UsageError` `options/…` for what is out of range,
 * of the wrong kind, or unknown.
 */
export function timeout(ms: number, options: TimeoutOptions = {}): Middleware {
  requireNumber("timeout", ms, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
  const resolved = resolveOptions(ms, options);
  return function timeout(request, next) {
    return ms === Number.POSITIVE_INFINITY ? next() : limited(request, next, resolved);
  };
}

function limited(request: ServerRequest, next: Next, options: ResolvedOptions): Promise<Reply> {
  const { clock, ms, onLateError } = options;
  let overdue: DOMException | undefined;
  // Made when somebody asks for the signal: most handlers do not.
  let controller: AbortController | undefined;
  narrowSignal(request, (signal) => {
    controller = newSharedController();
    // Both live as long as the request: nothing to unlink.
    linkSignal(signal, controller);
    if (overdue !== undefined) controller.abort(overdue);
    return controller.signal;
  });
  return new Promise((resolve, reject) => {
    const deadline = callLater(clock, ms, () => {
      overdue = new DOMException(`There was no reply within ${ms} ms`, "TimeoutError");
      reject(new HttpError(options.status, options.message, { expose: true, code: "server/timed-out" }));
      controller?.abort(overdue);
    });
    next().then(
      (reply) => {
        clock.disarm(deadline);
        if (overdue === undefined) resolve(reply);
        else reply.discard();
      },
      (error: unknown) => {
        clock.disarm(deadline);
        if (overdue === undefined) reject(error);
        else if (!isEcho(error, controller?.signal)) report(onLateError, error, request);
      },
    );
  });
}

/**
 * Whether `error` says no more than that time is up: it is the abort, or tells that the body was given up when the request was
 * answered; or it is an answer of the kind that nobody is told of in time, either.
 */
function isEcho(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal !== undefined && isConsequenceOfAbort(error, signal)) return true;
  if (error instanceof HttpError) return !error.report;
  const cause = error instanceof Error && !isSluiceError(error) ? error.cause : error;
  return cause instanceof ConnectionLostError || (isSluiceError(cause) && cause.code === "body/answered");
}

function resolveOptions(ms: number, options: TimeoutOptions): ResolvedOptions {
  requireObject("timeout options", options);
  refuseUnknown("timeout", options, OPTION_NAMES);
  const { status = 503, message = "The answer took too long", onLateError = reportToStandardError } = options;
  requireFunction("onLateError", onLateError);
  if (status !== 503 && status !== 504) {
    throw new UsageError("options/unknown-value", `Cannot use status ${String(status)}: expected 503 or 504`);
  }
  return { ms, status, message, onLateError, clock: options.clock ?? systemClock };
}
