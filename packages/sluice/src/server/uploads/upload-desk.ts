/**
 * What can be done with uploads: create, look at, append to, terminate; each under the upload's lock, each held to the limits. How a
 * request says it and how it is answered is `tus-handlers.ts`; where the bytes lie is the store's.
 *
 * An upload exists from the moment its record is durable until it is terminated or expires. Its offset is what the store has made
 * durable, never more, so a client may forget every byte before it.
 */

import { randomHex } from "../../platform/random.js";
import { report } from "../error-report.js";
import { HttpError } from "../http-error.js";
import type { ServerRequest } from "../request/server-request.js";
import { completeUpload, isWhole } from "./complete-upload.js";
import { receiveUpload } from "./receive-upload.js";
import { badField, type TusChecksum } from "./tus-fields.js";
import { noRoom, UploadAccounts } from "./upload-accounts.js";
import { UploadExpiry } from "./upload-expiry.js";
import { infoOf } from "./upload-info.js";
import { UploadLocks } from "./upload-locks.js";
import type { StoredUpload, UploadRecord, UploadStore } from "./upload-store.js";
import type { ResolvedUploadsOptions, UploadAction } from "./uploads-options.js";

/** An upload as a client may know it. */
export interface UploadState {
  readonly record: UploadRecord;
  readonly offset: number;
  /** Milliseconds since the Unix epoch; undefined for one that is complete, or never expires. */
  readonly expiresAt: number | undefined;
}

/** The body of a request, if it is to go into the upload. */
export interface Incoming {
  readonly checksum: TusChecksum | undefined;
}

/** What a PATCH asks for. */
export interface AppendAsk extends Incoming {
  readonly offset: number;
  /** Declared now, for an upload whose length was not known; or again. */
  readonly length: number | undefined;
}

/** What a POST asks for. */
export interface CreateAsk {
  /** Undefined: declared later. */
  readonly length: number | undefined;
  /** `Upload-Metadata`, valid. */
  readonly metadata: string;
  readonly incoming: Incoming | undefined;
}

const ID_BYTES = 16;

/** See the head of this file. */
export class UploadDesk {
  readonly #store: UploadStore;
  readonly #options: ResolvedUploadsOptions;
  readonly #locks = new UploadLocks();
  readonly #accounts: UploadAccounts;
  readonly #expiry: UploadExpiry;
  #started: Promise<void> | undefined = undefined;

  constructor(store: UploadStore, options: ResolvedUploadsOptions) {
    this.#store = store;
    this.#options = options;
    this.#accounts = new UploadAccounts(options.limits);
    this.#expiry = new UploadExpiry(options, () => this.#sweep());
  }

  /** Takes in what is there, completes what a crash has interrupted, and begins to sweep. The same for whoever asks again. */
  start(): Promise<void> {
    this.#started ??= this.#begin().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  /** Ends the sweeping. */
  stop(): void {
    this.#expiry.stop();
  }

  async create(request: ServerRequest, ask: CreateAsk): Promise<UploadState> {
    const { length, metadata, incoming } = ask;
    const { limits, hooks, clock } = this.#options;
    if (length !== undefined && length > limits.maxSize) throw tooLarge(length, limits.maxSize);
    await hooks.authorize?.(request, "create", undefined);
    const id = randomHex(ID_BYTES);
    const createdAt = clock.wallTime();
    const record = { id, length, metadata, createdAt, name: undefined, placedAt: undefined, completedAt: undefined };
    await hooks.onCreate?.(infoOf(record, 0), request);
    this.#accounts.open(id, length ?? 0);
    const release = await this.#locks.acquire(id, undefined);
    let stored: StoredUpload | undefined;
    try {
      await this.#requireSpace(length ?? 0);
      stored = await this.#store.create(record);
      return await this.#fill(request, stored, incoming);
    } catch (error) {
      if (stored === undefined || !isWhole(stored)) {
        // Its client has not been told where it is, so nobody could ever go on with it.
        this.#accounts.release(id);
        await this.#store.remove(id);
      }
      throw error;
    } finally {
      release();
    }
  }

  async inspect(request: ServerRequest, id: string): Promise<UploadState> {
    await this.#authorize(request, "inspect", id);
    return this.#with(id, request.signal, undefined, async (stored) => {
      if (isWhole(stored)) await this.#complete(stored);
      return this.#stateOf(stored);
    });
  }

  async append(request: ServerRequest, id: string, ask: AppendAsk): Promise<UploadState> {
    await this.#authorize(request, "append", id);
    const takeover = new AbortController();
    const giveWay = (): void => takeover.abort(takenOver());
    // Of a client that has gone already what has come is kept nevertheless: hence no signal of its own.
    return this.#with(id, undefined, giveWay, async (stored) => {
      if (ask.offset !== stored.offset) throw wrongOffset(ask.offset, stored.offset);
      if (ask.length !== undefined) await this.#declareLength(stored, ask.length);
      await this.#receive(request, stored, ask, takeover.signal);
      return this.#stateOf(stored);
    });
  }

  async terminate(request: ServerRequest, id: string): Promise<void> {
    await this.#authorize(request, "terminate", id);
    await this.#with(id, request.signal, undefined, (stored) => this.#remove(stored, "client"));
  }

  async #begin(): Promise<void> {
    await this.#store.start();
    for (const id of await this.#store.list()) {
      await this.#quietly(() => this.#with(id, undefined, undefined, (stored) => this.#takeIn(stored)));
    }
    this.#expiry.start();
  }

  async #takeIn(stored: StoredUpload): Promise<void> {
    const { record } = stored;
    if (record.completedAt !== undefined) return;
    this.#accounts.restore(record.id, record.length ?? stored.offset);
    if (isWhole(stored)) await this.#complete(stored);
  }

  async #fill(request: ServerRequest, stored: StoredUpload, incoming: Incoming | undefined): Promise<UploadState> {
    try {
      if (incoming !== undefined) await this.#receive(request, stored, incoming, request.signal);
      else if (isWhole(stored)) await this.#complete(stored);
      return this.#stateOf(stored);
    } finally {
      await stored.close();
    }
  }

  /** Takes the body in, and completes the upload if that was the last of it. */
  async #receive(request: ServerRequest, stored: StoredUpload, incoming: Incoming, signal: AbortSignal): Promise<void> {
    const { limits, clock } = this.#options;
    const { id, length } = stored.record;
    const most = length ?? Math.min(limits.maxSize, this.#accounts.roomBeyond(id));
    const room = Math.max(0, most - stored.offset);
    const expected = request.contentLength;
    if (expected !== undefined && expected > room) throw beyondEnd(expected, room);
    const { maxRate } = limits;
    const { checksum } = incoming;
    const onDurable = (): void => this.#progress(stored);
    const rules = { room, expected, checksum, maxRate, clock, signal, onDurable };
    try {
      await receiveUpload(stored, request.body, rules);
    } finally {
      if (length === undefined) this.#accounts.restore(id, stored.offset);
    }
    if (isWhole(stored)) await this.#complete(stored);
  }

  async #declareLength(stored: StoredUpload, length: number): Promise<void> {
    const { record, offset } = stored;
    if (record.length === length) return;
    if (record.length !== undefined) throw badField("Upload-Length", `it was ${record.length} before`);
    if (length < offset) throw badField("Upload-Length", `${offset} bytes have been received`);
    const { maxSize } = this.#options.limits;
    if (length > maxSize) throw tooLarge(length, maxSize);
    if (length > this.#accounts.roomBeyond(record.id)) throw noRoom(`for ${length} bytes`);
    await this.#requireSpace(length - offset);
    await stored.update({ ...record, length });
    this.#accounts.restore(record.id, length);
  }

  async #complete(stored: StoredUpload): Promise<void> {
    await completeUpload(stored, this.#options);
    this.#accounts.release(stored.record.id);
  }

  async #requireSpace(bytes: number): Promise<void> {
    const free = await this.#store.freeBytes();
    if (bytes + this.#options.limits.minFreeBytes > free) throw noRoom(`for ${bytes} bytes on the disk`);
  }

  async #authorize(request: ServerRequest, action: UploadAction, id: string): Promise<void> {
    const { authorize } = this.#options.hooks;
    if (authorize === undefined) return;
    // Before the lock is asked for: who may not must not disturb who may.
    const stored = await this.#open(id);
    try {
      await authorize(request, action, infoOf(stored.record, stored.offset));
    } finally {
      await stored.close();
    }
  }

  /** Runs `job` with an upload that is there, alone. `HttpError` 404 `upload/unknown`, 410 `upload/expired`, 423 `upload/busy`. */
  async #with<T>(
    id: string,
    signal: AbortSignal | undefined,
    giveWay: (() => void) | undefined,
    job: (stored: StoredUpload) => Promise<T>,
  ): Promise<T> {
    const release = await this.#locks.acquire(id, signal, giveWay);
    try {
      const stored = await this.#open(id);
      try {
        if (this.#expiry.hasExpired(stored)) {
          await this.#remove(stored, "expired");
          throw gone();
        }
        return await job(stored);
      } finally {
        await stored.close();
      }
    } finally {
      release();
    }
  }

  async #open(id: string): Promise<StoredUpload> {
    const stored = await this.#store.open(id);
    if (stored !== undefined) return stored;
    throw this.#expiry.isGone(id) ? gone() : new HttpError(404, "There is no such upload", { code: "upload/unknown" });
  }

  async #remove(stored: StoredUpload, reason: "client" | "expired"): Promise<void> {
    const { record, offset } = stored;
    await stored.close();
    await this.#store.remove(record.id);
    this.#accounts.release(record.id);
    this.#expiry.remember(record.id);
    if (record.completedAt !== undefined) return;
    await this.#quietly(() => this.#options.hooks.onTerminate?.(infoOf(record, offset), reason));
  }

  /** Removes what has expired and is not being worked on. */
  async #sweep(): Promise<void> {
    for (const id of await this.#store.list()) {
      if (this.#locks.isHeld(id)) continue;
      await this.#quietly(async () => {
        const stored = await this.#store.open(id);
        await stored?.close();
        if (stored === undefined || !this.#expiry.hasExpired(stored)) return;
        await this.#with(id, undefined, undefined, async () => undefined).catch(ignoreRefusal);
      });
    }
  }

  #progress(stored: StoredUpload): void {
    const { onProgress } = this.#options.hooks;
    if (onProgress === undefined) return;
    try {
      onProgress(infoOf(stored.record, stored.offset));
    } catch (error) {
      report(this.#options.onError, error, undefined);
    }
  }

  async #quietly(job: () => unknown): Promise<void> {
    try {
      await job();
    } catch (error) {
      report(this.#options.onError, error, undefined);
    }
  }

  #stateOf(stored: StoredUpload): UploadState {
    return { record: stored.record, offset: stored.offset, expiresAt: this.#expiry.expiresAt(stored) };
  }
}

function wrongOffset(asked: number, offset: number): HttpError {
  const message = `Cannot append at ${asked}: the upload's offset is ${offset}`;
  return new HttpError(409, message, { code: "upload/wrong-offset", headers: { "Upload-Offset": String(offset) } });
}

function tooLarge(length: number, maxSize: number): HttpError {
  const message = `Cannot take an upload of ${length} bytes: limit is ${maxSize}`;
  return new HttpError(413, message, { code: "upload/too-large" });
}

function beyondEnd(bytes: number, room: number): HttpError {
  const message = `Cannot take ${bytes} bytes: the upload has room for ${room} more`;
  return new HttpError(413, message, { code: "upload/too-long" });
}

function takenOver(): HttpError {
  return new HttpError(423, "Another request has gone on with this upload", { code: "upload/taken-over" });
}

function gone(): HttpError {
  return new HttpError(410, "This upload is not there any more", { code: "upload/gone" });
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof HttpError)) throw error;
}
