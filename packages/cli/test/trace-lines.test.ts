import type { ClientTrace, ClientTraceName, TraceEvent } from "sluice";
import { describe, expect, test } from "vitest";
import { EVENTS, traceOf } from "../src/sending/trace-lines.js";
import { FakeIo, type FakeIoOptions } from "./support/fake-io.js";

/** What a trace with these settings writes for these events. */
function told(format: Parameters<typeof traceOf>[0], events: readonly object[], options?: FakeIoOptions): string {
  const io = new FakeIo(options);
  const trace: ClientTrace = traceOf(format, io.stderr);
  for (const event of events) {
    const whole = { id: 7, method: "GET", url: "http://a/?q=…", time: performance.now() + 1_500, ...event };
    const { event: name } = whole as TraceEvent<ClientTraceName>;
    (trace[name] as (event: object) => void)(whole);
  }
  return io.err.text;
}

describe("a line of a trace", () => {
  test("there is for each event that there is", () => {
    const complete: [Exclude<ClientTraceName, (typeof EVENTS)[number]>] extends [never] ? true : false = true;
    expect(complete).toBe(true);
    expect(new Set(EVENTS).size).toBe(EVENTS.length);
  });

  test("says when, of which request, what, and what it concerns", () => {
    const text = told("text", [
      { event: "requestStart" },
      { event: "dnsEnd", host: "a", addresses: ["192.0.2.1", "::1"], code: undefined },
      { event: "requestRetry", attempt: 2, delay: 12.345, reason: "status 503" },
      { event: "requestException", error: new Error("It\u001b[2J broke\nhere"), code: "x/y", elapsed: 3 },
    ]);
    expect(text.replaceAll(/\+1\.\d{4}s/g, "+TIME").split("\n")).toEqual([
      " +TIME #7 requestStart         GET http://a/?q=…",
      " +TIME #7 dnsEnd               host=a addresses=192.0.2.1,::1",
      " +TIME #7 requestRetry         attempt=2 delay=12 reason=status 503",
      " +TIME #7 requestException     error=It\uFFFD[2J broke here elapsed=3",
      "",
    ]);
  });

  test("is JSON elsewhere than on a terminal, unless the format is named", () => {
    const events = [{ event: "queueStart", origin: "http://a" }];
    expect(JSON.parse(told("fitting", events))).toMatchObject({ event: "queueStart", id: 7, origin: "http://a" });
    expect(told("fitting", events, { terminal: true, env: { NO_COLOR: "1" } })).toContain(
      "queueStart           origin=",
    );
    expect(told("text", events)).toContain("queueStart           origin=");
    expect(told("json", events, { terminal: true })).toMatch(/^\{/);
  });

  test("has of an error its name, code and message, and nothing of the program", () => {
    const error = Object.assign(new Error("It broke"), { code: "x/y", cause: new Error("inner") });
    const { error: shown } = JSON.parse(
      told("json", [{ event: "requestException", error, code: "x/y", elapsed: 1 }]),
    ) as {
      readonly error: object;
    };
    expect(shown).toEqual({ name: "Error", message: "It broke", code: "x/y" });
  });

  test("is in colour where colours are wanted", () => {
    const text = told("fitting", [{ event: "requestException", error: new Error("x"), code: undefined, elapsed: 1 }], {
      terminal: true,
      env: { TERM: "xterm" },
    });
    expect(text).toContain("\u001b[31mrequestException");
  });
});
