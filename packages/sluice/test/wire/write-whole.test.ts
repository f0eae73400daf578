import { expect, test } from "vitest";
import { SMALL_BODY_BYTES, type WriteTarget, writeWhole } from "../../src/wire/write-whole.js";

/** What left, one entry a write, with "[" and "]" for cork and uncork. */
function sent(head: string, body: Uint8Array | string): { bytes: Buffer; calls: string[] } {
  const parts: Buffer[] = [];
  const calls: string[] = [];
  const target: WriteTarget = {
    write: (bytes, encoding = "utf8") => {
      parts.push(typeof bytes === "string" ? Buffer.from(bytes, encoding) : Buffer.from(bytes));
      calls.push(typeof bytes === "string" ? encoding : "bytes");
      return false;
    },
    cork: () => calls.push("["),
    uncork: () => calls.push("]"),
  };
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
  expect(writeWhole(target, head, body, length)).toBe(false);
  return { bytes: Buffer.concat(parts), calls };
}

const HEAD = "HTTP/1.1 200 OK\r\n\r\n";
const OBS_HEAD = "HTTP/1.1 200 OK\r\nX: caf\u00e9\r\n\r\n";

test("an ASCII body is one latin1 string with its head, obs-text in the head included", () => {
  const { bytes, calls } = sent(OBS_HEAD, '{"a":1}');
  expect(calls).toEqual(["latin1"]);
  expect(bytes.equals(Buffer.concat([Buffer.from(OBS_HEAD, "latin1"), Buffer.from('{"a":1}')]))).toBe(true);
});

test("a UTF-8 body is one string with an ASCII head", () => {
  const { bytes, calls } = sent(HEAD, "grüß 🎈");
  expect(calls).toEqual(["utf8"]);
  expect(bytes.toString("utf8")).toBe(`${HEAD}grüß 🎈`);
});

test("a UTF-8 body under a head with obs-text keeps both encodings apart", () => {
  const { bytes, calls } = sent(OBS_HEAD, "grüß");
  expect(calls).toEqual(["[", "latin1", "utf8", "]"]);
  expect(bytes.equals(Buffer.concat([Buffer.from(OBS_HEAD, "latin1"), Buffer.from("grüß")]))).toBe(true);
});

test("small bytes are joined with the head, large ones written beside it uncopied", () => {
  const small = sent(OBS_HEAD, new Uint8Array(SMALL_BODY_BYTES).fill(7));
  expect(small.calls).toEqual(["bytes"]);
  expect(small.bytes.equals(Buffer.concat([Buffer.from(OBS_HEAD, "latin1"), Buffer.alloc(SMALL_BODY_BYTES, 7)]))).toBe(
    true,
  );
  expect(sent(HEAD, new Uint8Array(SMALL_BODY_BYTES + 1)).calls).toEqual(["[", "latin1", "bytes", "]"]);
});

test("no body is the head alone", () => {
  expect(sent(HEAD, "").calls).toEqual(["latin1"]);
  expect(sent(HEAD, new Uint8Array(0)).calls).toEqual(["latin1"]);
});
