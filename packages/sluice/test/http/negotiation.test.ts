import { describe, expect, test } from "vitest";
import { negotiateCharset, negotiateEncoding, negotiateLanguage, negotiateMediaType } from "../../src/http/accept.js";
import { HttpHeaders } from "../../src/http/headers.js";
import { addVary } from "../../src/http/vary.js";

const TYPES = ["application/json", "text/html", "text/plain"];

describe("negotiateMediaType (RFC 9110 §12.5.1)", () => {
  test.each([
    [undefined, "application/json"],
    ["", "application/json"],
    ["*/*", "application/json"],
    ["text/html", "text/html"],
    ["TEXT/HTML", "text/html"],
    ["text/*", "text/html"],
    ["text/*, text/html;q=0.5", "text/plain"],
    ["text/*;q=0.9, application/json;q=0.8", "text/html"],
    ["*/*;q=0.1, text/plain;q=0.2", "text/plain"],
    ["application/json;q=0, */*", "text/html"],
    ["image/png", undefined],
    ["text/html;q=0", undefined],
    ["text/html;q=2", undefined],
    ["text/html;level=1", undefined],
    ["text/plain;charset=utf-8", "text/plain"],
    ["text/html;q=0.2, text/html;q=0.9", "text/html"],
    [", ;,text/plain", "text/plain"],
  ])("%j takes %j", (accept, chosen) => {
    expect(negotiateMediaType(accept, TYPES)).toBe(chosen);
  });

  test("the example of §12.5.1: the most specific range gives an offer its quality", () => {
    const accept = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5";
    const preferred = (...offers: string[]) => negotiateMediaType(accept, offers);
    expect(preferred("text/plain", "text/plain;format=flowed")).toBe("text/plain;format=flowed"); // 0.7, 1
    expect(preferred("image/jpeg", "text/plain;format=fixed")).toBe("image/jpeg"); // 0.5, 0.4
    expect(preferred("text/html", "image/jpeg")).toBe("image/jpeg"); // 0.3, 0.5
    expect(preferred("text/html;level=3", "text/plain")).toBe("text/plain"); // 0.3, 0.7
    expect(preferred("text/plain;format=other", "image/jpeg")).toBe("text/plain;format=other"); // 0.7, 0.5
  });
});

describe("negotiateLanguage (RFC 9110 §12.5.4, RFC 4647)", () => {
  test.each([
    [undefined, ["en", "de"], "en"],
    ["de", ["en", "de"], "de"],
    ["de-AT, en;q=0.8", ["en", "de"], "de"],
    ["de-AT", ["en", "de"], "de"],
    ["en", ["de", "en-GB"], "en-GB"],
    ["en, en-GB;q=0.2", ["en-GB", "en-US"], "en-US"],
    ["EN-gb", ["en-GB"], "en-GB"],
    ["eng", ["en"], undefined],
    ["en", ["eng"], undefined],
    ["fr, *;q=0.1", ["de", "fr"], "fr"],
    ["fr, *;q=0.1", ["de"], "de"],
    ["de;q=0, *", ["de", "en"], "en"],
    ["ja", ["de", "en"], undefined],
  ])("%j of %j takes %j", (accept, offers, chosen) => {
    expect(negotiateLanguage(accept, offers)).toBe(chosen);
  });
});

describe("negotiateEncoding and negotiateCharset (RFC 9110 §12.5.2, §12.5.3)", () => {
  test.each([
    [undefined, undefined],
    ["gzip", "gzip"],
    ["gzip;q=0.5, br", "br"],
    ["x-gzip", "gzip"],
    ["*", "br"],
    ["br;q=0, *;q=0.3", "gzip"],
  ])("codings: %j of br and gzip takes %j", (accept, chosen) => {
    expect(negotiateEncoding(accept, ["br", "gzip"])).toBe(chosen);
    expect(negotiateEncoding(accept, ["br", "gzip", "identity"])).toBe(chosen ?? "identity");
  });

  test.each([
    [undefined, "utf-8"],
    ["iso-8859-1, utf-8;q=0.5", "ISO-8859-1"],
    ["UTF-8", "utf-8"],
    ["utf-16", undefined],
    ["*;q=0.1, iso-8859-1", "ISO-8859-1"],
  ])("charsets: %j takes %j", (accept, chosen) => {
    expect(negotiateCharset(accept, ["utf-8", "ISO-8859-1"])).toBe(chosen);
  });
});

describe("addVary (RFC 9110 §12.5.5)", () => {
  test.each([
    [null, "Accept"],
    ["", "Accept"],
    ["Accept", "Accept"],
    ["origin, ACCEPT", "origin, ACCEPT"],
    ["Origin", "Origin, Accept"],
    ["Accept-Encoding", "Accept-Encoding, Accept"],
    ["*", "*"],
  ])("%j becomes %j", (present, expected) => {
    const headers = new HttpHeaders(present === null ? [] : { Vary: present });
    addVary(headers, "Accept");
    expect(headers.get("vary")).toBe(expected);
  });
});
