import { describe, expect, test } from "vitest";
import { mayHaveBody, requestFraming, responseFraming } from "../../src/http1/framing.js";
import { connectionOptionsIn, FramingFields, framingFieldNamed, listMembers } from "../../src/http1/framing-fields.js";

describe("the framing of what we send", () => {
  test.each([
    ["GET", 11, 200, 5, "length"],
    ["GET", 11, 200, 0, "length"],
    ["GET", 11, 200, undefined, "chunked"],
    ["GET", 10, 200, undefined, "until-close"],
    ["GET", 10, 200, 5, "length"],
    ["HEAD", 11, 200, 5, "length"],
    ["HEAD", 11, 200, undefined, "none"],
    ["HEAD", 11, 304, 5, "none"],
    ["GET", 11, 304, 5, "none"],
    ["GET", 11, 204, 0, "none"],
    ["HEAD", 11, 204, 0, "none"],
    ["GET", 11, 103, undefined, "none"],
    ["HEAD", 11, 103, 5, "none"],
    ["CONNECT", 11, 200, undefined, "none"],
    ["CONNECT", 11, 200, 5, "none"],
    ["CONNECT", 11, 407, 5, "length"],
  ] as const)(
    "a response to %s of version %i with %i and length %s: %s",
    (method, version, status, length, framing) => {
      expect(responseFraming(method, version, status, length)).toBe(framing);
    },
  );

  test.each([
    ["GET", false, undefined, "none"],
    ["GET", true, 3, "length"],
    ["GET", true, undefined, "chunked"],
    ["POST", false, undefined, "length"],
    ["PUT", false, 0, "length"],
    ["PATCH", false, undefined, "length"],
    ["QUERY", false, undefined, "length"],
    ["DELETE", false, undefined, "none"],
    ["POST", true, undefined, "chunked"],
  ] as const)("a %s request with content %s of length %s: %s", (method, hasContent, length, framing) => {
    expect(requestFraming(method, hasContent, length)).toBe(framing);
  });

  test("puts no body behind 1xx, 204, 304, answers to HEAD and 2xx to CONNECT", () => {
    expect([100, 101, 103, 204, 304].map((status) => mayHaveBody("GET", status))).not.toContain(true);
    expect([mayHaveBody("HEAD", 200), mayHaveBody("CONNECT", 299)]).toEqual([false, false]);
    expect([mayHaveBody("CONNECT", 300), mayHaveBody("GET", 205), mayHaveBody("GET", 500)]).toEqual([true, true, true]);
  });
});

describe("framing fields", () => {
  test("are recognised in any case, and nothing else is", () => {
    const names = ["Host", "Expect", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding"];
    const found = names.map((name) => framingFieldNamed(name));
    expect(new Set(found).size).toBe(6);
    expect(found).not.toContain(0);
    expect(names.map((name) => framingFieldNamed(name.toUpperCase()))).toEqual(found);
    expect(names.map((name) => framingFieldNamed(name.toLowerCase()))).toEqual(found);
    for (const other of [
      "",
      "Hos",
      "Hosts",
      "Accept",
      "User-Agent",
      "Content_Length",
      "Transfer-Encodins",
      "X".repeat(40),
    ]) {
      expect(framingFieldNamed(other)).toBe(0);
    }
  });

  test("are forgotten by a reset", () => {
    const fields = new FramingFields();
    for (const [index, value] of ["a", "b", "c", "close", "5", "chunked"].entries()) fields.note(index + 1, value);
    fields.note(0, "nothing");
    expect(fields).not.toEqual(new FramingFields());
    fields.reset();
    expect(fields).toEqual(new FramingFields());
  });

  test("of a list give its members without whitespace, empty ones included", () => {
    expect(listMembers("a, b\t ,,c ,")).toEqual(["a", "b", "", "c", ""]);
    expect(listMembers("")).toEqual([""]);
  });

  test("of Connection give the options that matter", () => {
    expect(connectionOptionsIn("x,Close , KEEP-alive,upgrade")).toBe(7);
    expect(connectionOptionsIn("closed, keep_alive, upgrades, clos e")).toBe(0);
  });
});
