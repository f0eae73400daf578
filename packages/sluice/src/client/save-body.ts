/** Writing the body of an answer to a file, and telling how far that has come. */
import type { Body } from "../body/body.js";
import { type ProgressListener, ProgressMeter } from "../body/progress.js";
import type { Clock } from "../concurrency/clock.js";
import { SluiceError } from "../errors.js";
import { refuseUnknown, requireFunction } from "../options.js";
import { writeFileAtomically } from "../platform/files.js";
import type { ClientResponse } from "./response.js";

/** What `save` may be told. */
export interface SaveOptions {
  /** Told of the bytes that have come from the wire for what has been written. What it throws ends the saving. */
  readonly onProgress?: ProgressListener | undefined;
  /**
   * Goes on where a saving was interrupted, in this call or an earlier one: `resuming()` of `sluice/transfer`.
   *
   * @default none: the file, or nothing
   */
  readonly resume?: ResumingSave | undefined;
}

/**
 * Saves an answer so that it can be gone on with; resolves to the size of the file in bytes. What it takes stands above the client, so
 * it is handed in.
 */
export type ResumingSave = (
  response: ClientResponse,
  path: string | URL,
  options: Pick<SaveOptions, "onProgress">,
) => Promise<number>;

const KNOWN: ReadonlySet<string> = new Set<keyof SaveOptions>(["onProgress", "resume"]);

/** Saves an answer as `options` say. */
export async function saveResponse(
  response: ClientResponse,
  path: string | URL,
  options: SaveOptions,
): Promise<number> {
  refuseUnknown("save", options, KNOWN);
  const { onProgress, resume } = options;
  if (onProgress !== undefined) requireFunction("onProgress", onProgress);
  if (resume === undefined) return await saveTelling(path, response.body, onProgress, response.request.clock);
  requireFunction("resume", resume);
  return await resume(response, path, { onProgress });
}

/**
 * Writes `pieces` to a file, which appears under `path` only when it is complete. Resolves to its size in bytes. Throws `SluiceError`
 * `response.not-saved` for what the file system refuses; an error of the body stays as it is.
 */
export async function saveBody(path: string | URL, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  try {
    return await writeFileAtomically(path, pieces);
  } catch (error) {
    if (error instanceof SluiceError || !(error instanceof Error)) throw error;
    const message = `Cannot save the body to ${String(path)}: ${error.message}`;
    throw new SluiceError("response.not-saved", message, { phase: "response", cause: error });
  }
}

/** {@link saveBody}, and somebody is told how far it has come: for the last time when the file is there. */
async function saveTelling(
  path: string | URL,
  body: Body,
  onProgress: ProgressListener | undefined,
  clock: Clock,
): Promise<number> {
  if (onProgress === undefined) return saveBody(path, body);
  const told = new ToldPieces(body, new ProgressMeter(onProgress, () => clock.now(), body.declaredLength));
  try {
    const size = await saveBody(path, told);
    told.finish();
    return size;
  } catch (error) {
    throw told.refused ? told.reason : error;
  }
}

/** Passes the pieces of a body on. A failure of the listener is kept apart from those of the body and of the file. */
class ToldPieces implements AsyncIterableIterator<Uint8Array, undefined> {
  refused = false;
  reason: unknown;
  readonly #body: Body;
  readonly #pieces: AsyncIterableIterator<Uint8Array, undefined>;
  readonly #meter: ProgressMeter;

  constructor(body: Body, meter: ProgressMeter) {
    this.#body = body;
    this.#pieces = body[Symbol.asyncIterator]();
    this.#meter = meter;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const result = await this.#pieces.next();
    if (result.done !== true) this.#tell(() => this.#meter.reach(this.#body.bytesReceived));
    return result;
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#pieces.return?.();
    return { value: undefined, done: true };
  }

  finish(): void {
    this.#tell(() => this.#meter.finish(this.#body.bytesReceived));
  }

  #tell(report: () => void): void {
    try {
      report();
    } catch (error) {
      this.refused = true;
      this.reason = error;
      throw error;
    }
  }
}
