import { describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { resolveStaticOptions, type StaticOptions } from "../../../src/server/static/static-options.js";

describe("options of app.static", () => {
  test.each<[string, unknown, string]>([
    ["an option nobody knows", { maxAge: 1 }, "options/unknown"],
    ["an unknown limit of memory", { memory: { size: 1 } }, "options/unknown"],
    ["no object", 7, "options/unknown-value"],
    ["an index with a slash", { index: "a/b.html" }, "options/unknown-value"],
    ["an empty index", { index: "" }, "options/unknown-value"],
    ["an extension with a slash", { extensions: ["/html"] }, "options/unknown-value"],
    ["a listing that is no flag", { listing: 1 }, "options/unknown-value"],
    ["a fallback at the root", { fallback: "/index.html" }, "options/unknown-value"],
    ["a fallback that is a folder", { fallback: "app/" }, "options/unknown-value"],
    ["an unknown coding", { precompressed: ["deflate"] }, "options/unknown-value"],
    ["an unknown policy for links", { links: "yes" }, "options/unknown-value"],
    ["an unknown policy for dotfiles", { dotfiles: true }, "options/unknown-value"],
    ["immutable by a string", { immutable: "js" }, "options/unknown-value"],
    ["a type that is none", { types: { md: "markdown" } }, "options/unknown-value"],
    ["a type with a line end", { types: { md: "text/x;\r\na=b" } }, "http1/field-value-invalid"],
    ["a negative age", { maxAgeSeconds: -1 }, "options/out-of-range"],
    ["an age too long", { maxAgeSeconds: 2 ** 31 }, "options/out-of-range"],
    ["an age with a fraction", { maxAgeSeconds: 0.5 }, "options/out-of-range"],
    ["a negative size", { memory: { maxSize: -1 } }, "options/out-of-range"],
    ["files without a limit", { memory: { maxFileSize: Number.POSITIVE_INFINITY } }, "options/out-of-range"],
    ["a time that is none", { memory: { recheckAfter: Number.NaN } }, "options/out-of-range"],
  ])("refuse %s", (_what, options, code) => {
    const add = () => new Application().static("/", ".", options as StaticOptions);
    expect(add).toThrow(expect.objectContaining({ name: "UsageError", code }));
  });

  test("take the edges of their ranges", () => {
    const options = { maxAgeSeconds: 2 ** 31 - 1, memory: { maxFileSize: 0, maxSize: 0, recheckAfter: 0 } };
    expect(resolveStaticOptions(options)).toMatchObject({
      cacheControl: "max-age=2147483647",
      memory: { maxFileSize: 0, maxSize: 0, recheckAfter: 0 },
    });
  });

  test("have the defaults that their documentation names", () => {
    expect(resolveStaticOptions({})).toMatchObject({
      index: ["index.html"],
      listing: false,
      fallback: undefined,
      precompressed: [],
      cacheControl: "no-cache",
      dotfiles: false,
      links: "inside",
      extensions: [],
      memory: { maxFileSize: 262_144, maxSize: 33_554_432, recheckAfter: 1_000 },
    });
    expect(resolveStaticOptions({}).immutable("app.js")).toBe(false);
  });
});
