import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "vitest";
import type { SessionOptions } from "../../../src/client/options.js";
import { parseTraceparent } from "../../../src/http/trace-context.js";
import { answer, FakeNet, ok, redirect } from "../fake-net.js";

const URL_A = "http://a.test/x";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const PARENT = `00-${TRACE}-${SPAN}-01`;

function parents({ seen }: FakeNet): ReturnType<typeof parseTraceparent>[] {
  return seen.map(({ fields }) => parseTraceparent(fields.get("traceparent") ?? ""));
}

test("without the option nothing is sent", async () => {
  const net = new FakeNet();
  await net.session().get(URL_A).text();
  expect(net.seen[0]?.fields.has("traceparent")).toBe(false);
});

test("true: a new trace for each request, recorded and random", async () => {
  const net = new FakeNet();
  const session = net.session({ traceparent: true });
  await session.get(URL_A).text();
  await session.get(URL_A).text();
  const [first, second] = parents(net);
  expect(first).toMatchObject({ flags: 3 });
  expect(second?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(second?.traceId).not.toBe(first?.traceId);
  expect(net.seen[0]?.fields.has("tracestate")).toBe(false);
});

describe("a function names the trace", () => {
  test("its id and flags are kept, its state is passed on, the span is a new one", async () => {
    const net = new FakeNet();
    const tracestate = "rojo=1,congo=2";
    await net
      .session({ traceparent: () => ({ traceparent: PARENT, tracestate }) })
      .get(URL_A)
      .text();
    const [sent] = parents(net);
    expect(sent).toMatchObject({ traceId: TRACE, flags: 1 });
    expect(sent?.spanId).not.toBe(SPAN);
    expect(net.seen[0]?.fields.get("tracestate")).toBe(tracestate);
    const plain = new FakeNet();
    await plain
      .session({ traceparent: () => PARENT })
      .get(URL_A)
      .text();
    expect(parents(plain)[0]).toMatchObject({ traceId: TRACE });
  });

  test.each([undefined, "", "nonsense", `00-${"0".repeat(32)}-${SPAN}-01`])(
    "\u00a74.3: %j begins a new trace, without the state that came along",
    async (traceparent) => {
      const net = new FakeNet();
      const given = traceparent === undefined ? undefined : { traceparent, tracestate: "rojo=1" };
      await net
        .session({ traceparent: () => given })
        .get(URL_A)
        .text();
      expect(parents(net)[0]?.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(net.seen[0]?.fields.has("tracestate")).toBe(false);
    },
  );

  test("a state that is none is left out", async () => {
    const net = new FakeNet();
    await net
      .session({ traceparent: () => ({ traceparent: PARENT, tracestate: "N0NE" }) })
      .get(URL_A)
      .text();
    expect(parents(net)[0]).toMatchObject({ traceId: TRACE });
    expect(net.seen[0]?.fields.has("tracestate")).toBe(false);
  });

  test("it is asked once for each request, in the caller's asynchronous context", async () => {
    const storage = new AsyncLocalStorage<string>();
    const net = new FakeNet((_request, { seen }) => (seen.length % 2 === 1 ? redirect(302, "/y") : ok("x")));
    let asked = 0;
    const session = net.session({
      traceparent: () => {
        asked += 1;
        return `00-${storage.getStore()}-${SPAN}-00`;
      },
    });
    const ids = ["a".repeat(32), "b".repeat(32)];
    await Promise.all(ids.map((id) => storage.run(id, () => session.get(URL_A).text())));
    expect(asked).toBe(2);
    expect(new Set(parents(net).map((sent) => sent?.traceId))).toEqual(new Set(ids));
  });
});

test("each hop and each try is a span of its own, of the one trace", async () => {
  const net = new FakeNet((_request, { seen }) =>
    seen.length === 1 ? answer(503) : seen.length === 2 ? redirect(302, "/y") : ok("x"),
  );
  const traced: (string | undefined)[] = [];
  const session = net.session({
    traceparent: true,
    retry: { attempts: 2, baseDelay: 0 },
    trace: { requestHeadersSent: ({ traceparent }) => traced.push(traceparent) },
  });
  const asked = session.get(URL_A).text();
  for (let step = 0; step < 5; step += 1) await net.clock.advanceAsync(1);
  await asked;
  const sent = parents(net);
  expect(sent.length).toBe(3);
  expect(new Set(sent.map((one) => one?.traceId)).size).toBe(1);
  expect(new Set(sent.map((one) => one?.spanId)).size).toBe(3);
  expect(traced).toEqual(net.seen.map(({ fields }) => fields.get("traceparent")));
});

describe("it goes where the session's defaults go", () => {
  async function sentTo(url: string, options: SessionOptions, net = new FakeNet()): Promise<boolean[]> {
    await net
      .session({ traceparent: true, ...options })
      .get(url)
      .text();
    return net.seen.map(({ fields }) => fields.has("traceparent"));
  }

  test("not to another origin than the base's, unless that is named", async () => {
    const baseUrl = "http://a.test/";
    expect(await sentTo("http://a.test/x", { baseUrl })).toEqual([true]);
    expect(await sentTo("http://b.test/x", { baseUrl })).toEqual([false]);
    expect(await sentTo("http://b.test/x", { baseUrl, defaultsFor: ["http://b.test"] })).toEqual([true]);
  });

  test("not along on a redirect to another origin", async () => {
    const net = new FakeNet(({ target }) => (target === "/x" ? redirect(302, "http://b.test/y") : ok("x")));
    expect(await sentTo(URL_A, {}, net)).toEqual([true, false]);
  });

  test("the caller's own is left alone", async () => {
    const net = new FakeNet();
    await net
      .session({ traceparent: true })
      .get(URL_A, { headers: { traceparent: PARENT } })
      .text();
    expect(net.seen[0]?.fields.get("traceparent")).toBe(PARENT);
  });
});

test("an option of another kind is refused", () => {
  for (const traceparent of [false, "x", null, {}]) {
    expect(() => new FakeNet().session({ traceparent } as unknown as SessionOptions)).toThrow(
      expect.objectContaining({ code: "options/unknown-value" }),
    );
  }
});
