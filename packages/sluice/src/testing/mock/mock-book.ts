/** The routes of one mock and what has come: which request gets which answer, and in what those that get none differ. */

import { UsageError } from "../../errors.js";
import type { MockRequest } from "./mock-request.js";
import type { MockRoute, MockStep } from "./mock-route.js";

/** Routes named in a message, those that differ least first. */
const MOST_ROUTES_NAMED = 8;

/** Routes in the order of their registration, and the requests that came. */
export class MockBook {
  routes: MockRoute[] = [];
  calls: MockRequest[] = [];
  /** Why requests got no answer. */
  failures: Error[] = [];

  /** Whether the body of a request with this head needs to be waited for. */
  isPossible(request: MockRequest): boolean {
    return this.routes.some((route) => route.mayTake(request));
  }

  /** Records a complete request, or one that has no route whatever its body. Throws `UsageError` `mock/unmatched`. */
  answerTo(request: MockRequest): MockStep {
    this.calls.push(request);
    for (const route of this.routes) {
      const step = route.tryTake(request);
      if (step === undefined) continue;
      request.route = route;
      return step;
    }
    throw this.failed(this.#unmatched(request));
  }

  /** Keeps `error` for `assertDone`: the code under test may have caught it. */
  failed<E extends Error>(error: E): E {
    this.failures.push(error);
    return error;
  }

  /** Throws `UsageError`: `mock/unmatched`, `mock/reply-failed` as the requests did, or `mock/pending`. */
  assertDone(): void {
    const [failure] = this.failures;
    if (failure !== undefined) throw failure;
    const pending = this.routes.filter((route) => route.pending);
    if (pending.length === 0) return;
    const listed = pending.map((route) => `\n  ${route}: ${route.calls.length} calls so far`).join("");
    const how =
      pending.length === 1 ? "a route still expects requests" : `${pending.length} routes still expect requests`;
    throw new UsageError("mock/pending", `The mock is not done: ${how}${listed}`);
  }

  #unmatched(request: MockRequest): UsageError {
    const explained = this.routes
      .map((route) => ({ route, differences: route.differences(request) }))
      .sort((a, b) => a.differences.length - b.differences.length);
    const named = explained.slice(0, MOST_ROUTES_NAMED);
    const lines = named.map(({ route, differences }) => `\n  ${route}: ${differences.join("; ")}`);
    if (explained.length > named.length) lines.push(`\n  and ${explained.length - named.length} more`);
    const why = explained.length === 0 ? "it has no routes" : `none of its routes matches${lines.join("")}`;
    return new UsageError("mock/unmatched", `The mock has no answer to ${request}, and never asks the network: ${why}`);
  }
}
