/**
 * The stage between a body's bytes on the wire and its reader's: content codings (RFC 9110 §8.4). A decoder is fed like
 * a codec; its output may come later (it may be worked out on another thread), so it has its own flow control on both
 * sides.
 */

/** Receives decoded bytes. Calls may happen inside `write`, `end`, `start` and `resume`, or later. */
export interface DecoderSink {
  /** `piece` is the receiver's. Returns false for "enough": nothing more comes until `resume`. */
  onDecoded(piece: Uint8Array): boolean;
  /** All input was decoded and there will be no more. */
  onDecodedEnd(): void;
  /** The input is corrupt, cut short, or grows too much; or what `fail` was given, after the output before it. */
  onDecodeError(error: Error): void;
  /** `bufferedBytes` has gone down. */
  onInputTaken(): void;
}

/** What a reader wants: pieces as soon as they can be had, or nothing before there is everything. */
export type DecoderDemand = "pieces" | "whole";

/** Decodes one body. After `onDecodedEnd` or `onDecodeError` it ignores whatever it is given. */
export interface BodyDecoder {
  /** Bytes taken from the wire and not decoded yet. */
  readonly bufferedBytes: number;
  /** Once, before anything else. */
  connect(sink: DecoderSink): void;
  /** More input, copied if `borrowed`. Never refused: the caller stops when `bufferedBytes` is too much. */
  write(piece: Uint8Array, borrowed: boolean): void;
  /** The input is complete. */
  end(): void;
  /** The input ends here because of `error`, which is told after the output of what came before it. */
  fail(error: Error): void;
  /** Somebody reads now. Before this the decoder need not do any work. */
  start(demand: DecoderDemand): void;
  /** After `onDecoded` returned false: there is room again. */
  resume(): void;
  /** Nobody reads on: releases everything, says nothing more. */
  cancel(): void;
}
