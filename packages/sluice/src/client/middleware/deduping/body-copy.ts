/** One caller's end of a shared body: stands where else an exchange stands. */
import type { Body, BodyOutcome, BodyOwner, BodySource } from "../../../body/body.js";
import { describeError, type SluiceError } from "../../../errors.js";
import type { PeerInfo } from "../../../net/transport.js";
import type { ExchangeTimes } from "../../exchange-pool.js";
import type { ClientRequest } from "../../request.js";
import type { Abortable } from "../../request-scope.js";
import type { ClientResponse, ResponseSource } from "../../response.js";

/** The body that copies are made of, as one of them sees it. */
interface Original {
  wanted(): void;
  left(copy: BodyCopy): void;
}

/** See the head of this file. */
export class BodyCopy implements ResponseSource, BodySource, BodyOwner, Abortable {
  /** Whether its reader waits for more. */
  waiting = false;
  /** Whether it holds as much unread as it may. */
  full = false;
  readonly #original: Original;
  readonly #request: ClientRequest;
  readonly #shared: ClientResponse;
  #body: Body | undefined;
  #response: ClientResponse | undefined;
  #endsScope = false;
  #over = false;

  constructor(original: Original, request: ClientRequest, shared: ClientResponse) {
    this.#original = original;
    this.#request = request;
    this.#shared = shared;
  }

  /** Told once of the two that it stands behind. */
  began(body: Body, response: ClientResponse): void {
    this.#body = body;
    this.#response = response;
    this.#request.scope.current = this;
    body.ownedBy(this);
  }

  get peer(): PeerInfo | undefined {
    return this.#shared.source.peer;
  }

  get times(): Readonly<ExchangeTimes> {
    return this.#shared.source.times;
  }

  // From the original …

  push(piece: Uint8Array): void {
    this.full = this.#body?.push(piece, false) === false;
  }

  finish(trailers: readonly string[]): void {
    this.#body?.finish(trailers);
  }

  fail(error: unknown): void {
    this.#body?.fail(error instanceof Error ? error : new Error(String(error)));
  }

  // … and from the reader.

  pause(): void {}

  resume(): void {
    this.full = false;
    this.#original.wanted();
  }

  cancel(): void {
    this.#original.left(this);
  }

  onWaiting(waiting: boolean): void {
    this.waiting = waiting;
    if (waiting) this.#original.wanted();
  }

  onSettled(_outcome: BodyOutcome, error: Error | undefined): void {
    this.#over = true;
    this.waiting = false;
    const { scope } = this.#request;
    if (scope.current === this) scope.current = undefined;
    if (this.#endsScope) scope.end(error);
  }

  contentType(): string | undefined {
    return this.#response?.contentType;
  }

  charset(): string | undefined {
    return this.#response?.charset;
  }

  get parseJson(): ((text: string) => unknown) | undefined {
    return this.#request.settings.parseJson;
  }

  describe(error: SluiceError): void {
    describeError(error, this.#request.scope.context());
  }

  discard(): void {
    if (this.#body?.used === false) this.#body.cancel();
  }

  /** The caller has left, or a time limit of its own has passed. */
  abort(reason: unknown): void {
    this.#original.left(this);
    this.fail(reason);
  }

  endScopeAfterBody(): void {
    if (this.#over) this.#request.scope.end();
    else this.#endsScope = true;
  }
}
