/** The light `Response` against the native one: the same for everybody, and read by the server without a stream. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { answerResponse } from "../../../src/server/fetch/answer-response.js";
import { useLightGlobals } from "../../../src/server/fetch/light-globals.js";
import { LightResponse } from "../../../src/server/fetch/light-response.js";
import { ServedRequest } from "../../../src/server/fetch/served-request.js";
import { Reply } from "../../../src/server/reply.js";
import { FakeExchange, readAnswer } from "../fake-exchange.js";

const Native = globalThis.Response;
const Light = LightResponse as unknown as typeof Response;

const streamOf = (text: string) => new Blob([text]).stream();
type Arguments = [body?: ConstructorParameters<typeof Response>[0], init?: ResponseInit];

/** Made anew for each class: streams can be used once. */
const MAKES: readonly (readonly [name: string, make: () => Arguments])[] = [
  ["nothing", () => []],
  ["null", () => [null]],
  ["undefined and an init", () => [undefined, { status: 404 }]],
  ["text", () => ["héllo"]],
  ["empty text", () => [""]],
  ["text and a type", () => ["{}", { headers: { "Content-Type": "application/json" } }]],
  ["text and other fields", () => ["x", { headers: { "X-A": "1", "x-b": "  padded\t" } }]],
  ["a field twice in two spellings", () => ["x", { headers: { "X-A": "1", "x-a": "2" } }]],
  [
    "pairs",
    () => [
      "x",
      {
        headers: [
          ["a", "1"],
          ["a", "2"],
          ["set-cookie", "b=1"],
          ["set-cookie", "c=2"],
        ],
      },
    ],
  ],
  ["a Headers", () => ["x", { headers: new Headers({ "content-type": "text/css", "set-cookie": "a=1" }) }]],
  ["a number as value", () => ["x", { headers: { "x-n": 5 as unknown as string } }]],
  [
    "many fields",
    () => ["x", { headers: Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`x-${at}`, `${at}`])) }],
  ],
  ["no fields", () => ["x", { headers: {} }]],
  ["a status and a text", () => [null, { status: 418, statusText: "I'm a teapot" }]],
  ["bytes", () => [new Uint8Array([104, 105])]],
  ["a Buffer", () => [Buffer.from("hi")]],
  ["an ArrayBuffer", () => [new Uint8Array([104, 105]).buffer]],
  ["a DataView", () => [new DataView(new Uint8Array([104, 105]).buffer)]],
  ["a Blob with a type", () => [new Blob(["blob"], { type: "text/x-blob" })]],
  ["URLSearchParams", () => [new URLSearchParams({ a: "1 2" })]],
  ["a stream", () => [streamOf("streamed")]],
  ["a number", () => [5 as unknown as string]],
  ["204", () => [null, { status: 204 }]],
  ["a response as init", () => ["x", new Native("y", { status: 201, headers: { "x-init": "1" } })]],
  [
    "a light response as init",
    () => ["x", new Light("y", { status: 201, statusText: "T", headers: { "x-init": "1" } })],
  ],
  ["an inherited init", () => ["x", Object.create({ status: 202, headers: { "x-far": "1" } }) as ResponseInit]],
  ["null as init", () => ["x", null as unknown as ResponseInit]],
];

const REFUSED: readonly (readonly [name: string, make: () => Arguments])[] = [
  ["a status below 200", () => [null, { status: 199 }]],
  ["a status above 599", () => [null, { status: 600 }]],
  ["a body where there can be none", () => ["x", { status: 204 }]],
  ["a line break in the status text", () => [null, { statusText: "a\nb" }]],
  ["a name that is no token", () => [null, { headers: { "a b": "1" } }]],
  ["a line break in a value", () => [null, { headers: { a: "1\r\n2" } }]],
  ["a value beyond latin1", () => [null, { headers: { a: "\u0100" } }]],
  ["an init that is no object", () => ["x", 5 as unknown as ResponseInit]],
  ["headers that are no object", () => ["x", { headers: "a" as unknown as HeadersInit }]],
];
type HeadersInit = NonNullable<ResponseInit["headers"]>;

function headOf(response: Response) {
  const { status, statusText, ok, type, url, redirected, bodyUsed } = response;
  return { status, statusText, ok, type, url, redirected, bodyUsed, headers: [...response.headers] };
}

describe("a light response", () => {
  test.each(MAKES)("of %s is what a native one is", async (_name, make) => {
    const [native, light] = [new Native(...make()), new Light(...make())];
    expect(light).toBeInstanceOf(Native);
    expect(headOf(light)).toEqual(headOf(native));
    expect(light.body === null).toBe(native.body === null);
    expect(Buffer.from(await light.clone().arrayBuffer())).toEqual(Buffer.from(await native.clone().arrayBuffer()));
    expect([await light.text(), light.bodyUsed]).toEqual([await native.text(), native.bodyUsed]);
  });

  test.each(REFUSED)("%s is refused as by a native one", (_name, make) => {
    const thrown = (maker: () => unknown) => {
      try {
        maker();
      } catch (error) {
        return error as Error;
      }
      return undefined;
    };
    const native = thrown(() => new Native(...make()));
    expect(native).toBeDefined();
    expect(thrown(() => new Light(...make()))).toMatchObject({ name: native?.name, message: native?.message });
  });

  test.each<[string, (made: typeof Response) => Response]>([
    ["json", (made) => made.json({ a: "é" })],
    ["json with a status", (made) => made.json([1], { status: 201, statusText: "Yes", headers: { "x-a": "1" } })],
    ["json with a type of its own", (made) => made.json(null, { headers: { "content-type": "application/x-json" } })],
    ["redirect", (made) => made.redirect("http://example.com/é", 307)],
    ["redirect without a status", (made) => made.redirect("http://example.com/", undefined as never)],
    ["error", (made) => made.error()],
  ])("Response.%s makes the same", async (_name, make) => {
    const [native, light] = [make(Native), make(Light)];
    expect(headOf(light)).toEqual(headOf(native));
    expect(await light.text()).toBe(await native.text());
  });

  test("Response.json and redirect refuse the same", () => {
    expect(() => Light.json(undefined)).toThrow(TypeError);
    expect(() => Light.json(1n)).toThrow(TypeError);
    expect(() => Light.redirect("http://example.com", 200 as 301)).toThrow(RangeError);
  });

  test.each(["text", "json", "arrayBuffer", "blob", "formData"] as const)("%s() is once for all", async (name) => {
    const type = "application/x-www-form-urlencoded";
    const light = new Light("[1]", { headers: { "content-type": type } });
    await light[name]();
    expect(light.bodyUsed).toBe(true);
    await expect(light.text()).rejects.toBeInstanceOf(TypeError);
    expect(() => light.clone()).toThrow(TypeError);
  });

  test("bytes are those of the moment it was made", async () => {
    const bytes = Buffer.from("before");
    const light = new Light(bytes);
    bytes.fill(120);
    expect(await light.text()).toBe("before");
  });

  test("its headers are one object, and what is changed in them is sent and copied", async () => {
    const light = new Light("x", { headers: { a: "1" } });
    light.headers.set("b", "2");
    expect(light.headers).toBe(light.headers);
    expect(light.clone().headers.get("b")).toBe("2");
    void light.body;
    light.headers.append("c", "3");
    expect(light.clone().headers.get("c")).toBe("3");
    expect([...new Native("y", light).headers.keys()]).toEqual(["a", "b", "c", "content-type"]);
    const { headers } = await readAnswer(await answerResponse(light, false));
    expect(headers).toEqual({ a: "1", b: "2", c: "3", "content-type": "text/plain;charset=UTF-8" });
  });

  test("a class that extends it knows its own", () => {
    class Page extends (Light as unknown as typeof LightResponse) {}
    expect([new Page("x") instanceof Page, new Light("x") instanceof Page]).toEqual([true, false]);
    expect(new Page("x")).toBeInstanceOf(Native);
  });

  test("shows itself as a Response", async () => {
    const { inspect } = await import("node:util");
    expect(inspect(new Light("x", { status: 201 }))).toMatch(/Response[\s\S]*status: 201/);
    expect(Object.prototype.toString.call(new Light())).toBe("[object Response]");
  });
});

describe("sending a light response", () => {
  test.each(MAKES)("of %s sends what a native one sends", async (_name, make) => {
    const [native, light] = [answerResponse(new Native(...make()), false), answerResponse(new Light(...make()), false)];
    const [theirs, ours] = [await readAnswer(await native), await readAnswer(await light)];
    expect({ ...ours, reply: undefined }).toEqual({ ...theirs, reply: undefined });
    expect(ours.reply.reason).toBe(theirs.reply.reason);
    expect(ours.reply.payload?.length).toBe(theirs.reply.payload?.length);
  });

  test("a body in memory is sent at once, as it is, and any number of times", () => {
    const light = new Light("text", { status: 202 });
    const made = answerResponse(light, false);
    expect(made).toBeInstanceOf(Reply);
    expect((made as Reply).payload?.whole).toBe("text");
    expect((answerResponse(light, false) as Reply).payload?.whole).toBe("text");
  });

  test("plain answers of one type share their field lines, so that the wire knows them", () => {
    const fieldsOf = () => (answerResponse(Light.json([1]), false) as Reply).fields;
    expect(fieldsOf()).toBe(fieldsOf());
    expect(Object.isFrozen(fieldsOf())).toBe(true);
  });

  test("whoever changes the head by new Response(response.body, response) has no stream read for it", () => {
    const first = new Light("text", { headers: { a: "1" } });
    const second = new Light(first.body, first);
    second.headers.set("b", "2");
    const made = answerResponse(second, false);
    expect(made).toBeInstanceOf(Reply);
    expect((made as Reply).payload?.whole).toBe("text");
    expect(first.bodyUsed).toBe(true);
  });

  test("one whose body was read is refused, and so is one that is locked or an error", () => {
    const refusals: [() => Response, string][] = [
      [() => locked(new Light("x")), "reply/response-used"],
      [() => locked(new Light(streamOf("x"))), "reply/response-used"],
      [() => locked(new Native("x")), "reply/response-used"],
      [() => Light.error(), "reply/status"],
    ];
    for (const [make, code] of refusals)
      expect(() => answerResponse(make(), false)).toThrow(expect.objectContaining({ code }));
  });

  test.each([Light, Native])("one that was read is refused", async (Maker) => {
    const used = new Maker("x");
    await used.text();
    expect(() => answerResponse(used, false)).toThrow(expect.objectContaining({ code: "reply/response-used" }));
  });

  test("fields of a connection stay behind", async () => {
    const hops = { Connection: "close", "Transfer-Encoding": "chunked", "Keep-Alive": "timeout=1", "X-Kept": "1" };
    const { headers } = await readAnswer(await answerResponse(new Light(null, { headers: hops }), false));
    expect(headers).toEqual({ "x-kept": "1" });
  });

  test("to HEAD a stream is not read", async () => {
    const pull = vi.fn();
    const source = new ReadableStream({ pull }, { highWaterMark: 0 });
    const made = answerResponse(new Light(source), true) as Reply;
    made.payload?.discard();
    expect(pull).not.toHaveBeenCalled();
  });
});

describe("the globals", () => {
  const before = { Request: globalThis.Request, Response: globalThis.Response, fetch: globalThis.fetch };
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const restore of undo.splice(0)) restore();
    expect(globalThis.Response).toBe(before.Response);
  });
  const use = (symbolsInside?: boolean) => {
    const restore = useLightGlobals(symbolsInside);
    undo.push(restore);
    return restore;
  };

  test("are light while somebody uses them, and as before afterwards", () => {
    const described = Object.getOwnPropertyDescriptor(globalThis, "Response");
    const [first, second] = [use(), use()];
    expect(globalThis.Response).toBe(LightResponse);
    first();
    first();
    expect(globalThis.Response).toBe(LightResponse);
    second();
    expect(Object.getOwnPropertyDescriptor(globalThis, "Response")).toEqual(described);
  });

  test("what somebody else has put there since stays", () => {
    const restore = use();
    const other = class {} as unknown as typeof Response;
    globalThis.Response = other;
    restore();
    expect(globalThis.Response).toBe(other);
    globalThis.Response = before.Response;
  });

  test("instanceof holds both ways", () => {
    const native = new Response("native");
    const restore = use();
    const light = new Response("light");
    expect([native instanceof Response, light instanceof Response, {} instanceof Response]).toEqual([
      true,
      true,
      false,
    ]);
    restore();
    expect([native instanceof Response, light instanceof Response]).toEqual([true, true]);
  });

  test("made while they were light, a response stays good afterwards", async () => {
    const restore = use();
    const light = new Response("light", { headers: { a: "1" } });
    restore();
    expect([await light.clone().text(), light.headers.get("a")]).toEqual(["light", "1"]);
    expect(await new Response(light.body, light).text()).toBe("light");
  });

  describe("where the platform's objects cannot be looked into", () => {
    const served = (body: string) => {
      const exchange = new FakeExchange("POST", "/", { body, fields: ["Host", "example.com", "X-A", "1"] });
      return new ServedRequest(exchange, "http://example.com/", 100) as unknown as Request;
    };

    test("a request can be made of ours, and is what it was", async () => {
      use(false);
      const made = new Request(served("x"), { headers: { "x-b": "2" } });
      expect(made).toBeInstanceOf(before.Request);
      expect(made).toBeInstanceOf(Request);
      expect([made.method, made.headers.get("x-b"), await made.text()]).toEqual(["POST", "2", "x"]);
      expect(served("x")).toBeInstanceOf(Request);
    });

    test("all else is the platform's own", () => {
      use(false);
      expect(new Request("http://example.com/a").url).toBe("http://example.com/a");
      expect(() => new Request("not a url")).toThrow(TypeError);
      class Own extends Request {}
      expect(new Own("http://example.com")).toBeInstanceOf(Own);
      expect(Request.name).toBe("Request");
    });

    test("fetch takes ours", async () => {
      const { served: started } = await import("./served.js");
      const server = await started(async (request) => new Response(`${request.method} ${await request.text()}`));
      use(false);
      const ours = new ServedRequest(new FakeExchange("PUT", "/", { body: "sent on" }), `${server.url}/x`, 100);
      expect(await (await fetch(ours as unknown as Request)).text()).toBe("PUT sent on");
      expect((await fetch(server.url)).status).toBe(200);
    });
  });
});

function locked(response: Response): Response {
  response.body?.getReader();
  return response;
}
