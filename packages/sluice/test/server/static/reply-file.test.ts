import { utimesSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { reply } from "../../../src/server/reply-kinds.js";
import type { FileReplyOptions } from "../../../src/server/static/reply-file.js";
import { ask, type FakeAnswer } from "../fake-exchange.js";
import { makeFolder, removeFolders } from "./static-setup.js";

let folder: string;

beforeAll(() => {
  folder = makeFolder({
    ...{ "report.pdf": "0123456789", "page.html": "<p>", "page.html.br": "br", ".secret": "s", "sub/a.txt": "a" },
    "large.bin": "x".repeat(300_000),
  });
  for (const name of ["report.pdf", "large.bin"]) utimesSync(join(folder, name), 1_000, 1_000);
});
afterAll(removeFolders);

function get(path: string, options?: FileReplyOptions, fields: Record<string, string> = {}): Promise<FakeAnswer> {
  const app = new Application({ onError: () => undefined }).get("/", () => reply.file(path, options));
  return ask(app.dispatch, "GET", "/", { fields: Object.entries(fields).flat() });
}

describe("reply.file", () => {
  test("sends a file, or the part of it that is asked for, or nothing to whoever has it", async () => {
    const path = join(folder, "report.pdf");
    const whole = await get(path);
    expect(whole).toMatchObject({ status: 200, text: "0123456789" });
    expect(whole.headers).toMatchObject({ "content-type": "application/pdf", "accept-ranges": "bytes" });
    expect(await get(path, {}, { Range: "bytes=2-4" })).toMatchObject({ status: 206, text: "234" });
    expect((await get(path, {}, { Range: "bytes=10-" })).status).toBe(416);
    expect((await get(path, {}, { "If-None-Match": whole.headers["etag"] ?? "" })).status).toBe(304);
    expect((await get(path, {}, { "If-Match": '"x"' })).status).toBe(412);
    expect((await get(join(folder, "large.bin"))).text).toHaveLength(300_000);
  });

  test("is 404 for what is not there, or no file", async () => {
    expect((await get(join(folder, "none"))).status).toBe(404);
    expect((await get(folder)).status).toBe(404);
    expect((await get("a\0b")).status).toBe(404);
  });

  test("takes status, fields, type and lifetime from the application", async () => {
    const answer = await get(join(folder, "report.pdf"), {
      type: "text/plain",
      maxAgeSeconds: 5,
      headers: { "X-Own": "1", ETag: '"ours goes first"' },
    });
    expect(answer.headers).toMatchObject({ "content-type": "text/plain", "cache-control": "max-age=5", "x-own": "1" });
    expect(answer.headers["etag"]).not.toContain("ours");
    expect((await get(join(folder, "page.html"), { types: { html: "text/x-own" } })).headers["content-type"]).toBe(
      "text/x-own",
    );
  });

  test("with another status than 200 is sent whole, whatever is asked", async () => {
    const path = join(folder, "page.html");
    const { etag = "" } = (await get(path)).headers;
    const options = { status: 404, reason: "Nowhere" };
    const answer = await get(path, options, { Range: "bytes=0-0", "If-None-Match": etag, "If-Match": '"x"' });
    expect(answer).toMatchObject({ status: 404, text: "<p>" });
    expect(answer.reply.reason).toBe("Nowhere");
    expect((await get(path, { reason: "Mine" }, { "If-None-Match": etag })).reply.reason).toBeUndefined();
  });

  test("is to be saved under a name that every client understands", async () => {
    const named = async (download: string | boolean): Promise<string | undefined> =>
      (await get(join(folder, "report.pdf"), { download })).headers["content-disposition"];
    expect(await named(false)).toBeUndefined();
    expect(await named(true)).toBe('attachment; filename="report.pdf"');
    expect(await named("Übersicht.pdf")).toBe(
      `attachment; filename="_bersicht.pdf"; filename*=UTF-8''%C3%9Cbersicht.pdf`,
    );
    expect(await named('a"\r\nX: y/../b')).not.toMatch(/[\r\n]/);
  });

  test("prefers a precompressed sibling where the application lets it", async () => {
    const accept = { "Accept-Encoding": "br" };
    expect((await get(join(folder, "page.html"), { precompressed: true }, accept)).headers).toMatchObject({
      "content-encoding": "br",
      "content-type": "text/html; charset=utf-8",
      vary: "Accept-Encoding",
    });
    expect((await get(join(folder, "page.html"), {}, accept)).text).toBe("<p>");
  });

  test.each(["../secret", "/etc/passwd", "sub/../../x", "sub\\..\\a", ".secret", "sub//a.txt", "sub/", "a\0", "."])(
    "below a root, %j leads nowhere",
    async (path) => {
      expect((await get(path, { root: join(folder, "sub", "..") })).status).toBe(404);
    },
  );

  test("below a root finds what is there", async () => {
    expect((await get("sub/a.txt", { root: folder })).text).toBe("a");
    expect((await get(".secret", { root: folder, dotfiles: "serve" })).text).toBe("s");
  });

  test("can be added to before it is returned, and by middleware afterwards", async () => {
    const seen: [number, string | null][] = [];
    const sent: number[] = [];
    const app = new Application();
    app.use(async (_request, next) => {
      const answer = await next();
      seen.push([answer.status, answer.headers.get("content-range")]);
      answer.headers.set("X-Late", "1");
      return answer;
    });
    app.get("/", () => {
      const answer = reply.file(join(folder, "report.pdf")).setCookie("a", "1").setCookie("b", "2");
      answer.headers.set("X-Early", "1");
      return answer.whenSent((bodyBytes) => sent.push(bodyBytes));
    });
    const answer = await ask(app.dispatch, "GET", "/", { fields: ["Range", "bytes=0-3"] });
    expect(seen).toEqual([[206, "bytes 0-3/10"]]);
    expect(answer.headers).toMatchObject({ "x-early": "1", "x-late": "1", "set-cookie": "a=1; Path=/\nb=2; Path=/" });
    expect(sent).toEqual([4]);
  });

  test("is closed when middleware throws away what it was given", async () => {
    const app = new Application({ onError: () => undefined });
    let given: { payload: unknown } | undefined;
    app.use(async (_request, next) => {
      given = await next();
      throw new Error("after all");
    });
    app.get("/", () => reply.file(join(folder, "large.bin")));
    expect((await ask(app.dispatch, "GET", "/")).status).toBe(500);
    expect(given?.payload).toBeUndefined();
  });

  test("refuses what it cannot use when it is called", () => {
    const usage = (code: string) => expect.objectContaining({ name: "UsageError", code });
    expect(() => reply.file("")).toThrow(usage("options/unknown-value"));
    expect(() => reply.file(7 as unknown as string)).toThrow(usage("options/unknown-value"));
    expect(() => reply.file("a", { attachment: true } as FileReplyOptions)).toThrow(usage("options/unknown"));
    expect(() => reply.file("a", { status: 99 })).toThrow(usage("reply/status"));
    expect(() => reply.file("a", { maxAgeSeconds: -1 })).toThrow(usage("options/out-of-range"));
  });
});
