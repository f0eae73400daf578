/** Whatever bytes a client sends as a body, it is the client's fault: an answer of the 400s, nothing reported, nothing left behind. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Application } from "../../src/server/application.js";
import { ask, FakeExchange, readAnswer } from "./fake-exchange.js";
import { arriving, field, file, parts } from "./form-setup.js";

const FORM = parts(field("a", "one"), file("f", "x.txt", "x".repeat(60)), field("b", "two"), file("g", "", ""));
const ANSWERS = [204, 400, 413, 415, 422];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const errors: unknown[] = [];
const app = new Application({ onError: (error) => errors.push(error), maxBodySize: 5_000 });
app.post("/form", async (request) => {
  const form = await request.formData({ maxMemory: 20, temporaryFolder: folder, maxPartHeaderBytes: 200 });
  for (const upload of form.files) await upload.bytes();
  return null;
});
app.post("/parts", async (request) => {
  for await (const part of request.multipart())
    await part.json(z.object({ a: z.string() })).catch(rethrowUnlessInvalid);
  return null;
});
app.post("/json", async (request) => {
  await request.json(z.object({ a: z.array(z.number()) }), { strict: false });
  return null;
});
app.post("/text", async (request) => {
  await request.text();
  return null;
});

/** Fields are no JSON: that is not what is tested. */
function rethrowUnlessInvalid(error: unknown): void {
  if (!(error instanceof Error && "status" in error)) throw error;
}

async function send(path: string, type: string, coding: string, bytes: Uint8Array, size: number): Promise<number> {
  const fields = ["Content-Type", type, ...(coding === "" ? [] : ["Content-Encoding", coding])];
  const reply = await app.dispatch(new FakeExchange("POST", path, { fields, body: arriving(bytes, size) }));
  return (await readAnswer(reply)).status;
}

/** Some bytes replaced, taken out or put in. */
const damage = fc.array(fc.record({ at: fc.nat(), take: fc.nat(6), put: fc.uint8Array({ maxLength: 6 }) }), {
  minLength: 1,
  maxLength: 4,
});

function damaged(bytes: Uint8Array, wounds: readonly { at: number; take: number; put: Uint8Array }[]): Uint8Array {
  let hurt = Buffer.from(bytes);
  for (const { at, take, put } of wounds) {
    const from = at % (hurt.length + 1);
    hurt = Buffer.concat([hurt.subarray(0, from), put, hurt.subarray(from + take)]);
  }
  return hurt;
}

describe("a damaged body", () => {
  const size = fc.integer({ min: 1, max: 200 });

  test.each(["/form", "/parts"])("%s: of a form is read, or refused", async (path) => {
    await fc.assert(
      fc.asyncProperty(damage, size, async (wounds, pieces) => {
        expect(ANSWERS).toContain(await send(path, FORM.type, "", damaged(FORM.bytes, wounds), pieces));
        expect(errors).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ])("%s: of a coding is read, or refused", async (coding, compress) => {
    await fc.assert(
      fc.asyncProperty(damage, size, async (wounds, pieces) => {
        const bytes = damaged(compress('{"a":[1,2,"x"]}'.repeat(20)), wounds);
        for (const path of ["/json", "/text"]) {
          expect(ANSWERS).toContain(await send(path, "application/json", coding, bytes, pieces));
        }
        expect(await send("/form", FORM.type, coding, bytes, pieces)).toBeGreaterThanOrEqual(400);
        expect(errors).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test("whatever type and coding it claims to have, is read, or refused", async () => {
    const type = fc.oneof(
      fc.constantFrom("multipart/form-data; boundary=b", 'multipart/x;boundary=""', "application/json;charset=x"),
      fc.string({ maxLength: 20 }).map((text) => text.replace(/[^\x20-\x7e]/g, "")),
    );
    const coding = fc.constantFrom("", "gzip", "gzip, br", "identity, , ,", "x".repeat(50), ",".repeat(100));
    await fc.assert(
      fc.asyncProperty(type, coding, fc.uint8Array({ maxLength: 300 }), async (claimed, named, bytes) => {
        for (const path of ["/form", "/parts", "/json", "/text"]) {
          const status = await send(path, claimed, named, bytes, 50);
          expect(ANSWERS).toContain(status);
        }
        expect(errors).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test("leaves nothing in temporary storage", async () => {
    await expect.poll(() => readdirSync(folder), { interval: 2 }).toEqual([]);
  });
});

test("a query, a path or cookies of any characters are checked, or refused", async () => {
  const any = new Application({ onError: (error) => errors.push(error) });
  any.get("/:name", async (request) => ({
    query: await request.valid("query", z.record(z.string(), z.union([z.string(), z.array(z.string())]))),
    params: await request.valid("params", z.object({ name: z.string() })),
    cookies: await request.valid("cookies", z.record(z.string(), z.string())),
  }));
  const target = fc.string({ maxLength: 40 }).map((text) => text.replace(/[^!-~]/g, "%"));
  await fc.assert(
    fc.asyncProperty(target, fc.string({ maxLength: 40 }), async (text, cookie) => {
      const fields = ["Cookie", cookie.replace(/[^\x20-\x7e]/g, "")];
      const { status } = await ask(any.dispatch, "GET", `/${text.replaceAll("/", "%2F")}?${text}`, { fields });
      expect([200, 400, 404]).toContain(status);
      expect(errors).toEqual([]);
    }),
    { numRuns: 80 },
  );
});
