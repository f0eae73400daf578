/** What became of one input of `sluice fetch`. */

/** One line of the input, or one argument. */
export interface Input {
  /** Its place in the input, from 0; comments and blank lines do not count. */
  readonly index: number;
  /** As it was given. */
  readonly url: string;
  /** The line was longer than any URL; `url` is only its beginning. */
  readonly tooLong: boolean;
}

/** A response arrived, whole. */
export interface Answered {
  readonly kind: "answered";
  readonly input: Input;
  readonly status: number;
  /** The URL that answered, where redirects led elsewhere. */
  readonly finalUrl: string | undefined;
  readonly contentType: string | undefined;
  /** Bytes of the body, decoded. */
  readonly size: number;
  /** The last send, from asking for a connection to the end of the body, in milliseconds. */
  readonly latency: number;
  /** All of it, waits and retries included, in milliseconds. */
  readonly elapsed: number;
  /** Requests sent for it: redirects and retries count. */
  readonly sends: number;
  /** The body, where it was asked for. */
  readonly body: Uint8Array | undefined;
  /** The file it was saved as, without its folder. */
  readonly file: string | undefined;
}

/** No response, or not all of it. */
export interface Failed {
  readonly kind: "failed";
  readonly input: Input;
  /** The library's code, such as `timeout.attempt`. */
  readonly code: string;
  /** One line; URLs in it show no secrets. */
  readonly message: string;
  readonly elapsed: number;
  readonly sends: number;
}

/** Stopped before it was done: it counts as not done. */
export interface Left {
  readonly kind: "left";
  readonly input: Input;
}

/** One of the three. */
export type Outcome = Answered | Failed | Left;

/** Whether it is as it should be: an answer below 400. */
export function isFine(outcome: Outcome): boolean {
  return outcome.kind === "answered" && outcome.status < 400;
}
