import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { ConnectionLostError } from "../../src/errors.js";
import { Application } from "../../src/server/application.js";
import type { ReadFormDataOptions } from "../../src/server/request/read-options.js";
import type { RequestForm } from "../../src/server/request/request-form.js";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import { UploadedFile } from "../../src/server/request/uploaded-file.js";
import { FakeExchange, readAnswer } from "./fake-exchange.js";
import { arriving, encode, field, file, parts, receive } from "./form-setup.js";

const POSIX = process.platform !== "win32";
const FORM = parts(field("title", "Hello"), file("f", "x.txt", "small"), file("g", "y.bin", "y".repeat(100)));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Keeps `small` (5 bytes) in memory and writes the rest to the test's folder. */
const toDisk = (): ReadFormDataOptions => ({ maxMemory: 50, temporaryFolder: folder });
const stored = () => readdirSync(folder, { recursive: true }).map(String);

/** Removing is begun when the answer is over, and awaited by nobody. */
async function gone(left = 0): Promise<void> {
  await expect.poll(stored, { interval: 2 }).toHaveLength(left);
}

const describeForm = async (form: RequestForm) => {
  const seen: unknown[] = [];
  for (const [name, value] of form) {
    seen.push(typeof value === "string" ? [name, value] : [name, value.filename, value.type, await value.text()]);
  }
  return seen;
};

describe("formData()", () => {
  test("gives fields and files in their order, wherever the files lie", async () => {
    const expected = [
      ["title", "Hello"],
      ["f", "x.txt", "text/plain", "small"],
      ["g", "y.bin", "text/plain", "y".repeat(100)],
    ];
    const read = (options: ReadFormDataOptions) => async (request: ServerRequest) =>
      describeForm(await request.formData(options));
    for (const options of [{}, toDisk(), { ...toDisk(), maxMemory: 0 }]) {
      expect((await receive(read(options), FORM)).read).toEqual(expected);
      expect((await receive(read(options), FORM, { body: arriving(FORM.bytes, 7) })).read).toEqual(expected);
    }
  });

  test("is what FormData sent: names, values, file names, types and bytes", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 30 });
    const upload = fc.record({
      bytes: fc.uint8Array({ maxLength: 300 }),
      filename: fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }), // undici leaves an empty one out
      type: fc.constantFrom("", "image/png", "application/octet-stream"),
    });
    const entries = fc.array(fc.tuple(text, fc.oneof(text, upload)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(entries, fc.nat(400), fc.integer({ min: 1, max: 500 }), async (given, maxMemory, size) => {
        const form = new FormData();
        for (const [name, value] of given) {
          if (typeof value === "string") form.append(name, value);
          else form.append(name, new File([value.bytes], value.filename, { type: value.type }));
        }
        const sent: unknown[] = [];
        for (const [name, value] of form) {
          if (typeof value === "string") sent.push([unixless(name), unixless(value)]);
          else
            sent.push([
              unixless(name),
              value.name,
              value.type || "application/octet-stream",
              [...new Uint8Array(await value.arrayBuffer())],
            ]);
        }
        const encoded = await encode(form);
        const read = async (request: ServerRequest) => {
          const seen: unknown[] = [];
          for (const [name, value] of await request.formData({ maxMemory, temporaryFolder: folder })) {
            if (typeof value === "string") seen.push([name, value]);
            else seen.push([name, value.sentFilename, value.type, [...(await value.bytes())]]);
          }
          return seen;
        };
        expect((await receive(read, encoded, { body: arriving(encoded.bytes, size) })).read).toEqual(sent);
      }),
      { numRuns: 60 },
    );
    await gone();
  });

  test("takes an urlencoded form as one without files", async () => {
    const encoded = { type: "application/x-www-form-urlencoded", bytes: Buffer.from("a=1&b=x+y&a=2") };
    const read = async (request: ServerRequest) => {
      const form = await request.formData();
      return [form.fields.getAll("a"), form.fields.get("b"), form.files.length, form.file("a") === undefined];
    };
    expect((await receive(read, encoded)).read).toEqual([["1", "2"], "x y", 0, true]);
  });

  test("gives the same form to whoever asks again", async () => {
    const read = async (request: ServerRequest) => {
      const first = await request.formData();
      return (await request.formData()) === first;
    };
    expect((await receive(read, FORM)).read).toBe(true);
  });

  test("fields and files can be had by name", async () => {
    const form = parts(field("a", "1"), file("f", "1", "one"), field("a", "2"), file("f", "2", "two"));
    const read = async (request: ServerRequest) => {
      const { fields, files, file: _unbound } = await request.formData();
      const whole = await request.formData();
      return [
        fields.getAll("a"),
        files.map(({ filename }) => filename),
        whole.file("f")?.size,
        whole.file("g") ?? null,
      ];
    };
    expect((await receive(read, form)).read).toEqual([["1", "2"], ["1", "2"], 3, null]);
  });

  test("of a schema: texts and uploads by name", async () => {
    const Upload = z.object({
      title: z.string(),
      f: z.instanceof(UploadedFile),
      g: z.array(z.instanceof(UploadedFile)),
    });
    const read = async (request: ServerRequest) => {
      const { title, f, g } = await request.form(Upload, { lists: ["g"] });
      return [title, f.size, g.map(({ size }) => size)];
    };
    expect((await receive(read, FORM)).read).toEqual(["Hello", 5, [100]]);
    const refused = await receive(read, parts(field("title", "x"), field("f", "no file")));
    expect([refused.status, JSON.parse(refused.text).errors]).toMatchObject([422, [{ pointer: "#/f" }]]);
  });

  test.each([
    ["of another type", { type: "multipart/mixed; boundary=b", bytes: FORM.bytes }, 415],
    ["of no type", { type: "", bytes: FORM.bytes }, 415],
    ["with a part without a name", parts("A: b\r\n\r\nx"), 400],
    [
      "with a field that is not UTF-8",
      { ...FORM, bytes: Buffer.from(`--b\r\n${field("a", "\xff")}\r\n--b--`, "latin1") },
      400,
    ],
    ["cut short", { ...FORM, bytes: FORM.bytes.subarray(0, -9) }, 400],
  ])("%s is refused", async (_what, encoded, status) => {
    expect((await receive((request) => request.formData(toDisk()), encoded)).status).toBe(status);
    expect(stored()).toEqual([]);
  });

  test.each([
    [{ maxMemory: -1 }, "options/out-of-range"],
    [{ maxMemory: Number.NaN }, "options/out-of-range"],
    [{ maxTotalBytes: 1 }, "options/unknown"],
  ])("the option %j is refused", async (options, code) => {
    const { errors } = await receive((request) => request.formData(options as ReadFormDataOptions), FORM);
    expect(errors).toEqual([expect.objectContaining({ code })]);
  });

  test("limits hold for files in temporary storage, and leave nothing there", async () => {
    const read = (options: ReadFormDataOptions) => (request: ServerRequest) =>
      request.formData({ ...toDisk(), ...options });
    for (const options of [{ maxFileBytes: 99 }, { maxSize: FORM.bytes.length - 10 }, { maxParts: 2 }]) {
      expect((await receive(read(options), FORM, { body: arriving(FORM.bytes, 20) })).status).toBe(413);
      expect(stored()).toEqual([]);
    }
  });
});

test("fields, always in memory, are limited by maxBodySize all together, however much the whole may be", async () => {
  const form = parts(field("a", "x".repeat(60)), file("f", "f", "x".repeat(500)), field("b", "x".repeat(40)));
  const read = async (request: ServerRequest) => {
    const { fields } = await request.formData({ maxSize: Number.POSITIVE_INFINITY, ...toDisk() });
    return fields.size;
  };
  expect((await receive(read, form, { maxBodySize: 100 })).read).toBe(2);
  expect((await receive(read, form, { maxBodySize: 99 })).status).toBe(413);
  await gone();
});

describe("temporary storage", () => {
  test("is private: a folder nobody else may enter, files under names nobody can guess", async () => {
    let modes: number[] = [];
    let names: string[] = [];
    const read = async (request: ServerRequest) => {
      await request.formData(toDisk());
      names = stored();
      modes = names.map((name) => statSync(join(folder, name)).mode & 0o777);
    };
    await receive(read, FORM);
    expect(names).toEqual([
      expect.stringMatching(/^sluice-\w{6}$/),
      expect.stringMatching(/^sluice-\w{6}.[0-9a-f]{32}$/),
    ]);
    if (POSIX) expect(modes).toEqual([0o700, 0o600]);
  });

  test("holds only what does not fit into memory, counted over all files", async () => {
    const form = parts(file("a", "a", "1".repeat(30)), file("b", "b", "2".repeat(30)), file("c", "c", "3".repeat(20)));
    let files = 0;
    const read = async (request: ServerRequest) => {
      await request.formData(toDisk());
      files = stored().length - 1;
    };
    await receive(read, form);
    expect(files).toBe(1);
    await gone();
    const roomy = async (request: ServerRequest) => {
      await request.formData({ ...toDisk(), maxMemory: 80 });
      files = stored().length;
    };
    await receive(roomy, form);
    expect(files).toBe(0);
  });

  test("is there until the answer has been sent, and gone then", async () => {
    const app = new Application();
    app.post("/", async (request) => {
      const form = await request.formData(toDisk());
      return form.file("g")?.stream() as AsyncIterable<Uint8Array>;
    });
    const reply = await app.dispatch(
      new FakeExchange("POST", "/", { fields: ["Content-Type", FORM.type], body: FORM.bytes }),
    );
    expect(stored()).toHaveLength(2);
    expect((await readAnswer(reply)).text).toBe("y".repeat(100));
    await gone();
  });

  test.each([
    ["the handler throws", async () => Promise.reject(new Error("handler"))],
    ["it answers nothing", async () => undefined as never],
  ])("is gone when %s", async (_when, end) => {
    const app = new Application({ onError: () => undefined });
    app.post("/", async (request) => {
      await request.formData(toDisk());
      expect(stored()).toHaveLength(2);
      return end();
    });
    const reply = await app.dispatch(
      new FakeExchange("POST", "/", { fields: ["Content-Type", FORM.type], body: FORM.bytes }),
    );
    expect((await readAnswer(reply)).status).toBe(500);
    await gone();
  });

  test("is gone when the client goes away in the middle of an upload", async () => {
    const lost = new ConnectionLostError("server/client-gone", "gone");
    const body = arriving(FORM.bytes.subarray(0, -30), 20, lost);
    expect((await receive((request) => request.formData(toDisk()), FORM, { body })).status).toBe(400);
    expect(stored()).toEqual([]);
  });

  test("is gone when the client is not there to take the answer", async () => {
    const app = new Application();
    app.post("/", async (request) => {
      await request.formData(toDisk());
      return "late";
    });
    const reply = await app.dispatch(
      new FakeExchange("POST", "/", { fields: ["Content-Type", FORM.type], body: FORM.bytes }),
    );
    reply.onSent?.(0, new ConnectionLostError("server/client-gone", "gone"));
    await gone();
  });

  test("is not begun any more when the handler has answered without waiting for its form", async () => {
    const app = new Application();
    let late: Promise<unknown> = Promise.resolve();
    app.post("/", (request) => {
      late = request.formData(toDisk());
      late.catch(() => undefined);
      return "done";
    });
    const body = arriving(FORM.bytes, 10);
    const reply = await app.dispatch(new FakeExchange("POST", "/", { fields: ["Content-Type", FORM.type], body }));
    await readAnswer(reply);
    await expect(late).rejects.toMatchObject({ code: "file/removed" });
    expect(stored()).toEqual([]);
  });

  test("that cannot be made is the server's fault", async () => {
    const read = (request: ServerRequest) =>
      request.formData({ maxMemory: 0, temporaryFolder: join(folder, "absent") });
    const { status, errors } = await receive(read, FORM);
    expect([status, errors]).toEqual([500, [expect.objectContaining({ code: "ENOENT" })]]);
  });

  test("an upload that is read too late says why it is gone", async () => {
    let kept: UploadedFile | undefined;
    const keep = async (request: ServerRequest) => {
      kept = (await request.formData(toDisk())).file("g");
    };
    await receive(keep, FORM);
    await gone();
    await expect(kept?.bytes()).rejects.toMatchObject({ code: "server/upload-gone" });
    await expect(kept?.save(join(folder, "x"))).rejects.toMatchObject({ code: "server/upload-gone" });
  });
});

describe("an uploaded file", () => {
  const upload = async (options: ReadFormDataOptions, use: (file: UploadedFile) => Promise<unknown>, form = FORM) => {
    const read = async (request: ServerRequest) => {
      const found = (await request.formData(options)).file("g");
      return found === undefined ? "no file" : use(found);
    };
    return (await receive(read, form)).read;
  };

  test.each(["in memory", "on disk"])("%s can be read in every way, again and again", async (where) => {
    const options = where === "on disk" ? toDisk() : {};
    const seen = await upload(options, async (given) => {
      const pieces: number[] = [];
      for await (const piece of given) pieces.push(piece.length);
      let streamed = 0;
      for await (const piece of given.stream()) streamed += piece.length;
      const bytes = await given.bytes();
      bytes.fill(0);
      return [pieces, streamed, (await given.arrayBuffer()).byteLength, await given.text(), given.size];
    });
    expect(seen).toEqual([[100], 100, 100, "y".repeat(100), 100]);
  });

  test.each(["in memory", "on disk"])("%s can be saved, and stays readable and saved", async (where) => {
    const options = where === "on disk" ? toDisk() : {};
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    writeFileSync(first, "was there before");
    const seen = await upload(options, async (given) => [
      await given.save(first),
      await given.save(second),
      await given.text(),
    ]);
    expect(seen).toEqual([100, 100, "y".repeat(100)]);
    await gone(2);
    for (const path of [first, second]) expect(readFileSync(path, "utf8")).toBe("y".repeat(100));
    expect(stored().sort()).toEqual(["first", "second"]);
    if (POSIX) expect(statSync(first).mode & 0o777).toBe(statSync(second).mode & 0o777);
  });

  test("that cannot be saved leaves nothing behind, and can be saved elsewhere", async () => {
    const place = join(folder, "place");
    const seen = await upload(toDisk(), async (given) => {
      const code = await given.save(join(folder, "absent", "x")).catch((error: NodeJS.ErrnoException) => error.code);
      return [code, await given.save(place)];
    });
    expect([seen, existsSync(place)]).toEqual([["ENOENT", 100], true]);
  });

  test("has a name that is safe to use, and the one that was sent", async () => {
    const form = parts(file("g", "../../etc/pass:wd", "x", "image/png"));
    const seen = await upload(
      {},
      async ({ filename, sentFilename, name, type, headers }) => [
        filename,
        sentFilename,
        name,
        type,
        headers.get("content-type"),
      ],
      form,
    );
    expect(seen).toEqual(["pass_wd", "../../etc/pass:wd", "g", "image/png", "image/png"]);
  });

  test("of an input left empty has no bytes and no name", async () => {
    const seen = await upload(
      {},
      async ({ filename, sentFilename, size }) => [filename, sentFilename, size],
      parts(file("g", "", "")),
    );
    expect(seen).toEqual(["file", "", 0]);
  });
});

/** Line ends are CRLF in names and values on the wire (the Fetch standard's encoding). */
function unixless(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}
