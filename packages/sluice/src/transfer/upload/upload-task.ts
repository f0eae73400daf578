/** An upload under way: its result, how far it has come, and the means to end it. */

import { parseAbsolute } from "../../client/request-url.js";
import type { ClientSession } from "../../client/session.js";
import { TaskLife } from "../task-life.js";
import { pieceBytesFor } from "./metered-pieces.js";
import { plainUpload } from "./plain-upload.js";
import { TusRequests } from "./tus-requests.js";
import { TusUpload } from "./tus-upload.js";
import type { UploadProgress, UploadResult } from "./upload-events.js";
import { UploadMemory } from "./upload-memory.js";
import { UploadMeter } from "./upload-meter.js";
import { type ResolvedUploadOptions, resolveUploadOptions, type UploadOptions } from "./upload-options.js";
import { openSource, type UploadInput, type UploadSource } from "./upload-source.js";

/** What is kept of a stream for sending it again. */
const REPLAY_BYTES = 8 * 1024 * 1024;

/** See the head of this file. Iterating it gives its progress, some times a second, until it ends; leaving the loop does not end it. */
export class UploadTask implements AsyncIterable<UploadProgress> {
  /** Settles with the upload. */
  readonly result: Promise<UploadResult>;
  readonly #session: ClientSession;
  readonly #url: URL;
  readonly #given: UploadInput;
  readonly #options: ResolvedUploadOptions;
  readonly #life = new TaskLife();
  readonly #meter: UploadMeter;

  /** @internal */
  constructor(session: ClientSession, url: string | URL, source: UploadInput, options: UploadOptions) {
    const resolved = resolveUploadOptions(options);
    const { clock } = session.connector;
    this.#session = session;
    this.#url = absolute(session, url);
    this.#given = source;
    this.#options = {
      ...resolved,
      signal: this.#life.signal,
      onEvent: (event) => this.#life.call(() => resolved.onEvent?.(event)),
    };
    this.#meter = new UploadMeter(
      () => clock.now(),
      (progress) => this.#life.call(() => resolved.onProgress?.(progress)),
    );
    this.result = this.#life.run(() => this.#work(), resolved.signal);
  }

  /** How far it has come. */
  get progress(): UploadProgress {
    return this.#meter.progress;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<UploadProgress, undefined> {
    // Whoever iterates is told by the loop; the promise need not be looked at besides.
    this.result.catch(() => undefined);
    yield* this.#meter;
    await this.result;
    return undefined;
  }

  /**
   * Ends it, unless it has ended; an upload by tus can be gone on with. Resolves when all that is done; `result` rejects with an
   * `AbortError`.
   */
  async close(): Promise<void> {
    await this.#life.end("The upload was closed; it can be gone on with", this.result);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #work(): Promise<UploadResult> {
    let outcome: "done" | "failed" = "failed";
    try {
      const result = await this.#upload();
      outcome = "done";
      return result;
    } finally {
      this.#meter.end(outcome);
    }
  }

  async #upload(): Promise<UploadResult> {
    this.#life.signal.throwIfAborted();
    const { chunkSize = REPLAY_BYTES, limiter } = this.#options;
    const replayBytes = Number.isFinite(chunkSize) ? chunkSize : REPLAY_BYTES;
    const source = await openSource(this.#given, { replayBytes, pieceBytes: pieceBytesFor(limiter) });
    try {
      return await this.#send(source);
    } finally {
      await source.close();
    }
  }

  #send(source: UploadSource): Promise<UploadResult> {
    const session = this.#session;
    const options = this.#options;
    const shared = { source, meter: this.#meter, clock: session.connector.clock };
    if (options.protocol !== "tus") return plainUpload({ session, url: this.#url.href, ...shared }, options);
    const { identity } = source;
    const { stateFolder } = options;
    const remembers = stateFolder !== false && identity !== undefined;
    const memory = remembers ? new UploadMemory(this.#url.href, identity, stateFolder) : undefined;
    const requests = new TusRequests(session, this.#url, options);
    return new TusUpload({ requests, memory, ...shared }, options).run();
  }
}

/**
 * Uploads a file, bytes or a stream to a server that speaks tus (`uploads()` does), or with one PUT or POST; an upload of a file that an
 * earlier run has begun is gone on with. A failure leaves what there is to be gone on with. Rejects with `SluiceError` `upload/…`,
 * `ResponseError` for an error status, and what requests reject with.
 */
export async function upload(
  session: ClientSession,
  url: string | URL,
  source: UploadInput,
  options: UploadOptions = {},
): Promise<UploadResult> {
  return startUpload(session, url, source, options).result;
}

/** {@link upload}, and the means to watch and to end it. Throws `UsageError` for options that cannot be. */
export function startUpload(
  session: ClientSession,
  url: string | URL,
  source: UploadInput,
  options: UploadOptions = {},
): UploadTask {
  return new UploadTask(session, url, source, options);
}

/** Has the server forget an unfinished upload, by its own URL (tus). One that is not there is none. */
export async function terminateUpload(
  session: ClientSession,
  url: string | URL,
  options: Pick<UploadOptions, "headers" | "signal" | "overrideMethod" | "stallTimeout"> = {},
): Promise<void> {
  const where = absolute(session, url);
  await new TusRequests(session, where, resolveUploadOptions(options)).terminate(where.href);
}

function absolute({ baseUrl }: ClientSession, url: string | URL): URL {
  return parseAbsolute(String(url), baseUrl);
}
