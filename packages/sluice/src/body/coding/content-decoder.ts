/**
 * Undoes the content codings of one body.
 *
 * Strategy: coded bytes are held until somebody reads. A body that is complete by then and small is decoded at once,
 * which is four times cheaper than a stream; if that would give a lot of output, or the body is larger or still
 * arriving, a chain of streaming stages takes over, each with its own flow control, so that memory is bounded whatever
 * the data expands to.
 *
 * Two guards: bytes of output, and the ratio of output to input. One layer of deflate cannot expand beyond 1032:1, so
 * the default ratio refuses no gzip; what it stops is data that was compressed several times over, or with br or zstd,
 * to keep us busy.
 */

import { PayloadError, ResponseTooLargeError } from "../../errors.js";
import type { BodyDecoder, DecoderDemand, DecoderSink } from "../body-decoder.js";
import { Collector } from "../collect.js";
import { copyBorrowed } from "../own-bytes.js";
import { PieceQueue } from "../piece-queue.js";
import { type CodingStream, DecodeStage, type StageOutput } from "./decode-stage.js";

/** What a peer may make us produce. */
export interface DecodeLimits {
  /**
   * Most bytes of output; beyond it `ResponseTooLargeError` `body/too-large`. `Infinity`: no limit. @default Infinity
   */
  readonly maxOutputBytes: number;
  /**
   * Most bytes of output for each byte of input, checked for every coding once the output is beyond 16 MiB; beyond it
   * `ResponseTooLargeError` `body/expansion`. `Infinity`: no limit. @default 1_032
   */
  readonly maxExpansion: number;
}

/** How one coding is undone. */
export interface CodingTool {
  /** Throws Node's `ERR_BUFFER_TOO_LARGE` when the result has more than `maxOutputBytes`. */
  decodeAtOnce(coded: Uint8Array, maxOutputBytes: number): Uint8Array;
  /** `first` are the first bytes of the data, at least 2 unless there are fewer. */
  open(first: Uint8Array): CodingStream;
}

/** The most that deflate can do: 258 bytes for two bits. */
export const DEFAULT_MAX_EXPANSION = 1_032;
/** Output below this is never too much of an expansion. */
const EXPANSION_FREE_BYTES = 16 * 1024 * 1024;
/** Complete bodies up to this many coded bytes are decoded at once … */
const AT_ONCE_INPUT_BYTES = 64 * 1024;
/** … unless they give more than this. */
const AT_ONCE_OUTPUT_BYTES = 1024 * 1024;
/** A stage stops the one before it when it has this much input waiting. */
const STAGE_BYTES = 64 * 1024;

/** A decoder for one body; see {@link BodyDecoder}. */
export class ContentDecoder implements BodyDecoder {
  readonly #tools: readonly CodingTool[];
  readonly #limits: DecodeLimits;
  readonly #held = new PieceQueue();
  #sink: DecoderSink | undefined = undefined;
  #state: "holding" | "streaming" | "over" = "holding";
  #demand: DecoderDemand | undefined = undefined;
  #input: "open" | "complete" | "broken" = "open";
  #inputBytes = 0;
  #failure: Error | undefined = undefined;
  #stages: DecodeStage[] = [];
  #stagesEnded = 0;

  /** `tools` in the order in which they are to be applied, at least one. */
  constructor(tools: readonly CodingTool[], limits: DecodeLimits) {
    this.#tools = tools;
    this.#limits = limits;
  }

  get bufferedBytes(): number {
    if (this.#state === "streaming") return this.#stages[0]?.bufferedBytes ?? 0;
    // A reader that wants the whole cannot be served before the end: what is held for it must not stop the source. It
    // is little.
    return this.#demand === "whole" ? 0 : this.#held.byteLength;
  }

  connect(sink: DecoderSink): void {
    this.#sink = sink;
  }

  write(piece: Uint8Array, borrowed: boolean): void {
    if (this.#state === "over" || this.#allEnded || piece.byteLength === 0) return;
    this.#inputBytes += piece.byteLength;
    const kept = borrowed ? copyBorrowed(piece) : piece;
    if (this.#state === "streaming") {
      this.#stages[0]?.write(kept);
      return;
    }
    this.#held.push(kept);
    this.#proceed();
  }

  end(): void {
    if (this.#input !== "open") return;
    this.#input = "complete";
    this.#inputEnded();
  }

  fail(error: Error): void {
    if (this.#input !== "open") return;
    this.#input = "broken";
    this.#failure = error;
    this.#inputEnded();
  }

  start(demand: DecoderDemand): void {
    if (this.#demand === "pieces") return;
    this.#demand = demand;
    this.#proceed();
  }

  resume(): void {
    this.#stages.at(-1)?.resume();
  }

  cancel(): void {
    this.#state = "over";
    this.#held.clear();
    for (const stage of this.#stages) stage.destroy();
  }

  /** While holding: decides whether it is time to decode, and how. */
  #proceed(): void {
    if (this.#state !== "holding" || this.#demand === undefined) return;
    const small = this.#held.byteLength <= AT_ONCE_INPUT_BYTES;
    if (this.#input === "complete" && small) this.#decodeAtOnce();
    else if (this.#input !== "open" || !small) this.#stream();
    else if (this.#demand === "pieces" && this.#held.byteLength > 0) this.#stream();
  }

  #inputEnded(): void {
    if (this.#state === "holding") this.#proceed();
    else if (this.#allEnded) this.#complete();
    else this.#stages[0]?.end();
  }

  #decodeAtOnce(): void {
    const collector = new Collector(Number.POSITIVE_INFINITY, this.#held.byteLength);
    for (let piece = this.#held.shift(); piece !== undefined; piece = this.#held.shift()) collector.add(piece, false);
    const coded = collector.take();
    let decoded: Uint8Array = coded;
    try {
      for (const tool of this.#tools) {
        if (decoded.byteLength > 0) decoded = tool.decodeAtOnce(decoded, AT_ONCE_OUTPUT_BYTES);
      }
    } catch (error) {
      if (isOutputTooLarge(error)) {
        this.#held.push(coded);
        this.#stream();
      } else {
        this.#break(decodeError(error as Error));
      }
      return;
    }
    this.#giveWhole(decoded);
  }

  #giveWhole(decoded: Uint8Array): void {
    if (decoded.byteLength > this.#limits.maxOutputBytes) {
      this.#break(this.#tooLarge(decoded.byteLength));
      return;
    }
    this.#state = "over";
    if (decoded.byteLength > 0) this.#sink?.onDecoded(decoded);
    this.#sink?.onDecodedEnd();
  }

  // ── streaming ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #stream(): void {
    this.#state = "streaming";
    for (let index = this.#tools.length - 1; index >= 0; index -= 1) {
      const tool = this.#tools[index];
      if (tool !== undefined) this.#stages.unshift(new DecodeStage(tool.open, this.#outputOf(index)));
    }
    const [first] = this.#stages;
    for (let piece = this.#held.shift(); piece !== undefined; piece = this.#held.shift()) first?.write(piece);
    if (this.#input !== "open") first?.end();
  }

  /** Joins the stage at `index` to what comes after it. */
  #outputOf(index: number): StageOutput {
    let outputBytes = 0;
    const last = index === this.#tools.length - 1;
    return {
      onOutput: (piece) => {
        outputBytes += piece.byteLength;
        const refused = this.#refusalOf(outputBytes, last);
        if (refused !== undefined) {
          this.#break(refused);
          return false;
        }
        if (last) return this.#sink?.onDecoded(piece) ?? false;
        const next = this.#stages[index + 1];
        next?.write(piece);
        return (next?.bufferedBytes ?? 0) <= STAGE_BYTES;
      },
      onOutputEnd: () => this.#stageEnded(index),
      onStageError: (error) => this.#break(this.#failure ?? decodeError(error)),
      onInputTaken: () => {
        if (index === 0) this.#sink?.onInputTaken();
        else if ((this.#stages[index]?.bufferedBytes ?? 0) <= STAGE_BYTES) this.#stages[index - 1]?.resume();
      },
    };
  }

  #refusalOf(outputBytes: number, last: boolean): ResponseTooLargeError | undefined {
    const { maxOutputBytes, maxExpansion } = this.#limits;
    if (last && outputBytes > maxOutputBytes) return this.#tooLarge(outputBytes);
    if (outputBytes <= EXPANSION_FREE_BYTES || outputBytes <= this.#inputBytes * maxExpansion) return undefined;
    return new ResponseTooLargeError(
      "body/expansion",
      `Cannot decode the body: ${this.#inputBytes} bytes expand to more than ${outputBytes}, limit is ${maxExpansion} to 1`,
    );
  }

  /** Whether every coding has come to its end: the innermost may do so before those around it. */
  get #allEnded(): boolean {
    return this.#stagesEnded === this.#tools.length && this.#state === "streaming";
  }

  #stageEnded(index: number): void {
    this.#stagesEnded += 1;
    this.#stages[index + 1]?.end();
    // What an outer coding still gives is ignored, but it has to come to its end: else the body was cut short.
    this.#stages[index - 1]?.resume();
    if (!this.#allEnded) return;
    if (this.#input !== "open") this.#complete();
    else this.#sink?.onInputTaken();
  }

  /** All output has been given out. Its end, or what broke the input, is told last. */
  #complete(): void {
    if (this.#failure !== undefined) {
      this.#break(this.#failure);
      return;
    }
    this.#state = "over";
    this.#sink?.onDecodedEnd();
  }

  #break(error: Error): void {
    if (this.#state === "over") return;
    this.cancel();
    this.#sink?.onDecodeError(error);
  }

  #tooLarge(outputBytes: number): ResponseTooLargeError {
    return new ResponseTooLargeError(
      "body/too-large",
      `Cannot decode the body: more than ${outputBytes - 1} bytes of output, limit is ${this.#limits.maxOutputBytes}`,
    );
  }
}

function isOutputTooLarge(error: unknown): boolean {
  return error instanceof RangeError && (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}

/** The platform's error in our words: data that ends too early, or data that is wrong. */
function decodeError(error: NodeJS.ErrnoException): PayloadError {
  if (error.code === "Z_BUF_ERROR") {
    return new PayloadError("body/truncated", "Cannot decode the body: the coded data ends too early", {
      cause: error,
    });
  }
  return new PayloadError("body/corrupt", `Cannot decode the body: ${error.message}`, { cause: error });
}
