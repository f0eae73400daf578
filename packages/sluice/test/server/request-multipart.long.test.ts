import { expect, test } from "vitest";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import { arriving, field, parts, receive } from "./form-setup.js";

test("100,000 parts that are wanted come in the memory of a few", async () => {
  const form = parts(...Array.from({ length: 1_000 }, (_, index) => field(`n${index}`, "v".repeat(20))));
  const piece = Buffer.from(form.bytes.subarray(0, -7));
  const body = Buffer.concat([...new Array(100).fill(piece), Buffer.from("--b--\r\n")]);
  let most = 0;
  const count = async (request: ServerRequest) => {
    const base = process.memoryUsage().heapUsed;
    let seen = 0;
    const lifted = { maxParts: 100_000, maxFields: 100_000, maxSize: Number.POSITIVE_INFINITY };
    for await (const part of request.multipart(lifted)) {
      await part.text();
      seen += 1;
      if (seen % 10_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed - base);
    }
    return seen;
  };
  expect((await receive(count, { type: form.type, bytes: body }, { body: arriving(body, 64 * 1024) })).read).toBe(
    100_000,
  );
  expect(most).toBeLessThan(100 * 1024 * 1024);
});
