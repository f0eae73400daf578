/**
 * One upload by the tus protocol, from its creation or from where an earlier run has left it to the last byte confirmed.
 *
 * The server's word counts: after any failure it is asked how much it has, never assumed. Where it has less than was sent, that is sent
 * again; where it has nothing, the upload begins anew, with a reason. A source that has changed is never gone on with.
 */

import type { Clock } from "../../concurrency/clock.js";
import { isSluiceError, SluiceError } from "../../errors.js";
import { meteredBody } from "./metered-pieces.js";
import type { PartToSend, ServerState, TusRequests } from "./tus-requests.js";
import type { UploadEvent, UploadRestartReason, UploadResult } from "./upload-events.js";
import type { UploadMemory } from "./upload-memory.js";
import type { UploadMeter } from "./upload-meter.js";
import type { ResolvedUploadOptions } from "./upload-options.js";
import { UploadRetry, verdictOn } from "./upload-retry.js";
import type { SourcePart, UploadSource } from "./upload-source.js";

/** What an upload works with. */
export interface UploadTools {
  readonly requests: TusRequests;
  readonly source: UploadSource;
  /** Undefined where nothing is to be remembered. */
  readonly memory: UploadMemory | undefined;
  readonly meter: UploadMeter;
  readonly clock: Clock;
}

/** Parts that lie in memory. */
const PART_BYTES = 8 * 1024 * 1024;
/** A server that loses what it has more often than this will lose it again. */
const MOST_RESTARTS = 3;

/** See the head of this file. */
export class TusUpload {
  readonly #tools: UploadTools;
  readonly #options: ResolvedUploadOptions;
  readonly #retry: UploadRetry;
  #url: string | undefined = undefined;
  /** Whether the server has to be asked what it has. */
  #doubtful = false;
  #lengthKnown = false;
  readonly #restartReasons: UploadRestartReason[] = [];
  #resumedBytes = 0;
  #status = 0;
  #expiresAt: number | undefined = undefined;

  constructor(tools: UploadTools, options: ResolvedUploadOptions) {
    this.#tools = tools;
    this.#options = options;
    this.#retry = new UploadRetry(options, tools.clock);
  }

  /** Resolves when the server has all of it. */
  async run(): Promise<UploadResult> {
    const { source, memory, meter } = this.#tools;
    meter.setTotal(source.size);
    await this.#recall();
    for (;;) {
      try {
        this.#options.signal?.throwIfAborted();
        if (await this.#advance()) break;
      } catch (error) {
        await this.#recover(error);
      }
    }
    await memory?.forget();
    return {
      url: this.#url ?? "",
      size: source.size ?? meter.confirmed,
      resumedBytes: Math.max(0, this.#resumedBytes),
      restarts: this.#restartReasons,
      status: this.#status,
    };
  }

  /** One request. True when the server has everything. */
  async #advance(): Promise<boolean> {
    const { source, meter } = this.#tools;
    if (this.#url === undefined) await this.#create();
    else if (this.#doubtful) await this.#look(this.#url);
    else await this.#append(this.#url);
    return source.size !== undefined && meter.confirmed === source.size && this.#lengthKnown && !this.#doubtful;
  }

  async #create(): Promise<void> {
    const { requests, source, meter } = this.#tools;
    meter.enter("connecting");
    const first = await source.next(0, PART_BYTES);
    const withPart = this.#options.dataWithCreation && first.length > 0;
    const made = await requests.create(source.size, source.name, withPart ? this.#toSend(first) : undefined);
    this.#url = made.url;
    this.#status = made.status;
    this.#lengthKnown = source.size !== undefined;
    this.#doubtful = false;
    meter.setTotal(source.size);
    this.#confirm(made.offset ?? 0);
    await this.#remember(made);
    this.#tell({ type: "created", url: made.url });
  }

  async #look(url: string): Promise<void> {
    const { requests, source } = this.#tools;
    const state = await requests.look(url);
    this.#status = state.status;
    const { size } = source;
    const known = state.length !== undefined;
    const differs = known && size !== undefined && state.length !== size;
    if (differs || (size !== undefined && state.offset > size)) {
      const has = `The server has ${state.offset} of ${state.length ?? "unknown"} bytes, the source ${size}`;
      await this.#restart("mismatch", has);
      return;
    }
    if (known) this.#lengthKnown = true;
    this.#doubtful = false;
    this.#confirm(state.offset);
    if (state.expiresAt !== this.#expiresAt) await this.#remember(state);
    this.#tell({ type: "resumed", url, bytes: state.offset });
  }

  async #append(url: string): Promise<void> {
    const { requests, source, meter } = this.#tools;
    const start = meter.confirmed;
    const part = await source.next(start, this.#mostBytes());
    meter.setTotal(source.size);
    // Without it nothing would ever tell the server that this was all.
    if (part.length === 0 && this.#lengthKnown) throw stuck(start, source.size);
    meter.enter("uploading");
    const length = this.#lengthKnown ? undefined : source.size;
    // From here on until it is confirmed, the server may have more or less than we know.
    this.#doubtful = true;
    const state = await requests.append(url, start, this.#toSend(part), length);
    this.#status = state.status;
    if (length !== undefined) this.#lengthKnown = true;
    if (state.offset === undefined) return;
    const { offset } = state;
    if (offset < start || offset > start + part.length) return;
    this.#doubtful = false;
    this.#confirm(offset);
    if (offset === start && part.length > 0) await this.#wait(stuck(start, source.size));
  }

  async #recover(error: unknown): Promise<void> {
    const { signal } = this.#options;
    const { memory } = this.#tools;
    if (signal?.aborted) throw signal.reason;
    if (isSluiceError(error) && error.code === "upload/changed") await memory?.forget();
    const verdict = verdictOn(error);
    if (verdict === "gone" && this.#url !== undefined) {
      await this.#restart("gone", messageOf(error), error);
      return;
    }
    if (verdict !== "again") throw error;
    this.#tools.meter.confirm(this.#tools.meter.confirmed);
    await this.#wait(error);
  }

  async #wait(error: unknown): Promise<void> {
    this.#tools.meter.enter("waiting");
    await this.#retry.wait(error, (wait, attempt, failure) =>
      this.#tell({ type: "retry", wait, attempt, error: failure }),
    );
  }

  /** Gives up what the server has, or had. Throws `cause`, or an error that says why, where the source cannot be read anew. */
  async #restart(reason: UploadRestartReason, detail: string, cause?: unknown): Promise<void> {
    const { source, memory, meter } = this.#tools;
    if (source.earliest > 0 || this.#restartReasons.length >= MOST_RESTARTS) {
      throw new SluiceError("upload/lost", `Cannot go on with the upload, nor begin it anew: ${detail}`, { cause });
    }
    this.#restartReasons.push(reason);
    await memory?.forget();
    this.#url = undefined;
    this.#doubtful = false;
    this.#resumedBytes = 0;
    this.#retry.reset();
    meter.confirm(0);
    this.#tell({ type: "restarted", reason, detail });
  }

  async #recall(): Promise<void> {
    const { memory, source, clock } = this.#tools;
    const remembered = await memory?.recall();
    if (remembered === undefined) return;
    if (this.#options.fresh) {
      await this.#restart("asked", "An earlier run is to be forgotten");
    } else if (remembered.version !== source.identity?.version) {
      await this.#restart("changed", "The source has changed since the upload was begun");
    } else if ((remembered.expiresAt ?? Number.POSITIVE_INFINITY) <= clock.wallTime()) {
      await this.#restart("expired", "The time that the server gave the upload has run out");
    } else {
      this.#url = remembered.url;
      // What is remembered are files, whose length is said at once.
      this.#lengthKnown = true;
      this.#doubtful = true;
      this.#resumedBytes = -1;
      this.#expiresAt = remembered.expiresAt;
    }
  }

  async #remember({ expiresAt }: ServerState): Promise<void> {
    const { memory, source } = this.#tools;
    this.#expiresAt = expiresAt;
    if (memory === undefined || source.identity === undefined || this.#url === undefined) return;
    await memory.remember({ url: this.#url, version: source.identity.version, expiresAt });
  }

  #confirm(offset: number): void {
    // The first word of the server on an upload of an earlier run.
    if (this.#resumedBytes < 0) this.#resumedBytes = offset;
    this.#tools.meter.confirm(offset);
    this.#retry.reached(offset);
  }

  #mostBytes(): number {
    const { chunkSize, checksum } = this.#options;
    if (chunkSize !== undefined && Number.isFinite(chunkSize)) return chunkSize;
    return checksum === undefined ? Number.POSITIVE_INFINITY : PART_BYTES;
  }

  #toSend(part: SourcePart): PartToSend {
    const { meter, clock } = this.#tools;
    const { limiter, signal } = this.#options;
    return { part, body: meteredBody(part.length, part, { meter, clock, limiter, signal }) };
  }

  #tell(event: UploadEvent): void {
    this.#options.onEvent?.(event);
  }
}

function stuck(offset: number, size: number | undefined): SluiceError {
  return new SluiceError(
    "upload/no-progress",
    `Cannot go on with the upload: the server takes nothing beyond ${offset} of ${size ?? "an unknown number of"} bytes`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
