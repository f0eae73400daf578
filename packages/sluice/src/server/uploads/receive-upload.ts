/**
 * The body of one request on its way into an upload. Bytes are written while the next ones arrive, and synced now and then, so that
 * what a crash can take back is bounded; what counts is only what was synced. A body that breaks off is kept as far as it came. One
 * with a checksum is kept whole or not at all: until the checksum is right nobody may count on any of it.
 */

import type { Body } from "../../body/body.js";
import type { Clock } from "../../concurrency/clock.js";
import { sleep } from "../../concurrency/sleep.js";
import { TokenBucket } from "../../concurrency/token-bucket.js";
import { codeOf } from "../../platform/durable-files.js";
import { startDigest } from "../../platform/running-digest.js";
import { HttpError } from "../http-error.js";
import { ArrivingBatches, type BatchRules } from "./arriving-batches.js";
import type { TusChecksum } from "./tus-fields.js";
import type { StoredUpload } from "./upload-store.js";

/** How a body is received. */
export interface ReceiveRules {
  /** Most bytes that may come. */
  readonly room: number;
  /** Bytes that the request says will come. */
  readonly expected: number | undefined;
  readonly checksum: TusChecksum | undefined;
  /** Bytes a second. */
  readonly maxRate: number;
  readonly clock: Clock;
  /** Somebody else wants the upload. */
  readonly signal: AbortSignal;
  /** Told when more has become durable. */
  readonly onDurable: () => void;
}

/** Bytes collected before they are written: each write is a trip to another thread. */
const WRITE_BYTES = 1024 * 1024;
/** What a crash may take back at most: so many bytes, or so many milliseconds. */
const SYNC_BYTES = 32 * 1024 * 1024;
const SYNC_MS = 2_000;
/** The steps in which `maxRate` lets bytes through. */
const RATE_STEP_BYTES = 64 * 1024;
const NO_SPACE: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/**
 * Appends `body` to the upload; resolves when all of it is durable. Rejects with what the body fails with, after what came before was made
 * durable; with `HttpError` 413 `upload/too-long` beyond `room`, 460 `upload/checksum`, 507 `upload/no-space`.
 */
export async function receiveUpload(stored: StoredUpload, body: Body, rules: ReceiveRules): Promise<void> {
  const { checksum } = rules;
  const digest = checksum === undefined ? undefined : startDigest(checksum.algorithm);
  const writer = new Writer(stored, rules);
  const bucket = bucketOf(rules.maxRate);
  try {
    for await (const batch of new ArrivingBatches(body, batchRulesOf(rules))) {
      digest?.update(batch);
      await writer.write(batch);
      if (bucket !== undefined) await holdBack(bucket, batch.byteLength, rules);
    }
  } catch (error) {
    throw await writer.rescue(asAnswer(error));
  }
  if (checksum !== undefined && digest !== undefined && !Buffer.from(checksum.digest).equals(digest.bytes())) {
    await stored.revert();
    throw new HttpError(460, "Cannot keep the body: its checksum is another than Upload-Checksum says", {
      code: "upload/checksum",
    });
  }
  await writer.sync();
}

/** Writes, and syncs now and then. */
class Writer {
  readonly #stored: StoredUpload;
  readonly #rules: ReceiveRules;
  #unsyncedBytes = 0;
  #syncedAt: number;

  constructor(stored: StoredUpload, rules: ReceiveRules) {
    this.#stored = stored;
    this.#rules = rules;
    this.#syncedAt = rules.clock.now();
  }

  async write(batch: Uint8Array): Promise<void> {
    await this.#stored.write([batch]);
    if (this.#rules.checksum !== undefined) return;
    this.#unsyncedBytes += batch.byteLength;
    const now = this.#rules.clock.now();
    if (this.#unsyncedBytes < SYNC_BYTES && now - this.#syncedAt < SYNC_MS) return;
    this.#unsyncedBytes = 0;
    this.#syncedAt = now;
    await this.sync();
  }

  /** Resolves when everything that was written is durable. */
  async sync(): Promise<void> {
    await this.#stored.sync(this.#rules.clock.wallTime());
    this.#rules.onDurable();
  }

  /** Keeps what can be kept of a body that broke off on account of `error`, and gives the error to go on with. */
  async rescue(error: unknown): Promise<unknown> {
    if (this.#rules.checksum !== undefined) {
      await this.#stored.revert();
      return error;
    }
    // The first failure is the one to tell. What the store has written before it counts, if it can be synced; nobody was promised it.
    await this.sync().catch(() => undefined);
    return error;
  }
}

function batchRulesOf({ room, expected, maxRate, clock, signal }: ReceiveRules): BatchRules {
  // What is let through in steps is taken in steps, or its client would see it stand still in between.
  const most = maxRate === Number.POSITIVE_INFINITY ? WRITE_BYTES : RATE_STEP_BYTES;
  let left = room;
  const onArrival = (byteLength: number): void => {
    left -= byteLength;
    if (left < 0) throw tooLong();
  };
  return { batchBytes: Math.max(1, Math.min(most, expected ?? most)), clock, signal, onArrival };
}

function bucketOf(maxRate: number): TokenBucket | undefined {
  return maxRate === Number.POSITIVE_INFINITY
    ? undefined
    : new TokenBucket({ perSecond: maxRate, burst: RATE_STEP_BYTES });
}

async function holdBack(bucket: TokenBucket, byteLength: number, { clock, signal }: ReceiveRules): Promise<void> {
  for (let left = byteLength; left > 0; left -= RATE_STEP_BYTES) {
    const waitMs = bucket.take(clock.now(), Math.min(left, RATE_STEP_BYTES));
    if (waitMs > 0) await sleep(waitMs, { clock, signal });
  }
}

function tooLong(): HttpError {
  return new HttpError(413, "Cannot take the body: it goes beyond the end of the upload", { code: "upload/too-long" });
}

/** A full disk is the server's state, not its fault. */
function asAnswer(error: unknown): unknown {
  if (!NO_SPACE.has(codeOf(error))) return error;
  return new HttpError(507, "Cannot keep more of the upload: there is no room", {
    code: "upload/no-space",
    cause: error,
  });
}
