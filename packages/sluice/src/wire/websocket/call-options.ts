/**
 * Options of single calls on a connection, checked where they are given: a misspelt time limit would be a wait without end. A call without
 * options costs nothing here.
 */

import { UsageError } from "../../errors.js";
import { kindOf, refuseUnknown, requireNumber, requireObject } from "../../options.js";

/** For how long somebody waits. */
export interface WaitOptions {
  /** Longest wait in milliseconds; then `RequestTimeoutError`. From 0. @default Infinity */
  readonly timeout?: number | undefined;
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How one message is sent. */
export interface SendOptions {
  /**
   * Whether it is compressed, where compression was agreed; elsewhere this changes nothing. `false` for what does not shrink, and for
   * secrets beside text that others choose. @default true from `compress.threshold` bytes on
   */
  readonly compress?: boolean | undefined;
  /** Ends the waiting with its reason. A message that waits for its turn is not sent then; one that was handed over is. */
  readonly signal?: AbortSignal | undefined;
}

/** How `sendStream` sends. */
export interface SendStreamOptions {
  /**
   * Whether the message is a binary one; strings are sent as UTF-8 either way. A text message may have parts of bytes, which together
   * are to be UTF-8. @default true if the first part is bytes, false if it is a string
   */
  readonly binary?: boolean | undefined;
  /**
   * Compresses each part as it comes, where that was agreed. Most peers, ours included, keep a compressed message until it is whole.
   * @default false
   */
  readonly compress?: boolean | undefined;
  /** Stops sending with its reason; the connection ends if the message was begun. */
  readonly signal?: AbortSignal | undefined;
}

/** What was given where nothing was. */
export const NO_OPTIONS: Readonly<Record<string, never>> = Object.freeze({});

const WAIT: ReadonlySet<string> = new Set<keyof WaitOptions>(["timeout", "signal"]);
const SEND: ReadonlySet<string> = new Set<keyof SendOptions>(["compress", "signal"]);
const SEND_STREAM: ReadonlySet<string> = new Set<keyof SendStreamOptions>(["binary", "compress", "signal"]);

/** Throws `UsageError` `options/…`. */
export function checkWait(options: WaitOptions): void {
  if (options === NO_OPTIONS) return;
  checkCall("receive or ping", options, WAIT);
  if (options.timeout !== undefined) requireNumber("timeout", options.timeout, 0, Number.POSITIVE_INFINITY);
}

/** Throws `UsageError` `options/…`. */
export function checkSend(options: SendOptions): void {
  checkCall("send", options, SEND);
}

/** Throws `UsageError` `options/…`. */
export function checkSendStream(options: SendStreamOptions): void {
  if (options === NO_OPTIONS) return;
  checkCall("sendStream", options, SEND_STREAM);
}

function checkCall(what: string, options: { readonly signal?: unknown }, known: ReadonlySet<string>): void {
  requireObject(`the options of ${what}`, options);
  refuseUnknown(what, options, known);
  const { signal } = options;
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new UsageError(
    "options/unknown-value",
    `Cannot use signal: expected an AbortSignal, received ${kindOf(signal)}`,
  );
}
