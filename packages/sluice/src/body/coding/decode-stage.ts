/**
 * One coding being undone by a stream of the platform, whose work happens on another thread. Strategy: one piece of
 * input is given at a time, and the stream flows unless what comes after it is full; so a stage holds its waiting
 * input, one piece under way and one step's output, never more. The end of the input is passed on only when all output
 * of it has been taken: a stream that then finds its data cut short throws away what it has not given out.
 */

import { PieceQueue } from "../piece-queue.js";

/** The part of a zlib stream that is needed here. */
export interface CodingStream {
  readonly readableLength: number;
  write(piece: Uint8Array, written: () => void): boolean;
  end(): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  on(event: "data", listener: (piece: Uint8Array) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** What comes after a stage: another one, or the decoder's own output. */
export interface StageOutput {
  /** Returns false for "enough". */
  onOutput(piece: Uint8Array): boolean;
  /** The coded data has ended; input after it is ignored. */
  onOutputEnd(): void;
  onStageError(error: Error): void;
  /** `bufferedBytes` has gone down. */
  onInputTaken(): void;
}

/** Bytes needed to tell the two kinds of "deflate" apart. */
const SNIFF_BYTES = 2;
const NOTHING = new Uint8Array(0);

/** Feeds one coding stream. The stream is made when its first bytes are there. */
export class DecodeStage {
  readonly #open: (first: Uint8Array) => CodingStream;
  readonly #output: StageOutput;
  readonly #inputs = new PieceQueue();
  #first: Uint8Array = NOTHING;
  #stream: CodingStream | undefined = undefined;
  #underWay = 0;
  #state: "open" | "ending" | "ended" | "over" = "open";

  constructor(open: (first: Uint8Array) => CodingStream, output: StageOutput) {
    this.#open = open;
    this.#output = output;
  }

  /** Bytes of input not decoded yet. */
  get bufferedBytes(): number {
    return this.#first.byteLength + this.#inputs.byteLength + this.#underWay;
  }

  /** The piece must not change any more. Ignored once the coded data has ended. */
  write(piece: Uint8Array): void {
    if (this.#state !== "open" || piece.byteLength === 0) return;
    this.#inputs.push(piece);
    this.#feed();
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#feed();
  }

  resume(): void {
    if (this.#state === "over") return;
    this.#stream?.resume();
    this.#feed();
  }

  /** Says nothing more. */
  destroy(): void {
    this.#state = "over";
    this.#inputs.clear();
    this.#first = NOTHING;
    this.#underWay = 0;
    this.#stream?.destroy();
  }

  #feed(): void {
    if (this.#underWay > 0 || this.#state === "over" || this.#state === "ended") return;
    const stream = this.#stream;
    if (stream === undefined) {
      this.#tryOpen();
      return;
    }
    const piece = this.#inputs.shift();
    if (piece !== undefined) {
      this.#underWay = piece.byteLength;
      stream.write(piece, this.#onWritten);
    } else if (this.#state === "ending" && stream.readableLength === 0) {
      this.#state = "ended";
      stream.end();
    }
  }

  /** Makes the stream if there are enough bytes to choose it by, or will be no more. Data of no bytes has no stream. */
  #tryOpen(): void {
    for (let piece = this.#inputs.shift(); piece !== undefined; piece = this.#inputs.shift()) {
      this.#first = this.#first.byteLength === 0 ? piece : Buffer.concat([this.#first, piece]);
      if (this.#first.byteLength >= SNIFF_BYTES) break;
    }
    const ending = this.#state === "ending";
    if (ending && this.#first.byteLength === 0) this.#finish();
    else if (ending || this.#first.byteLength >= SNIFF_BYTES) this.#start();
  }

  #start(): void {
    const first = this.#first;
    this.#first = NOTHING;
    const stream = this.#open(first);
    this.#stream = stream;
    stream.on("data", this.#onData);
    stream.on("end", () => this.#finish());
    stream.on("error", this.#onError);
    this.#underWay = first.byteLength;
    stream.write(first, this.#onWritten);
  }

  readonly #onWritten = (): void => {
    if (this.#state === "over") return;
    this.#underWay = 0;
    this.#feed();
    this.#output.onInputTaken();
  };

  readonly #onData = (piece: Uint8Array): void => {
    if (this.#state === "over") return;
    if (!this.#output.onOutput(piece)) this.#stream?.pause();
    this.#feed();
  };

  readonly #onError = (error: Error): void => {
    if (this.#state === "over") return;
    this.destroy();
    this.#output.onStageError(error);
  };

  /** The coded data has ended, perhaps before its input did: then the rest is ignored. */
  #finish(): void {
    if (this.#state === "over") return;
    this.destroy();
    this.#output.onOutputEnd();
  }
}
