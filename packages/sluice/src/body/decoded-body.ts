/**
 * A body made of another one, with its content codings undone (RFC 9110 §8.4): for a side where the bytes may have arrived, and been
 * kept, before anybody knows whether they are to be decoded. Strategy: pulled. The coded body gives a piece only while the decoded one
 * has room, so that no more is held than either holds by itself, whatever it expands to.
 */

import { ResponseTooLargeError } from "../errors.js";
import { Body } from "./body.js";
import type { BodyDecoder } from "./body-decoder.js";
import type { BodyFlow } from "./body-flow.js";
import type { BodySource } from "./body-source.js";

/**
 * The content of `coded`, which is used up by this; what it fails with, the new one fails with. More than `maxCodedBytes` of input are
 * `ResponseTooLargeError` `body/too-large`, whatever comes of them: coded data can be long and stand for nothing.
 */
export function decodedBody(coded: Body, decoder: BodyDecoder, maxCodedBytes: number): Body {
  return coded.readWith((flow) => new DecodingSource(flow, decoder, maxCodedBytes).body);
}

/** Passes pieces on from the coded body to the decoded one. */
class DecodingSource implements BodySource {
  readonly body: Body;
  readonly #flow: BodyFlow;
  #state: "flowing" | "paused" | "over" = "flowing";
  #bytesLeft: number;
  #pumping = false;

  constructor(flow: BodyFlow, decoder: BodyDecoder, maxCodedBytes: number) {
    this.#flow = flow;
    this.#bytesLeft = maxCodedBytes;
    this.body = new Body(this);
    this.body.decodeWith(decoder);
    this.#pump();
  }

  pause(): void {
    if (this.#state === "flowing") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "flowing";
    this.#pump();
  }

  cancel(reason: Error | undefined): void {
    this.#state = "over";
    this.#flow.cancel(reason);
  }

  #count(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft >= 0) return;
    const error = new ResponseTooLargeError("body/too-large", "Cannot decode the body: its coded form is too large");
    this.#flow.cancel(error);
    throw error;
  }

  readonly #pump = (): void => {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#state === "flowing" && this.#step());
    } catch (error) {
      this.#state = "over";
      this.body.fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#pumping = false;
    }
  };

  /** Passes one piece on, or the end; false if there is neither yet. */
  #step(): boolean {
    const piece = this.#flow.take();
    if (piece !== undefined) {
      this.#count(piece.byteLength);
      if (!this.body.push(piece, false)) this.pause();
      return true;
    }
    if (this.#flow.atEnd()) {
      this.#state = "over";
      this.body.finish(this.#flow.trailers ?? []);
      return false;
    }
    this.#flow.wait(this.#pump);
    return false;
  }
}
