import { describe, expect, test } from "vitest";
import { gather } from "../src/concurrency/gather.js";
import { mapConcurrent } from "../src/concurrency/map-concurrent.js";
import { refuseUnknown } from "../src/options.js";

describe("options of plain JavaScript callers", () => {
  test("a name that is not known is refused, with those that are", () => {
    const known = new Set(["limit", "signal"]);
    expect(() => refuseUnknown("pool", { limit: 1 }, known)).not.toThrow();
    expect(() => refuseUnknown("pool", { limt: 1 }, known)).toThrow(
      expect.objectContaining({
        name: "UsageError",
        code: "options/unknown",
        message: expect.stringContaining("limit"),
      }),
    );
  });

  test("a misspelt limit never leaves gather and mapConcurrent without one", async () => {
    const misspelt: object = { concurency: 2 };
    await expect(gather([() => 1], misspelt)).rejects.toMatchObject({ code: "options/unknown" });
    await expect(gather.settled([() => 1], misspelt)).rejects.toMatchObject({ code: "options/unknown" });
    expect(() => mapConcurrent([1], (n) => n, misspelt)).toThrow(expect.objectContaining({ code: "options/unknown" }));
  });
});
