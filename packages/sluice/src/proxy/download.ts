/** The origin's body on its way to the client, as it is coded, at the client's pace. */

import { type Payload, type PayloadTrailers, toPayload } from "../body/payload.js";
import type { ClientResponse } from "../client/response.js";
import { PayloadError } from "../errors.js";
import { endToEndTrailers } from "./end-to-end-fields.js";
import { isForwardingField } from "./forwarding-fields.js";

/** A body of up to so many bytes that is here with its head leaves with ours. */
const WHOLE_BYTES = 64 * 1024;

/** The body of `response`, or undefined if it has none. `names`: the trailers that it announces. */
export function downloadOf(response: ClientResponse, names: readonly string[]): Payload | undefined {
  const { body, method, status } = response;
  if (method === "HEAD" || status === 204 || status === 205 || status === 304) {
    response.discard();
    return undefined;
  }
  const length = body.declaredLength;
  if (body.complete && body.bytesReceived === 0 && body.trailers?.length === 0) return undefined;
  const whole = length !== undefined && length <= WHOLE_BYTES ? body.takeWhole(length) : undefined;
  return whole === undefined ? new Download(response, names) : toPayload(whole);
}

/** A body that is sent as it arrives. */
class Download implements Payload {
  readonly length: number | undefined;
  /** The origin's own `Content-Type` is among the fields. */
  readonly contentType = undefined;
  readonly replayable = false;
  readonly whole = undefined;
  readonly trailers?: PayloadTrailers;
  readonly #response: ClientResponse;

  constructor(response: ClientResponse, names: readonly string[]) {
    this.#response = response;
    this.length = response.body.declaredLength;
    if (this.length !== undefined) return;
    const make = () => endToEndTrailers(response.body.trailers ?? [], isForwardingField);
    // Whoever has no use for them passes over them (RFC 9110 §6.5.1): they go on as they came.
    this.trailers = { names, make, unasked: true };
  }

  async *open(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#response.body;
    } catch (cause) {
      // Under a name of its own: a server does not report connections that clients have left, and this one was the origin's.
      throw new PayloadError("proxy/answer-broken", "The origin's answer broke off before its end", { cause });
    }
  }

  discard(): void {
    this.#response.discard();
  }
}
