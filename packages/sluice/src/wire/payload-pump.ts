/**
 * Sends one message body from a payload to a transport, in the framing its head has announced (RFC 9112 §6). Client and server
 * share it. Strategy: pieces are pulled one at a time and only while the transport has room, so at most one piece and the
 * transport's own high-water mark are in memory; what one turn of the event loop produces (head, first pieces, last chunk)
 * leaves in one write, because the transport stays corked until the turn ends or its buffer is full. What is large goes to the
 * transport at once and in large slices: each write costs the same, whatever its size. A piece that the transport is done with goes
 * back to its payload, which may fill it again.
 *
 * A source that gives another number of bytes than it declared is an error, found before a surplus byte is written: the
 * peer would read the surplus as the next message (RFC 9112 §11.1). After an error the message is incomplete on the wire and
 * the owner has to close the connection.
 */

import type { Payload, PayloadTrailers } from "../body/payload.js";
import { UsageError } from "../errors.js";
import type { SentFraming } from "../http1/framing.js";
import { chunkHead, LAST_CHUNK, writeTrailers } from "../http1/write-head.js";
import type { WriteTarget } from "./write-whole.js";

/**
 * What lies in memory as a whole is written in slices of this many bytes, so that progress is seen in time. They double, up to the most,
 * while the system takes them at once, and halve when one has to wait.
 */
const LEAST_SLICE_BYTES = 64 * 1024;
/** Most bytes of a write. Pieces that are pulled are written whole up to here: whoever made them chose their size. */
const MOST_SLICE_BYTES = 1024 * 1024;
/** After so many bytes without a pause others have their turn: a system that takes all would never let go of us. */
const TURN_BYTES = 4 * 1024 * 1024;
/** Chunks up to this many bytes are copied between their size line and line end; larger ones are written beside them. */
const COPY_BYTES = 8 * 1024;
const CRLF_BYTES = 2;

/** `length`: exactly the declared bytes; `chunked`: RFC 9112 §7.1; `until-close`: as they come, the connection's end is the end. */
export type PumpFraming = Exclude<SentFraming, "none">;

/** Told what becomes of a body. Each may be called before `start`, `onDrain` or `cancel` returns. */
export interface PumpOwner {
  /** Once: every byte, and the last chunk where there is one, was handed to the transport. */
  onPumpDone(): void;
  /** Once, instead of `onPumpDone`: the source failed or broke its promise. The body on the wire is cut short. */
  onPumpError(error: Error): void;
  /** So many more body bytes (framing not counted) were handed to the transport. */
  onPumpProgress(bodyBytes: number): void;
}

/**
 * Where the pump stands: `source` waits for a piece, `drain` for room in the transport, `done` covers finished, failed and
 * cancelled.
 */
export type PumpState = "idle" | "source" | "drain" | "done";

/** Sends one body; made for one message and started once. */
export class PayloadPump {
  readonly #target: WriteTarget;
  readonly #owner: PumpOwner;
  #state: PumpState = "idle";
  #framing: PumpFraming = "until-close";
  #declared = Number.POSITIVE_INFINITY;
  #sent = 0;
  #iterator: AsyncIterator<unknown> | undefined;
  #piece: Uint8Array | undefined;
  #offset = 0;
  /** The source has ended, or is a single piece in memory. */
  #lastPiece = false;
  #trailers: PayloadTrailers | undefined;
  #payload: Payload | undefined;
  #sliceBytes = MOST_SLICE_BYTES;
  #turnBytes = 0;
  #flush: NodeJS.Immediate | undefined;
  #breath: NodeJS.Immediate | undefined;

  constructor(target: WriteTarget, owner: PumpOwner) {
    this.#target = target;
    this.#owner = owner;
  }

  get state(): PumpState {
    return this.#state;
  }

  /** Body bytes handed to the transport so far. */
  get bytesSent(): number {
    return this.#sent;
  }

  /**
   * Begins to send. `head` is latin1 text that goes before the body, in the same write as its first piece where that is ready
   * within this turn of the event loop; "" if the head has left already. `declaredBytes` is what the head promised under
   * `length` framing, where it is not the payload's own length.
   */
  start(payload: Payload, framing: PumpFraming, head = "", declaredBytes = payload.length): void {
    if (this.#state !== "idle") throw new UsageError("body/already-used", "Cannot start a payload pump twice");
    this.#framing = framing;
    if (framing === "length") this.#declared = declaredBytes ?? 0;
    else if (framing === "chunked") this.#trailers = payload.trailers;
    this.#cork();
    if (head !== "") this.#target.write(head, "latin1");
    this.#state = "source";
    if (payload.whole !== undefined) {
      this.#lastPiece = true;
      this.#sliceBytes = LEAST_SLICE_BYTES;
      this.#take(payload.whole);
      return;
    }
    this.#payload = payload;
    try {
      this.#iterator = payload.open()[Symbol.asyncIterator]();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#pull();
  }

  /** The transport has room again. */
  onDrain(): void {
    if (this.#state !== "drain") return;
    this.#stopBreath();
    this.#state = "source";
    this.#writePiece();
  }

  /** Stops without a further callback and releases the source. Harmless when done. */
  cancel(): void {
    if (this.#state === "done") return;
    this.#settle();
    this.#release();
  }

  readonly #onPiece = (result: IteratorResult<unknown>): void => {
    if (this.#state !== "source") return;
    if (result.done === true) this.#finish();
    else this.#take(result.value);
  };

  readonly #onSourceError = (error: unknown): void => {
    // The iteration has ended by itself, so there is nothing left to release.
    this.#iterator = undefined;
    if (this.#state === "source") this.#fail(error);
  };

  #pull(): void {
    const iterator = this.#iterator;
    if (iterator === undefined) return;
    try {
      iterator.next().then(this.#onPiece, this.#onSourceError);
    } catch (error) {
      this.#onSourceError(error);
    }
  }

  /** Checks one piece against its kind and the declared length, then writes it. */
  #take(value: unknown): void {
    const piece = typeof value === "string" ? Buffer.from(value, "utf8") : value;
    if (!(piece instanceof Uint8Array)) {
      this.#fail(
        new UsageError("body/bad-piece", `Cannot send a body piece of type ${typeof value}: expected bytes or text`),
      );
      return;
    }
    if (this.#sent + piece.byteLength > this.#declared) {
      this.#fail(lengthMismatch("more than", this.#declared, this.#sent + piece.byteLength));
      return;
    }
    this.#piece = piece;
    this.#offset = 0;
    this.#writePiece();
  }

  /** Writes slices until the piece is done or the transport is full, then pulls the next piece. */
  #writePiece(): void {
    const piece = this.#piece;
    while (piece !== undefined && this.#offset < piece.byteLength) {
      const whole = this.#offset === 0 && piece.byteLength <= this.#sliceBytes;
      const slice = whole ? piece : piece.subarray(this.#offset, this.#offset + this.#sliceBytes);
      this.#offset += slice.byteLength;
      this.#sent += slice.byteLength;
      // A large slice gains nothing from being collected, and that the system takes it at once is seen only if it may leave.
      if (slice.byteLength < LEAST_SLICE_BYTES || this.#framing === "chunked") this.#cork();
      const room = this.#writeSlice(slice);
      this.#owner.onPumpProgress(slice.byteLength);
      if (this.#state !== "source") return;
      if (!room) {
        this.#awaitRoom();
        return;
      }
      if (this.#lastPiece) this.#sliceBytes = Math.min(2 * this.#sliceBytes, MOST_SLICE_BYTES);
      this.#turnBytes += slice.byteLength;
      if (this.#turnBytes >= TURN_BYTES) {
        this.#breathe();
        return;
      }
    }
    this.#piece = undefined;
    if (this.#lastPiece) {
      this.#finish();
      return;
    }
    if (piece !== undefined && this.#target.holds === false) this.#payload?.takeBack?.(piece);
    this.#pull();
  }

  #awaitRoom(): void {
    if (this.#lastPiece) this.#sliceBytes = Math.max(this.#sliceBytes / 2, LEAST_SLICE_BYTES);
    this.#turnBytes = 0;
    this.#state = "drain";
    this.#uncork();
  }

  /** Goes on in the next turn of the event loop. */
  #breathe(): void {
    this.#turnBytes = 0;
    this.#state = "drain";
    this.#uncork();
    this.#breath = setImmediate(this.#onBreath);
  }

  readonly #onBreath = (): void => {
    this.#breath = undefined;
    this.onDrain();
  };

  #stopBreath(): void {
    if (this.#breath === undefined) return;
    clearImmediate(this.#breath);
    this.#breath = undefined;
  }

  #writeSlice(slice: Uint8Array): boolean {
    if (this.#framing !== "chunked") return this.#target.write(slice);
    const sizeLine = chunkHead(slice.byteLength);
    if (slice.byteLength > COPY_BYTES) {
      this.#target.write(sizeLine, "latin1");
      this.#target.write(slice);
      return this.#target.write("\r\n", "latin1");
    }
    const end = sizeLine.length + slice.byteLength;
    const chunk = Buffer.allocUnsafe(end + CRLF_BYTES);
    chunk.write(sizeLine, 0, "latin1");
    chunk.set(slice, sizeLine.length);
    chunk.write("\r\n", end, "latin1");
    return this.#target.write(chunk);
  }

  #finish(): void {
    this.#iterator = undefined;
    if (this.#framing === "length" && this.#sent !== this.#declared) {
      this.#fail(lengthMismatch("less than", this.#declared, this.#sent));
      return;
    }
    if (this.#trailers !== undefined) {
      this.#askTrailers(this.#trailers);
      return;
    }
    if (this.#framing === "chunked") this.#target.write(LAST_CHUNK, "latin1");
    this.#settle();
    this.#owner.onPumpDone();
  }

  /** The trailer section is made when the body is over, and may take its time. */
  #askTrailers(trailers: PayloadTrailers): void {
    try {
      Promise.resolve(trailers.make()).then(this.#onTrailers, this.#onSourceError);
    } catch (error) {
      this.#onSourceError(error);
    }
  }

  readonly #onTrailers = (fields: readonly string[]): void => {
    if (this.#state !== "source") return;
    let section: string;
    try {
      section = writeTrailers(fields);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#target.write(section, "latin1");
    this.#settle();
    this.#owner.onPumpDone();
  };

  #fail(reason: unknown): void {
    const error =
      reason instanceof Error
        ? reason
        : new UsageError("body/source-failed", "The body's source threw something that is no Error", { cause: reason });
    this.#settle();
    this.#release();
    this.#owner.onPumpError(error);
  }

  #settle(): void {
    this.#state = "done";
    this.#piece = undefined;
    this.#stopBreath();
    this.#uncork();
  }

  /** Ends the iteration early, so that a generator's `finally` runs and a file is closed. */
  #release(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    if (iterator?.return === undefined) return;
    // What made us stop is the error the owner hears of; a second one while cleaning up has nobody left to tell.
    const ignore = (): void => undefined;
    Promise.resolve()
      .then(() => iterator.return?.())
      .then(ignore, ignore);
  }

  /** Collects writes until the turn of the event loop ends. */
  #cork(): void {
    if (this.#flush !== undefined) return;
    this.#target.cork();
    this.#flush = setImmediate(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    this.#flush = undefined;
    this.#target.uncork();
  };

  #uncork(): void {
    if (this.#flush === undefined) return;
    clearImmediate(this.#flush);
    this.#onTurnEnd();
  }
}

function lengthMismatch(relation: string, declaredBytes: number, givenBytes: number): UsageError {
  return new UsageError(
    "body/length-mismatch",
    `Cannot send the body: its source gave ${relation} the declared ${declaredBytes} bytes (${givenBytes})`,
  );
}
