/**
 * Our reading of forms against the platform's: bodies that Node's own `FormData` writes, and mutations of them, are read by both.
 * What both accept has to be the same. That one accepts what the other refuses is a matter of strictness, and no failure.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { boundaryOf } from "../../src/body/multipart/boundary.js";
import { collectFormData } from "../../src/body/multipart/form-data.js";
import { resolveMultipartLimits } from "../../src/body/multipart/multipart-limits.js";
import { MultipartReader } from "../../src/body/multipart/multipart-reader.js";
import { cut, lend, SourceSpy } from "./support.js";

type Entry = readonly [name: string, value: string | { name: string; type: string; content: string }];

async function entriesOf(form: FormData): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const [name, value] of form) {
    if (typeof value === "string") entries.push([name, value]);
    else {
      const content = Buffer.from(await value.arrayBuffer()).toString("latin1");
      entries.push([name, { name: value.name, type: value.type, content }]);
    }
  }
  return entries;
}

function read(bytes: Uint8Array, contentType: string, sizes: readonly number[]): Promise<FormData> {
  const body = new Body(new SourceSpy());
  for (const piece of cut(bytes, sizes)) lend(body, piece);
  body.finish([]);
  const settings = {
    boundary: boundaryOf(contentType),
    limits: resolveMultipartLimits(),
    maxBytes: Number.POSITIVE_INFINITY,
    save: () => Promise.resolve(0),
  };
  return collectFormData(body.readWith((flow) => new MultipartReader(flow, settings)));
}

const text = fc.string({
  unit: fc.constantFrom("a", "é", "€", "😀", '"', "\\", "%", "%22", "\r", "\n", "\r\n", "--", ";", "=", " ", "\0", "x"),
  maxLength: 12,
});
const name = text.map((value) => value.replaceAll("\0", ""));
const file = fc.record({
  name,
  type: fc.constantFrom("", "text/plain", "image/png", "application/json;charset=utf-8"),
  bytes: fc.uint8Array({ maxLength: 60 }),
});
const form = fc.array(fc.tuple(name, fc.oneof(text, file)), { maxLength: 6 }).map((entries) => {
  const made = new FormData();
  for (const [key, value] of entries) {
    if (typeof value === "string") made.append(key, value);
    else made.append(key, new File([new Uint8Array(value.bytes)], value.name, { type: value.type }));
  }
  return made;
});

test("what Node's FormData writes is read as it was, and as Node reads it", { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(form, fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }), async (made, sizes) => {
      const written = new Response(made);
      const contentType = written.headers.get("content-type") ?? "";
      const bytes = new Uint8Array(await written.arrayBuffer());
      const ours = await entriesOf(await read(bytes, contentType, sizes));
      const theirs = await entriesOf(
        await new Response(bytes, { headers: { "content-type": contentType } }).formData(),
      );
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 3_000 },
  );
});

test("of mutated bodies, what both accept is the same", { timeout: 240_000 }, async () => {
  const mutation = fc.record({
    at: fc.nat(),
    remove: fc.nat(3),
    add: fc.constantFrom("", "\r\n", "--", "x", '"', "\\", ";", " "),
  });
  const outcomes = { both: 0, neither: 0, onlyOurs: 0, onlyTheirs: 0 };
  await fc.assert(
    fc.asyncProperty(form, mutation, async (made, { at, remove, add }) => {
      const written = new Response(made);
      const contentType = written.headers.get("content-type") ?? "";
      const whole = Buffer.from(await written.arrayBuffer());
      const place = whole.byteLength === 0 ? 0 : at % whole.byteLength;
      const bytes = new Uint8Array(
        Buffer.concat([whole.subarray(0, place), Buffer.from(add), whole.subarray(place + remove)]),
      );
      const ours = await read(bytes, contentType, [7]).then(entriesOf, () => undefined);
      const theirs = await new Response(bytes, { headers: { "content-type": contentType } })
        .formData()
        .then(entriesOf, () => undefined);
      if (ours === undefined || theirs === undefined) {
        const kind = ours === undefined ? (theirs === undefined ? "neither" : "onlyTheirs") : "onlyOurs";
        outcomes[kind] += 1;
        return;
      }
      outcomes.both += 1;
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 2_000 },
  );
  expect(outcomes.both).toBeGreaterThan(100);
});
