/** What a request and its response give beside the whole body: lines, values, events, and errors that show their reader. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import type { ClientResponse } from "../../src/client/response.js";
import { ContentTypeError, SluiceError, ValidationError } from "../../src/errors.js";
import { answer, FakeNet, ok, rejection, turns } from "./fake-net.js";

const HERE = /reading\.test\.ts/;
const EVENT_STREAM = "content-type: text/event-stream\r\n";

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

/** Answers half of what it declares, and breaks off: at once, or when the reader waits already. */
function breaking(late: boolean): FakeNet {
  return new FakeNet(({ connection }) => {
    connection.send("HTTP/1.1 200 \r\ncontent-length: 90\r\n\r\n{}\nhalf");
    if (late) setTimeout(() => connection.end(), 5);
    else connection.end();
    return undefined;
  });
}

describe("an error of the body names the request and shows whoever reads it", () => {
  const READERS: [string, (response: ClientResponse) => Promise<unknown>][] = [
    ["for await", (response) => all(response.body)],
    ["chunks", (response) => all(response.body.chunks(50))],
    ["lines", (response) => all(response.lines())],
    ["jsonLines", (response) => all(response.jsonLines())],
    ["jsonLines with a schema", (response) => all(response.jsonLines(z.unknown()))],
    ["body.bytes", (response) => response.body.bytes()],
    ["body.json", (response) => response.body.json()],
    ["text", (response) => response.text()],
    ["toNode, iterated", (response) => all(response.body.toNode())],
    ["toNode, piped", (response) => pipeline(response.body.toNode(), async (source) => void (await all(source)))],
    ["toWeb", (response) => all(response.body.toWeb())],
  ];
  describe.each([
    ["broken already", false],
    ["breaking while it waits", true],
  ])("%s", (_when, late) => {
    test.each(READERS)("%s", async (_name, read) => {
      const response = await breaking(late).session().get("http://a.test/x?token=secret");
      if (!late) await turns();
      async function theReader(): Promise<unknown> {
        return await read(response);
      }
      const error = await rejection<SluiceError>(theReader());
      expect(error).toBeInstanceOf(SluiceError);
      expect(error.message).toMatch(/^GET http:\/\/a\.test\/x\?token=…: /);
      expect(error.stack).toMatch(HERE);
      expect(error.stack).toMatch(/theReader|all|READERS|read/);
      expect(error.stack?.split("\n")[0]).toContain(error.message);
    });
  });

  test("a request's own lines() and jsonLines() as well", async () => {
    for (const read of [
      () => all(breaking(true).session().get("http://a.test/").lines()),
      () => all(breaking(true).session().get("http://a.test/").jsonLines()),
    ]) {
      async function theReader(): Promise<unknown> {
        return await read();
      }
      const error = await rejection<SluiceError>(theReader());
      expect(error.stack).toMatch(/theReader/);
    }
  });

  test("the caller's own reason stays as it is in a web stream, whatever it is", async () => {
    const controller = new AbortController();
    const net = new FakeNet(({ connection }) => {
      connection.send("HTTP/1.1 200 \r\ncontent-length: 90\r\n\r\nhalf");
      return undefined;
    });
    const response = await net.session().get("http://a.test/", { signal: controller.signal });
    const reading = all(response.body.toWeb());
    await turns();
    controller.abort("enough");
    expect(await rejection(reading)).toBe("enough");
  });

  test("the caller's own reason stays as it is", async () => {
    const controller = new AbortController();
    const net = new FakeNet(({ connection }) => {
      connection.send("HTTP/1.1 200 \r\ncontent-length: 90\r\n\r\nhalf");
      return undefined;
    });
    const response = await net.session().get("http://a.test/", { signal: controller.signal });
    const reading = all(response.body);
    await turns();
    const mine = new Error("mine");
    const { stack } = mine;
    controller.abort(mine);
    expect(await rejection(reading)).toBe(mine);
    expect(mine.stack).toBe(stack);
  });
});

describe("json(schema)", () => {
  const User = z.object({ name: z.string() });
  const net = new FakeNet(({ target }) => {
    if (target === "/html") return ok("<p>", "content-type: text/html\r\n");
    if (target === "/500") return answer(500, "{}");
    return ok(target === "/wrong" ? '{"name":5}' : '{"name":"Ada"}', "content-type: application/json\r\n");
  });

  test("is typed on the request and on the response", async () => {
    const session = net.session();
    const fromRequest = await session.get("http://a.test/").json(User);
    const fromResponse = await (await session.get("http://a.test/")).json(v.object({ name: v.string() }));
    expect([fromRequest, fromResponse]).toEqual([{ name: "Ada" }, { name: "Ada" }]);
    expectTypeOf(fromRequest).toEqualTypeOf<{ name: string }>();
    expectTypeOf(fromResponse).toEqualTypeOf<{ name: string }>();
    expectTypeOf(session.get("http://a.test/").json<number>()).resolves.toEqualTypeOf<number>();
  });

  test("a ValidationError says which request, and shows the caller", async () => {
    for (const ask of [
      async () => await net.session().get("http://a.test/wrong").json(User),
      async () => await (await net.session().get("http://a.test/wrong")).json(User),
      async () => await (await net.session().get("http://a.test/wrong")).body.json(User),
    ]) {
      async function theCaller(): Promise<unknown> {
        return await ask();
      }
      const error = await rejection<ValidationError>(theCaller());
      expect(error).toBeInstanceOf(ValidationError);
      expect(error).toMatchObject({ method: "GET", url: "http://a.test/wrong", code: "body/schema-mismatch" });
      expect(error.message).toMatch(/^GET http:\/\/a\.test\/wrong: Cannot take the body: .+: name: /);
      expect(error.stack).toMatch(/theCaller/);
    }
  });

  test("the type of the answer still counts, and the status", async () => {
    const session = net.session();
    await expect(session.get("http://a.test/html").json(User)).rejects.toBeInstanceOf(ContentTypeError);
    await expect(session.get("http://a.test/500").json(User)).rejects.toMatchObject({ status: 500 });
    await expect(session.get("http://a.test/html").json(User, { checkType: false })).rejects.toMatchObject({
      code: "body/invalid-json",
    });
  });

  test("what is no schema is refused", async () => {
    await expect(
      net
        .session()
        .get("http://a.test/")
        .json("User" as unknown as object),
    ).rejects.toThrow("expected a Standard Schema");
  });
});

describe("jsonLines", () => {
  test("on the request: an error status throws, values come typed", async () => {
    const net = new FakeNet(({ target }) => (target === "/500" ? answer(500, "x") : ok('{"n":1}\n{"n":2}\n')));
    const session = net.session();
    expect(await all(session.get("http://a.test/").jsonLines(z.object({ n: z.number() })))).toEqual([
      { n: 1 },
      { n: 2 },
    ]);
    expect(await all(session.get("http://a.test/").jsonLines({ maxLineBytes: 7 }))).toHaveLength(2);
    expect((await rejection(all(session.get("http://a.test/500").jsonLines()))).message).toContain("500");
    expect(await all((await session.get("http://a.test/500")).lines())).toEqual(["x"]);
  });
});

describe("events", () => {
  test("of a request and of a response, with text or typed data", async () => {
    const net = new FakeNet(() => ok('id: 1\ndata: {"n":1}\n\n', EVENT_STREAM));
    const session = net.session();
    for await (const { data, id } of session.get("http://a.test/").events()) {
      expectTypeOf(data).toEqualTypeOf<string>();
      expect([data, id]).toEqual(['{"n":1}', "1"]);
    }
    const typed = (await session.get("http://a.test/")).events({ schema: z.object({ n: z.number() }) });
    for await (const { data, event, id } of typed) {
      expectTypeOf(data).toEqualTypeOf<{ n: number }>();
      expect([data, event, id]).toEqual([{ n: 1 }, "message", "1"]);
    }
  });

  test.each([
    ["another type", ok("x", "content-type: text/html\r\n"), ContentTypeError],
    ["no type", ok("data: x\n\n"), ContentTypeError],
    ["an error status", answer(503, "data: x\n\n", EVENT_STREAM), SluiceError],
  ])("%s throws", async (_what, response, kind) => {
    const net = new FakeNet(() => response);
    expect(await rejection(all(net.session().get("http://a.test/").events()))).toBeInstanceOf(kind);
    expect(await rejection(all((await net.session().get("http://a.test/")).events()))).toBeInstanceOf(kind);
  });

  test("a 204 has none; the type may have parameters and any case", async () => {
    const empty = new FakeNet(() => "HTTP/1.1 204 \r\n\r\n");
    expect(await all(empty.session().get("http://a.test/").events())).toEqual([]);
    const odd = new FakeNet(() => ok("data: x\n\n", "content-type: Text/Event-Stream; charset=utf-8\r\n"));
    expect(await all(odd.session().get("http://a.test/").events())).toHaveLength(1);
  });

  test("leaving the loop ends the connection; unknown options are refused", async () => {
    const net = new FakeNet(({ connection }) => {
      connection.send(`HTTP/1.1 200 \r\n${EVENT_STREAM}\r\ndata: x\n\n`);
      return undefined;
    });
    for await (const event of net.session().get("http://a.test/").events()) {
      expect(event.data).toBe("x");
      break;
    }
    await turns();
    expect(net.open).toBe(0);
    const wrong = net
      .session()
      .get("http://a.test/")
      .events({ maxLine: 1 } as object);
    expect((await rejection(all(wrong))).message).toContain('Cannot use events option "maxLine"');
  });
});

describe("multipart and forms", () => {
  const FORM_TYPE = "content-type: multipart/form-data; boundary=B\r\n";
  const FORM =
    '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n' +
    '--B\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n\r\ntwo\r\n--B--\r\n';
  const net = new FakeNet(({ target }) => {
    if (target === "/form") return ok(FORM, FORM_TYPE);
    if (target === "/cut") return ok(FORM.slice(0, 80), FORM_TYPE);
    if (target === "/no-boundary") return ok(FORM, "content-type: multipart/form-data\r\n");
    if (target === "/urlencoded") return ok("a=1&b=%C3%A9&a=2", "content-type: application/x-www-form-urlencoded\r\n");
    if (target === "/500") return answer(500, FORM, FORM_TYPE);
    return ok("x", "content-type: text/plain\r\n");
  });
  const at = (path: string) => net.session().get(`http://a.test/${path}`);

  test("parts of a request and of a response; saved ones are files", async () => {
    const names: unknown[] = [];
    for await (const part of at("form").multipart()) names.push([part.name, part.filename, await part.text()]);
    expect(names).toEqual([
      ["a", undefined, "one"],
      ["f", "x.txt", "two"],
    ]);
    const folder = await mkdtemp(join(tmpdir(), "sluice-part-"));
    for await (const part of (await at("form")).multipart()) {
      if (part.filename !== undefined) expect(await part.save(join(folder, "saved"))).toBe(3);
    }
    expect(await readFile(join(folder, "saved"), "utf8")).toBe("two");
    await rm(folder, { recursive: true });
  });

  test("a part that cannot be saved says so, and which request it was", async () => {
    for await (const part of at("form").multipart()) {
      const error = await rejection<SluiceError>(part.save("/nowhere/at/all"));
      expect(error).toMatchObject({ code: "response.not-saved", url: "http://a.test/form" });
      break;
    }
  });

  test("formData() of multipart and of urlencoded", async () => {
    const form = await at("form").formData();
    expectTypeOf(form).toEqualTypeOf<FormData>();
    expect(form).toBeInstanceOf(FormData);
    expect(form.get("a")).toBe("one");
    expect(await (form.get("f") as File).text()).toBe("two");
    const plain = await (await at("urlencoded")).formData();
    expect([...plain]).toEqual([
      ["a", "1"],
      ["b", "é"],
      ["a", "2"],
    ]);
  });

  test("formData() takes in no more than maxResponseSize, nor than its limits", async () => {
    const bounded = net.session({ maxResponseSize: FORM.length });
    expect((await bounded.get("http://a.test/form").formData()).get("a")).toBe("one");
    await expect(at("form").formData({ maxTotalBytes: FORM.length - 1 })).rejects.toMatchObject({
      code: "multipart/too-large",
    });
    await expect(at("form").formData({ maxParts: 1 })).rejects.toMatchObject({ code: "multipart/too-many-parts" });
  });

  test.each([
    ["cut", "multipart/truncated"],
    ["no-boundary", "multipart/no-boundary"],
    ["text", "response.content-type"],
    ["500", "response.status"],
  ])("/%s is refused with %s, and names the request and the caller", async (path, code) => {
    async function theCaller(kind: "form" | "parts"): Promise<void> {
      if (kind === "form") await at(path).formData();
      else for await (const part of at(path).multipart()) await part.text();
    }
    for (const kind of ["form", "parts"] as const) {
      const error = await rejection<SluiceError>(theCaller(kind));
      expect(error).toMatchObject({ code, method: "GET", url: `http://a.test/${path}` });
      expect(error.stack).toMatch(/theCaller/);
    }
  });

  test("the connection is used again afterwards", async () => {
    const session = net.session();
    await session.get("http://a.test/form").formData();
    await turns();
    const before = net.connections.length;
    for await (const part of session.get("http://a.test/form").multipart()) expect(part.name).toBeTypeOf("string");
    await turns();
    await session.get("http://a.test/form").formData();
    expect(net.connections.length).toBe(before);
  });
});

test("links are those of all Link fields, resolved against the URL that answered", async () => {
  const net = new FakeNet(({ target }) =>
    target === "/v1/a" ? ok("", 'link: <b?page=2>; rel="next", </>; rel=start\r\nLink: <c>; rel=last\r\n') : ok(""),
  );
  const { links } = await net.session().get("http://a.test/v1/a");
  expect(links.map(({ url, rel }) => [url, rel[0]])).toEqual([
    ["http://a.test/v1/b?page=2", "next"],
    ["http://a.test/", "start"],
    ["http://a.test/v1/c", "last"],
  ]);
  expect((await net.session().get("http://a.test/")).links).toEqual([]);
});
