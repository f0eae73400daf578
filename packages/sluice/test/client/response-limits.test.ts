import { expect, test } from "vitest";
import { ClientSession, type ConnectorOptions } from "../../src/index.js";
import { ScriptedTransport } from "../../src/testing.js";

const MOST_HEAD_BYTES = 64 * 1024;
const MOST_FIELDS = 256;

/** Asks once, of a server that answers with `head`. */
async function statusFor(head: string, limits: ConnectorOptions["limits"] = {}): Promise<number | string> {
  const transport = new ScriptedTransport();
  const session = new ClientSession({ cookies: false, connector: { connect: () => transport, limits } });
  try {
    const answer = session.get("http://example.com/");
    await new Promise((resolve) => setImmediate(resolve));
    transport.feed(head);
    const response = await answer;
    return response.status;
  } catch (error) {
    return (error as { code?: string }).code ?? "another error";
  } finally {
    await session.close();
  }
}

function headOf(byteLength: number): string {
  const before = "HTTP/1.1 204 \r\nx-long: ";
  const after = "\r\nx-more: 1\r\n\r\n";
  return before + "a".repeat(byteLength - before.length - after.length) + after;
}

test("a response head may have twice the bytes of a request head: at the limit, one past it, and without", async () => {
  expect(await statusFor(headOf(MOST_HEAD_BYTES))).toBe(204);
  expect(await statusFor(headOf(MOST_HEAD_BYTES + 1))).toBe("http1/head-too-large");
  const off = { maxHeadBytes: Number.POSITIVE_INFINITY, maxLineBytes: Number.POSITIVE_INFINITY };
  expect(await statusFor(headOf(4 * MOST_HEAD_BYTES), off)).toBe(204);
});

test("a response head may have twice the fields of a request head: at the limit, one past it, and without", async () => {
  const fields = (count: number): string => `HTTP/1.1 204 \r\n${"a: b\r\n".repeat(count)}\r\n`;
  expect(await statusFor(fields(MOST_FIELDS))).toBe(204);
  expect(await statusFor(fields(MOST_FIELDS + 1))).toBe("http1/too-many-fields");
  expect(await statusFor(fields(MOST_FIELDS * 4), { maxFieldCount: Number.POSITIVE_INFINITY })).toBe(204);
});
