import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import type {
  RequestEndMessage,
  RequestErrorMessage,
  RequestStartMessage,
} from "../../../src/server/life/request-channels.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { testClient } from "../../../src/testing/server/test-client.js";
import { ask } from "../fake-exchange.js";

const subscribed: [name: string, listener: (message: unknown) => void][] = [];
afterEach(() => {
  for (const [name, listener] of subscribed.splice(0)) unsubscribe(name, listener);
});

/** Everything that is published on a channel until the test ends. */
function heard<Message>(name: string): Message[] {
  const messages: Message[] = [];
  const listener = (message: unknown): void => void messages.push(message as Message);
  subscribe(`sluice:server:${name}`, listener);
  subscribed.push([`sluice:server:${name}`, listener]);
  return messages;
}

describe("the channels of the server", () => {
  test("tell of each request when it begins, with its route, and when its answer is over", async () => {
    const clock = new ManualClock();
    const app = new Application({ clock });
    app.get("/users/:id", () => {
      clock.advance(12);
      return "hello";
    });
    const [starts, ends] = [heard<RequestStartMessage>("requestStart"), heard<RequestEndMessage>("requestEnd")];
    await ask(app.dispatch, "GET", "/users/7");
    await ask(app.dispatch, "GET", "/nowhere");
    expect(starts.map(({ request }) => [request.method, request.path, request.route])).toEqual([
      ["GET", "/users/7", "/users/:id"],
      ["GET", "/nowhere", undefined],
    ]);
    expect(ends).toHaveLength(2);
    expect(ends[0]).toMatchObject({ status: 200, bodyBytes: 5, durationMs: 12, error: undefined });
    expect(ends[0]?.request).toBe(starts[0]?.request);
    expect(ends[1]).toMatchObject({ status: 404, durationMs: 0 });
  });

  test("tell of what onError is told of, mounted applications' errors once, and of nothing below 500", async () => {
    const told: unknown[] = [];
    const inner = new Application();
    const fault = new Error("no");
    inner.get("/fails", () => {
      throw fault;
    });
    inner.get("/missing", () => {
      throw new HttpError(404);
    });
    const app = new Application({ onError: (error) => told.push(error) }).mount("/inner", inner);
    const errors = heard<RequestErrorMessage>("requestError");
    await ask(app.dispatch, "GET", "/inner/fails");
    await ask(app.dispatch, "GET", "/inner/missing");
    expect(errors).toHaveLength(1);
    expect(errors[0]?.error).toBe(fault);
    expect(errors[0]?.request?.path).toBe("/inner/fails");
    expect(told).toEqual([fault]);
  });

  test("tell why an answer is incomplete", async () => {
    const app = new Application({ onError: () => undefined });
    app.get("/", () =>
      reply.stream(
        (async function* () {
          yield "a";
          throw new Error("broken");
        })(),
      ),
    );
    const ends = heard<RequestEndMessage>("requestEnd");
    await using client = testClient(app, { strict: false });
    await expect(client.get("/").text()).rejects.toThrow();
    expect(ends).toHaveLength(1);
    expect(ends[0]?.error).toBeInstanceOf(Error);
  });

  test("cost a request nothing while nobody listens: not even a look at the time", async () => {
    const clock = new ManualClock();
    const now = vi.spyOn(clock, "now");
    const app = new Application({ clock }).get("/", () => "hello");
    await ask(app.dispatch, "GET", "/");
    expect(now).not.toHaveBeenCalled();
    heard("requestEnd");
    await ask(app.dispatch, "GET", "/");
    expect(now).toHaveBeenCalledTimes(2);
  });
});
