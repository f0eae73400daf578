import { getEventListeners } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  abortError,
  isConsequenceOfAbort,
  linkSignal,
  newSharedController,
  onAbort,
} from "../../src/concurrency/abort.js";
import { nextTurn } from "../../src/concurrency/clock.js";

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

/** Whatever the test before did, a warning of Node's would appear here. */
const warnings: Error[] = [];
const noteWarning = (warning: Error) => warnings.push(warning);

afterEach(() => {
  process.removeListener("warning", noteWarning);
});

describe("onAbort", () => {
  test("a thousand waiters put one listener on the signal, and none is left when they have gone", async () => {
    process.on("warning", noteWarning);
    const { signal } = new AbortController();
    const stops = Array.from({ length: 1_000 }, () => onAbort(signal, () => undefined));
    expect(listenersOf(signal)).toBe(1);
    for (const stop of stops.slice(1)) stop();
    expect(listenersOf(signal)).toBe(1);
    stops[0]?.();
    stops[0]?.();
    expect(listenersOf(signal)).toBe(0);
    onAbort(signal, () => undefined);
    expect(listenersOf(signal)).toBe(1);
    await nextTurn();
    expect(warnings).toEqual([]);
  });

  test("calls everybody with the reason, in order, once, and leaves no listener", () => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    for (const name of ["a", "b", "c"]) onAbort(controller.signal, (reason) => seen.push(name, reason));
    controller.abort("why");
    expect(seen).toEqual(["a", "why", "b", "why", "c", "why"]);
    expect(listenersOf(controller.signal)).toBe(0);
  });

  test("whoever stops listening while the others are being called is not called", () => {
    const controller = new AbortController();
    const seen: string[] = [];
    let stopSecond = () => {};
    onAbort(controller.signal, () => {
      seen.push("first");
      stopSecond();
    });
    stopSecond = onAbort(controller.signal, () => seen.push("second"));
    onAbort(controller.signal, () => seen.push("third"));
    controller.abort();
    stopSecond();
    expect(seen).toEqual(["first", "third"]);
  });

  test("calls at once for a signal that has aborted, and never without a signal", () => {
    const seen: unknown[] = [];
    onAbort(AbortSignal.abort("gone"), (reason) => seen.push(reason))();
    onAbort(undefined, (reason) => seen.push(reason))();
    expect(seen).toEqual(["gone"]);
  });

  test("a callback that throws does not keep the others from being called; its error is an uncaught one", () => {
    const later = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => undefined);
    const controller = new AbortController();
    const seen: string[] = [];
    onAbort(controller.signal, () => {
      throw new Error("from a callback");
    });
    onAbort(controller.signal, () => seen.push("second"));
    controller.abort();
    const thrown = later.mock.calls[0]?.[0];
    later.mockRestore();
    expect(seen).toEqual(["second"]);
    expect(thrown).toThrow("from a callback");
  });
});

describe("linkSignal", () => {
  test("passes the abort on with its reason until it is unlinked", () => {
    const parent = new AbortController();
    const [linked, unlinked] = [new AbortController(), new AbortController()];
    linkSignal(parent.signal, linked);
    linkSignal(parent.signal, unlinked)();
    parent.abort("stop");
    expect(linked.signal.reason).toBe("stop");
    expect(unlinked.signal.aborted).toBe(false);
    linkSignal(parent.signal, unlinked);
    expect(unlinked.signal.reason).toBe("stop");
    linkSignal(undefined, new AbortController())();
  });
});

test("a shared controller's signal takes many listeners without a warning from Node", async () => {
  process.on("warning", noteWarning);
  const { signal } = newSharedController();
  for (let count = 0; count < 50; count += 1) signal.addEventListener("abort", () => undefined);
  await nextTurn();
  expect(warnings).toEqual([]);
});

test("an error is a consequence of an abort if it is its reason, is caused by it, or is an AbortError", () => {
  const controller = new AbortController();
  const reason = new Error("stop");
  expect(isConsequenceOfAbort(reason, controller.signal)).toBe(false);
  controller.abort(reason);
  expect(isConsequenceOfAbort(reason, controller.signal)).toBe(true);
  expect(isConsequenceOfAbort(new Error("wrapped", { cause: reason }), controller.signal)).toBe(true);
  expect(isConsequenceOfAbort(abortError("of another signal"), controller.signal)).toBe(true);
  expect(isConsequenceOfAbort(new Error("of its own"), controller.signal)).toBe(false);
  expect(isConsequenceOfAbort("text", controller.signal)).toBe(false);
  expect(abortError("why")).toMatchObject({ name: "AbortError", message: "why" });
});
