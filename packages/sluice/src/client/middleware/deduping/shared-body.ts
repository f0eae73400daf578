/**
 * One body for several readers, each with a response and pace of its own. It is read on while somebody waits for more, or while all
 * have room; what the slowest has not read yet is kept, up to a bound. One who is at that bound while another one waits is left
 * behind: nobody can make the others wait for ever, and nobody the memory grow.
 */
import { Body } from "../../../body/body.js";
import type { Deadline } from "../../../concurrency/deadline.js";
import { CallbackDeadline } from "../../../concurrency/deadline.js";
import { PayloadError } from "../../../errors.js";
import { cacheStatusOf, withCacheStatus } from "../../cache-status.js";
import { ClientRequest } from "../../request.js";
import { ClientResponse } from "../../response.js";
import type { ResponseHead } from "../../response-head.js";
import { BodyCopy } from "./body-copy.js";

/** See the head of this file. */
export class SharedBody {
  readonly #response: ClientResponse;
  readonly #maxBuffer: number;
  readonly #copies = new Set<BodyCopy>();
  readonly #unread: Deadline;
  #wake: (() => void) | undefined;

  constructor(response: ClientResponse, maxBuffer: number) {
    this.#response = response;
    this.#maxBuffer = maxBuffer;
    this.#unread = new CallbackDeadline(() => this.#giveUp());
  }

  /** The response for one caller, with a body of its own. Before {@link start}. */
  responseFor(caller: ClientRequest): ClientResponse {
    const { request: sent, body: source } = this.#response;
    const { method, target, fields, settings, trust } = sent;
    const request = new ClientRequest(method, target, [...fields], undefined, settings, caller.scope, trust);
    request.attempt = sent.attempt;
    const copy = new BodyCopy(this, request, this.#response);
    const body = new Body(copy, { highWaterMark: this.#maxBuffer });
    body.declaredLength = source.declaredLength;
    body.maxBytes = source.maxBytes;
    const response = new ClientResponse(request, headOf(this.#response), body, copy).withHistory(
      this.#response.history,
    );
    copy.began(body, response);
    this.#copies.add(copy);
    const status = cacheStatusOf(this.#response);
    return status === undefined ? response : withCacheStatus(response, status);
  }

  /** Gives what is there already, and reads the rest. */
  start(): void {
    const { body } = this.#response;
    try {
      const whole = body.takeWhole(Number.POSITIVE_INFINITY);
      if (whole !== undefined) {
        this.#spread(whole);
        this.#finish(body);
        return;
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    void this.#read(body);
  }

  /** A reader wants more, or has room again. */
  wanted(): void {
    this.#response.request.clock.disarm(this.#unread);
    this.#wake?.();
    this.#wake = undefined;
  }

  /** A reader has given its copy up. When the last one has, so is the body. */
  left(copy: BodyCopy): void {
    if (!this.#copies.delete(copy)) return;
    if (this.#copies.size === 0) this.#response.body.cancel();
    this.wanted();
  }

  async #read(body: Body): Promise<void> {
    try {
      for await (const piece of body) {
        this.#spread(piece);
        while (!this.#mayReadOn()) await this.#untilWanted();
        // Leaving the loop gives the body up.
        if (this.#copies.size === 0) return;
      }
      this.#finish(body);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#response.request.clock.disarm(this.#unread);
    }
  }

  #mayReadOn(): boolean {
    let room = true;
    for (const copy of this.#copies) {
      if (copy.waiting) return true;
      if (copy.full) room = false;
    }
    return room;
  }

  #untilWanted(): Promise<void> {
    const { clock, settings } = this.#response.request;
    clock.arm(this.#unread, settings.unreadTimeout);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Each has bytes of its own: readers may write into what they are given. */
  #spread(piece: Uint8Array): void {
    for (const copy of [...this.#copies]) {
      if (copy.full) this.#leaveBehind(copy);
      else if (piece.byteLength > 0) copy.push(new Uint8Array(piece));
    }
  }

  #leaveBehind(copy: BodyCopy): void {
    this.#copies.delete(copy);
    const message = `Left behind: more than ${this.#maxBuffer} bytes of a shared body were unread while another reader waited for more (dedupe.maxBuffer)`;
    copy.fail(new PayloadError("dedupe/left-behind", message, { phase: "read" }));
  }

  #giveUp(): void {
    const { unreadTimeout } = this.#response.request.settings;
    const message = `The body was left unread and given up: nobody read it for ${unreadTimeout} ms (unreadTimeout); read, save or discard each body as soon as it is there`;
    this.#fail(new PayloadError("body/unread", message, { phase: "read" }));
    this.wanted();
  }

  #finish(body: Body): void {
    const copies = [...this.#copies];
    this.#copies.clear();
    for (const copy of copies) copy.finish(body.trailers ?? []);
  }

  #fail(error: unknown): void {
    const copies = [...this.#copies];
    this.#copies.clear();
    for (const copy of copies) copy.fail(error);
  }
}

function headOf(response: ClientResponse): ResponseHead {
  const { status, statusText, httpVersion, fields } = response;
  return { status, reason: statusText, version: httpVersion === "1.0" ? 10 : 11, fields };
}
