/**
 * Reads a multipart body part by part, holding no more than a piece of the wire and what the current part's reader leaves.
 *
 * Strategy: everything is pulled. The parser is fed only while somebody waits: for the next part, or for bytes of the part whose
 * content is arriving. A piece is parsed as a whole, so it may complete several parts; these wait their turn. Asking for the next part
 * lets the rest of the one before pass, unless somebody is collecting it at that moment.
 */

import { PayloadError, type SluiceError, UsageError } from "../../errors.js";
import type { BodyFlow } from "../body-flow.js";
import { failReader } from "../reading/fail-reader.js";
import { dropRest } from "../reading/whole.js";
import type { MultipartLimits } from "./multipart-limits.js";
import { MultipartParser, type MultipartSink } from "./multipart-parser.js";
import { MultipartPart, type PartOwner, type SavePart } from "./multipart-part.js";

/** What follows the last boundary is let by up to this many bytes; for more the connection is given up. */
const EPILOGUE_BYTES = 64 * 1024;
/** Most characters of a part's name in a message. */
const SHOWN_CHARACTERS = 64;
const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

type Result = IteratorResult<MultipartPart, undefined>;

/** What a reader needs beside the body itself. */
export interface MultipartSettings {
  readonly boundary: string;
  readonly limits: MultipartLimits;
  /** Most bytes of one part that its whole-body readers take in. */
  readonly maxBytes: number;
  readonly save: SavePart;
}

/** Iterates over the parts of one body. `return` (which leaving `for await` calls) cancels what has not been read. */
export class MultipartReader implements AsyncIterableIterator<MultipartPart, undefined>, MultipartSink, PartOwner {
  readonly #flow: BodyFlow;
  readonly #settings: MultipartSettings;
  readonly #parser: MultipartParser;
  /** Parts that have begun and were not asked for yet. */
  readonly #parts: MultipartPart[] = [];
  #waiters: ((result: Result | Promise<never>) => void)[] = [];
  /** The part whose content is arriving. */
  #arriving: MultipartPart | undefined = undefined;
  #arrivedBytes = 0;
  #fields = 0;
  /** The part that was given out last. */
  #given: MultipartPart | undefined = undefined;
  #partWaits = false;
  #state: "reading" | "over" | "failed" = "reading";
  #error: unknown;
  #pumping = false;
  #awaitingFlow = false;

  constructor(flow: BodyFlow, settings: MultipartSettings) {
    this.#flow = flow;
    this.#settings = settings;
    this.#parser = new MultipartParser(settings.boundary, settings.limits, this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next part, when its header has arrived. What is left of the one before is passed over. */
  next(): Promise<Result> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#passOver();
      this.#pump();
    });
  }

  return(): Promise<Result> {
    if (this.#state === "reading") {
      this.#state = "over";
      this.#flow.cancel(undefined);
      this.#arriving?.body.fail(new UsageError("body/cancelled", "Cannot read on: the multipart body was cancelled"));
    }
    this.#parts.length = 0;
    this.#serve();
    return Promise.resolve(DONE);
  }

  // ── the parser's side ──────────────────────────────────────────────────────────────────────────────────────────────

  onPart(fields: readonly string[]): void {
    const { save, maxBytes } = this.#settings;
    const part = new MultipartPart(fields, { owner: this, save, maxBytes });
    if (part.isField) this.#countField();
    this.#arriving = part;
    this.#arrivedBytes = 0;
    this.#parts.push(part);
    this.#serve();
  }

  onContent(piece: Uint8Array, borrowed: boolean): void {
    const part = this.#arriving;
    if (part === undefined) return;
    this.#countBytes(part, piece.byteLength);
    part.body.push(piece, borrowed);
  }

  onPartEnd(): void {
    const part = this.#arriving;
    this.#arriving = undefined;
    this.#partWaits = false;
    part?.body.finish([]);
  }

  #countField(): void {
    const { maxFields } = this.#settings.limits;
    this.#fields += 1;
    if (this.#fields > maxFields)
      throw refused("multipart/too-many-fields", `more than ${maxFields} fields (maxFields)`);
  }

  #countBytes(part: MultipartPart, bytes: number): void {
    const { maxFieldBytes, maxFileBytes } = this.#settings.limits;
    this.#arrivedBytes += bytes;
    if (this.#arrivedBytes <= (part.isField ? maxFieldBytes : maxFileBytes)) return;
    const name = JSON.stringify(part.name?.slice(0, SHOWN_CHARACTERS) ?? "");
    throw part.isField
      ? refused("multipart/field-too-large", `field ${name} has more than ${maxFieldBytes} bytes (maxFieldBytes)`)
      : refused("multipart/file-too-large", `file ${name} has more than ${maxFileBytes} bytes (maxFileBytes)`);
  }

  // ── the parts' side ────────────────────────────────────────────────────────────────────────────────────────────────

  partWaits(part: MultipartPart, waiting: boolean): void {
    if (part !== this.#arriving) return;
    this.#partWaits = waiting;
    if (waiting) this.#pump();
  }

  describe(error: SluiceError): void {
    this.#flow.owner?.describe(error);
  }

  translate(error: unknown): unknown {
    const { owner } = this.#flow;
    return owner?.translate === undefined ? error : owner.translate(error);
  }

  // ── within ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The part that was given out last is not wanted any more, unless somebody is collecting it right now. */
  #passOver(): void {
    const part = this.#given;
    this.#given = undefined;
    if (part === undefined || part.body.settled) return;
    if (!part.body.used) void part.body.discard();
    else if (!this.#partWaits) {
      part.body.cancel(
        new UsageError("multipart/part-passed", "Cannot read on: the next part was asked for before this one was read"),
      );
    }
  }

  #pump(): void {
    this.#serve();
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#wanted() && this.#step());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#pumping = false;
    }
  }

  #wanted(): boolean {
    return this.#state === "reading" && !this.#awaitingFlow && (this.#waiters.length > 0 || this.#partWaits);
  }

  /** Feeds one piece, or the end; false if there is neither yet. */
  #step(): boolean {
    const piece = this.#flow.take();
    if (piece !== undefined) {
      this.#parser.feed(piece, false);
      if (this.#parser.closed) this.#close();
      return true;
    }
    if (this.#flow.atEnd()) {
      this.#parser.end();
      return true;
    }
    this.#awaitingFlow = true;
    this.#flow.wait(this.#onReady);
    return !this.#awaitingFlow;
  }

  readonly #onReady = (): void => {
    this.#awaitingFlow = false;
    this.#pump();
  };

  /** The last boundary has come: what follows means nothing, but its passing frees the connection. */
  #close(): void {
    this.#state = "over";
    void dropRest(this.#flow, EPILOGUE_BYTES);
    this.#serve();
  }

  #fail(error: unknown): void {
    if (this.#state !== "reading") return;
    this.#state = "failed";
    this.#error = error;
    const reason = error instanceof Error ? error : new PayloadError("multipart/truncated", String(error));
    this.#flow.cancel(reason);
    this.#arriving?.body.fail(reason);
    this.#arriving = undefined;
    this.#serve();
  }

  /** Gives those who wait what there is, in order. */
  #serve(): void {
    while (this.#waiters.length > 0) {
      const part = this.#parts.shift();
      if (part === undefined && this.#state === "reading") return;
      const waiter = this.#waiters.shift();
      if (part !== undefined) {
        this.#given = part;
        waiter?.({ value: part, done: false });
      } else if (this.#state === "failed") {
        this.#state = "over";
        waiter?.(failReader(this.#flow, this.#error));
      } else {
        waiter?.(DONE);
      }
    }
  }
}

function refused(code: string, why: string): PayloadError {
  return new PayloadError(code, `Cannot read the multipart body: ${why}`);
}
