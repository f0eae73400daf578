/**
 * One kind of request that a mock answers, and its answers in order: each `reply`, `raw`, `websocket` or `fail` adds one, used once unless `times` or
 * `persist` say otherwise of it.
 */

import { UsageError } from "../../errors.js";
import { requireFunction, requireNumber, requireObject } from "../../options.js";
import {
  checkReply,
  type MockBreak,
  type MockFault,
  type MockReplyFunction,
  type MockReplyOptions,
  requireBreak,
  requireFault,
} from "./mock-reply.js";
import type { MockRequest } from "./mock-request.js";
import { type MockConversation, type MockSocketOptions, requireConversation } from "./mock-socket.js";
import type { RequestMatcher } from "./request-matcher.js";

/** How one request is answered. */
export type MockOutcome =
  | { readonly kind: "reply"; readonly make: MockReplyFunction }
  | { readonly kind: "raw"; readonly pieces: readonly (string | Uint8Array)[]; readonly end: MockBreak }
  | { readonly kind: "socket"; readonly converse: MockConversation; readonly options: MockSocketOptions }
  | { readonly kind: "fault"; readonly fault: MockFault };

/** An answer, how often it is given, and after how long. */
export interface MockStep {
  readonly outcome: MockOutcome;
  uses: number;
  delayMs: number;
}

/** What a mock answers to requests of one kind; made by `MockConnector.get`, `post` and so on. */
export class MockRoute {
  readonly #matcher: RequestMatcher;
  readonly #calls: MockRequest[] = [];
  readonly #steps: MockStep[] = [];
  #stepAt = 0;
  #usesOfStep = 0;
  #optional = false;

  constructor(matcher: RequestMatcher) {
    this.#matcher = matcher;
  }

  /** The requests it has answered, in the order in which they arrived. */
  get calls(): readonly MockRequest[] {
    return this.#calls;
  }

  /** Whether requests that it expects have not come: what `MockConnector.assertDone` asks. */
  get pending(): boolean {
    if (this.#optional) return false;
    const rest = this.#steps.slice(this.#stepAt);
    return this.#steps.length === 0 || rest.some((step, at) => owes(step, at === 0 ? this.#usesOfStep : 0));
  }

  /**
   * Answers with `status`, or as the function says of each request. Throws `UsageError`: `reply/status`, `options/…`; what the function
   * does wrong fails the request with `mock/reply-failed`.
   */
  reply(status: number, options?: MockReplyOptions): this;
  reply(make: MockReplyFunction): this;
  reply(first: number | MockReplyFunction, options: MockReplyOptions = {}): this {
    if (typeof first === "function") return this.#add({ kind: "reply", make: first });
    requireNumber("mock reply status", first, 200, 599);
    requireObject("mock reply options", options);
    checkReply(options);
    const reply = { ...options, status: first };
    return this.#add({ kind: "reply", make: () => reply });
  }

  /**
   * Sends these bytes as they are (a string: one byte a character), each arriving as a piece of its own, then ends the connection: for
   * what no engine of ours would write. `end` is how. @default "close"
   */
  raw(bytes: string | Uint8Array | readonly (string | Uint8Array)[], options: { readonly end?: MockBreak } = {}): this {
    const pieces = typeof bytes === "string" || bytes instanceof Uint8Array ? [bytes] : [...bytes];
    const { end = "close" } = options;
    requireBreak(end);
    return this.#add({ kind: "raw", pieces, end });
  }

  /**
   * Takes the handshake of a WebSocket and plays the server's part of it; what `converse` throws is told by `assertDone`. A request that
   * is no handshake fails with `mock/reply-failed`. Throws `UsageError` `options/unknown-value`.
   */
  websocket(converse: MockConversation, options: MockSocketOptions = {}): this {
    requireConversation(converse);
    requireObject("mock websocket options", options);
    return this.#add({ kind: "socket", converse, options });
  }

  /** Fails instead of answering. Throws `UsageError` `options/unknown-value`. */
  fail(fault: MockFault): this {
    requireFault(fault);
    return this.#add({ kind: "fault", fault });
  }

  /** Gives the answer before this `count` times. Throws `UsageError` `options/out-of-range`; `mock/no-reply` when there is none before. */
  times(count: number): this {
    requireNumber("mock times", count, 1, Number.POSITIVE_INFINITY);
    this.#last("times").uses = count;
    return this;
  }

  /** Gives the answer before this to every further request. Throws as {@link times} does. */
  persist(): this {
    return this.times(Number.POSITIVE_INFINITY);
  }

  /** Waits `ms` milliseconds of the mock's clock before the answer before this. Throws as {@link times} does. */
  delay(ms: number): this {
    requireNumber("mock delay", ms, 0, Number.MAX_VALUE);
    this.#last("delay").delayMs = ms;
    return this;
  }

  /** Needs not be called at all: it is never pending. */
  optional(): this {
    this.#optional = true;
    return this;
  }

  /** Method and URL as registered, without secrets. */
  toString(): string {
    return this.#matcher.toString();
  }

  // For the book of routes.

  /** The answer to `request` if this is its route, counted as used. A step that is over gives way to the next. @internal */
  tryTake(request: MockRequest): MockStep | undefined {
    const step = this.#nextStep();
    if (step === undefined || this.#matcher.differences(request).length > 0) return undefined;
    this.#usesOfStep += 1;
    this.#calls.push(request);
    return step;
  }

  /** Whether the body can still make it this route. */
  mayTake(request: MockRequest): boolean {
    return this.#nextStep() !== undefined && this.#matcher.headDifferences(request).length === 0;
  }

  /** Why `request` is not answered by it. */
  differences(request: MockRequest): string[] {
    const differences = this.#matcher.differences(request);
    if (this.#steps.length === 0) differences.push("it has no reply: call reply, raw or fail");
    else if (this.#nextStep() === undefined) differences.push(`its replies are used up (${this.#calls.length} calls)`);
    return differences;
  }

  #nextStep(): MockStep | undefined {
    const step = this.#steps[this.#stepAt];
    if (step === undefined || this.#usesOfStep < step.uses) return step;
    if (this.#stepAt < this.#steps.length) this.#stepAt += 1;
    this.#usesOfStep = 0;
    return this.#nextStep();
  }

  #add(outcome: MockOutcome): this {
    if (outcome.kind === "reply") requireFunction("mock reply", outcome.make);
    this.#steps.push({ outcome, uses: 1, delayMs: 0 });
    return this;
  }

  #last(what: string): MockStep {
    const step = this.#steps.at(-1);
    if (step !== undefined) return step;
    throw new UsageError("mock/no-reply", `Cannot use ${what} on ${this}: call reply, raw or fail first`);
  }
}

/** A persistent answer is owed once. */
function owes(step: MockStep, used: number): boolean {
  return step.uses === Number.POSITIVE_INFINITY ? used === 0 : used < step.uses;
}
