/**
 * One input from its line to its outcome: wait for a place, send, take the body in, and try again where the body broke off. Whatever
 * happens becomes an outcome; only what no input can be blamed for is thrown.
 */
import {
  type ClientResponse,
  type ClientSession,
  ConnectionLostError,
  PayloadError,
  type RequestOptions,
  RequestTimeoutError,
  ResponseTooLargeError,
  sleep,
  UsageError,
} from "sluice";
import type { RetrySettings } from "../sending/settings.js";
import { explain } from "../terminal/explain.js";
import { shorten } from "../terminal/text-width.js";
import { StorageFailure } from "./file-store.js";
import type { Answered, Failed, Input, Outcome } from "./outcome.js";
import type { Places } from "./places.js";
import type { Tally } from "./tally.js";

/** RFC 9110 §9.2.2, and QUERY. The session's own retries know this; those of broken bodies are ours. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "QUERY"]);
/** Codes of usage errors that no input can be blamed for: methods, fields and bodies that cannot be sent. */
const EVERYBODYS_FAULTS =
  /^(?:(?:request|options|headers)\/|http1\/(?:method-invalid|field-name-invalid|host-repeated)$|body\/(?:bad-piece|source-failed)$)/;
const SHOWN_CHARACTERS = 80;

/** What a job does with a body, whose pieces are counted on the way. */
export type TakeBody = (
  response: ClientResponse,
  input: Input,
  pieces: AsyncIterable<Uint8Array>,
) => Promise<{ readonly body?: Uint8Array; readonly file?: string }>;

/** What all jobs of a run share. */
export interface JobSettings {
  readonly session: ClientSession;
  readonly method: string;
  /** Undefined where every request is like the other. */
  readonly options: RequestOptions | undefined;
  readonly places: Places;
  readonly tally: Tally;
  readonly retry: RetrySettings;
  /** Of one try, from asking for a connection to the end of the body, in milliseconds. */
  readonly timeout: number;
  /** Most bytes of a body. */
  readonly maxSize: number;
  readonly takeBody: TakeBody;
  /** Aborts, with the reason {@link STOPPED}, when nothing more is to be begun. */
  readonly beginning: AbortSignal;
  /** Aborts, with the same reason, when what is under way is to be broken off; the session's requests listen to it too. */
  readonly running: AbortSignal;
}

/** Why jobs are aborted that are not done: they are left, not failed. */
export const STOPPED = new Error("The run was stopped");

/** Runs one input. Rejects only with what would fail for every input: a request that cannot be made so, a disk that is full. */
export async function runJob(input: Input, settings: JobSettings): Promise<Outcome> {
  if (input.tooLong) return tooLongLine(input);
  const { places, tally, beginning } = settings;
  let release: () => void;
  try {
    release = await places.take(input.url, beginning);
  } catch (error) {
    if (error === STOPPED) return { kind: "left", input };
    throw error;
  }
  tally.inFlight += 1;
  try {
    return await new Job(input, settings).run();
  } finally {
    tally.inFlight -= 1;
    release();
  }
}

class Job {
  readonly #input: Input;
  readonly #settings: JobSettings;
  readonly #startedAt = performance.now();
  /** Of tries that are over. */
  #sends = 0;
  /** Of those, what counts against the retries. */
  #tries = 0;

  constructor(input: Input, settings: JobSettings) {
    this.#input = input;
    this.#settings = settings;
  }

  async run(): Promise<Outcome> {
    const { running } = this.#settings;
    for (;;) {
      let response: ClientResponse | undefined;
      try {
        response = await this.#send();
        return await this.#receive(response);
      } catch (error) {
        if (error === STOPPED) return { kind: "left", input: this.#input };
        if (isEverybodys(error)) throw error;
        if (response === undefined || !this.#mayTryAgain(error)) return this.#failed(error);
        response.discard();
      }
      const waited = await sleep(this.#backOff(), { signal: running }).then(
        () => true,
        () => false,
      );
      if (!waited) return { kind: "left", input: this.#input };
    }
  }

  #send(): Promise<ClientResponse> {
    const { session, method, options, retry } = this.#settings;
    if (this.#tries === 0) return session.request(method, this.#input.url, options);
    return session.request(method, this.#input.url, {
      ...options,
      retry: { ...retry, attempts: retry.attempts - this.#tries },
    });
  }

  async #receive(response: ClientResponse): Promise<Answered> {
    const sent = response.request.attempt;
    this.#sends += sent;
    // Redirects are sends as well; those of earlier tries cannot be told from retries.
    this.#tries += Math.max(1, sent - response.history.length);
    const pieces = new CountedPieces(response, this.#settings);
    const limitOver = this.#limitBody(response);
    const taken = await this.#settings.takeBody(response, this.#input, pieces).finally(limitOver);
    return {
      kind: "answered",
      input: this.#input,
      status: response.status,
      finalUrl: response.redirected ? response.url : undefined,
      contentType: response.contentType,
      size: pieces.size,
      latency: response.timings.total,
      elapsed: performance.now() - this.#startedAt,
      sends: this.#sends,
      body: taken.body,
      file: taken.file,
    };
  }

  /** The session's own limit for a try ends with the head of the answer; the body has what is left of it. Returns what ends the limit. */
  #limitBody(response: ClientResponse): () => void {
    const { body, timings } = response;
    if (body.settled) return () => undefined;
    const { timeout } = this.#settings;
    const over = new AbortController();
    sleep(timeout - timings.total, { signal: over.signal }).then(
      () => {
        const message = `Timed out after ${timeout} ms for one try, in the middle of the body (timeout.attempt)`;
        body.cancel(response.describe(new RequestTimeoutError("timeout.attempt", message, { phase: "attempt" })));
      },
      () => undefined,
    );
    return () => over.abort();
  }

  /** The session tries again what failed before the head came; from there on it is for us. */
  #mayTryAgain(error: unknown): boolean {
    const { method, retry } = this.#settings;
    if (!IDEMPOTENT.has(method) || this.#tries >= retry.attempts) return false;
    if (error instanceof PayloadError) return error.code === "body/incomplete";
    return error instanceof ConnectionLostError || error instanceof RequestTimeoutError;
  }

  /** Full jitter: anything up to a bound that doubles with each try. */
  #backOff(): number {
    const { baseDelay, maxDelay } = this.#settings.retry;
    return Math.random() * Math.min(maxDelay, baseDelay * 2 ** (this.#tries - 1));
  }

  #failed(error: unknown): Failed {
    const { code, message } = explain(error);
    const { attempt } = error as { readonly attempt?: unknown };
    const sends = Math.max(this.#sends, typeof attempt === "number" ? attempt : 0);
    const elapsed = performance.now() - this.#startedAt;
    return { kind: "failed", input: this.#input, code, message, elapsed, sends };
  }
}

/** The pieces of a body, counted as they come and bounded. */
class CountedPieces implements AsyncIterable<Uint8Array> {
  readonly #response: ClientResponse;
  readonly #settings: JobSettings;
  /** Bytes so far. */
  size = 0;

  constructor(response: ClientResponse, settings: JobSettings) {
    this.#response = response;
    this.#settings = settings;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const { body } = this.#response;
    const { maxSize, method } = this.#settings;
    const declared = method === "HEAD" ? 0 : Number(this.#response.headers.get("content-length") ?? 0);
    // Coded, it is shorter than decoded, and the limit is on what is decoded.
    if (declared > maxSize) throw this.#tooLarge(`has ${declared} bytes`);
    const whole = body.takeWhole(maxSize);
    if (whole !== undefined) {
      this.#count(whole);
      yield whole;
      return;
    }
    for await (const piece of body) {
      this.#count(piece);
      yield piece;
    }
  }

  #count(piece: Uint8Array): void {
    this.size += piece.length;
    this.#settings.tally.bytes += piece.length;
    if (this.size > this.#settings.maxSize) throw this.#tooLarge("goes on");
  }

  #tooLarge(how: string): ResponseTooLargeError {
    const message = `Cannot take the body: it ${how}, limit is ${this.#settings.maxSize} bytes (--max-size)`;
    return this.#response.describe(new ResponseTooLargeError("body/too-large", message, { phase: "read" }));
  }
}

/** A refused header or a full disk fails every input alike; a bad URL, or what its server answers, is this one's own. */
function isEverybodys(error: unknown): boolean {
  if (error instanceof UsageError) return EVERYBODYS_FAULTS.test(error.code);
  return error instanceof StorageFailure;
}

function tooLongLine(input: Input): Failed {
  const message = `Cannot request "${shorten(input.url, SHOWN_CHARACTERS)}": the line is too long for a URL`;
  return { kind: "failed", input, code: "input/line-too-long", message, elapsed: 0, sends: 0 };
}
