/** What is gathered of a stream before the head of its answer, and the quiet end of streams that nobody reads on. */
import { describe, expect, test, vi } from "vitest";
import { cancelQuietly } from "../../../src/body/sending/cancel-quietly.js";
import { readAhead } from "../../../src/server/fetch/read-ahead.js";

const bytes = (text: string) => new TextEncoder().encode(text);

/** A stream and the controller that feeds it. */
function controlled(source: Partial<UnderlyingDefaultSource<unknown>> = {}) {
  let given: ReadableStreamDefaultController<unknown> | undefined;
  const stream = new ReadableStream<unknown>({
    ...source,
    start(controller) {
      given = controller;
    },
  });
  if (given === undefined) throw new Error("A stream starts at once");
  return { stream, controller: given };
}
type UnderlyingDefaultSource<T> = NonNullable<ConstructorParameters<typeof ReadableStream<T>>[0]>;
type ReadableStreamDefaultController<T> = Parameters<NonNullable<UnderlyingDefaultSource<T>["start"]>>[0];

async function textOf(payload: Awaited<ReturnType<typeof readAhead>>): Promise<string> {
  let text = "";
  for await (const piece of payload.open()) text += Buffer.from(piece).toString();
  return text;
}

describe("reading ahead", () => {
  test("a body that is all there is one piece with a length", async () => {
    for (const body of ["whole", "", new TextEncoder().encode("whole")]) {
      const stream = new Response(body).body;
      if (stream === null) throw new Error("It has a body");
      const payload = await readAhead(stream);
      expect([payload.length, Buffer.from(payload.whole ?? "").toString()]).toEqual(
        body === "" ? [0, ""] : [5, "whole"],
      );
    }
  });

  test("a Blob is sent whole, at once or as its pieces come", async () => {
    const stream = new Response(new Blob(["whole"])).body;
    if (stream === null) throw new Error("It has a body");
    expect(await textOf(await readAhead(stream))).toBe("whole");
  });

  test("a first piece that is not ready is not waited for", async () => {
    const { stream, controller } = controlled();
    const payload = await readAhead(stream);
    expect(payload.length).toBeUndefined();
    controller.enqueue(bytes("late"));
    controller.close();
    expect(await textOf(payload)).toBe("late");
  });

  test("what came before a pause is sent before it", async () => {
    const { stream, controller } = controlled();
    controller.enqueue(bytes("first "));
    const pieces = (await readAhead(stream)).open()[Symbol.asyncIterator]();
    expect(Buffer.from((await pieces.next()).value ?? "").toString()).toBe("first ");
    controller.enqueue(bytes("second"));
    expect(Buffer.from((await pieces.next()).value ?? "").toString()).toBe("second");
    controller.close();
    expect((await pieces.next()).done).toBe(true);
  });

  test("at most 16 KiB and a piece are gathered, and four pieces, of a stream without end", async () => {
    for (const [size, most] of [
      [100_000, 1],
      [10_000, 2],
      [1, 4],
    ] as const) {
      const pull = vi.fn((controller: ReadableStreamDefaultController<unknown>) =>
        controller.enqueue(new Uint8Array(size)),
      );
      const payload = await readAhead(new ReadableStream({ pull }, { highWaterMark: 0 }));
      expect([payload.length, pull.mock.calls.length]).toEqual([undefined, most]);
      payload.discard();
    }
  });

  test("a stream that has failed fails now", async () => {
    const failure = new Error("failed");
    const { stream, controller } = controlled();
    controller.error(failure);
    await expect(readAhead(stream)).rejects.toBe(failure);
  });

  test("a stream that fails later fails its reader, after what came before", async () => {
    const { stream, controller } = controlled();
    controller.enqueue(bytes("first"));
    const payload = await readAhead(stream);
    const pieces = payload.open()[Symbol.asyncIterator]();
    await pieces.next();
    controller.error(new Error("later"));
    await expect(pieces.next()).rejects.toThrow("later");
  });

  test("pieces that are no bytes are refused when they are sent", async () => {
    const { stream, controller } = controlled();
    controller.enqueue(5);
    const payload = await readAhead(stream);
    await expect(textOf(payload)).rejects.toMatchObject({ code: "body/unknown-piece" });
  });

  test.each(["before it is opened", "in the middle"])("giving it up %s cancels the source, once", async (when) => {
    const cancel = vi.fn();
    const { stream, controller } = controlled({ cancel });
    controller.enqueue(bytes("x"));
    const payload = await readAhead(stream);
    if (when === "in the middle") {
      const pieces = payload.open()[Symbol.asyncIterator]();
      await pieces.next();
      await pieces.return?.();
    } else payload.discard();
    await Promise.resolve();
    expect(cancel).toHaveBeenCalledTimes(1);
  });
});

describe("cancelling quietly", () => {
  test("the source is told, and what it still sends goes nowhere instead of throwing", async () => {
    const cancel = vi.fn();
    const { stream, controller } = controlled({ cancel });
    await cancelQuietly(stream, stream, "reason");
    expect(cancel).toHaveBeenCalledWith("reason");
    controller.enqueue(bytes("late"));
    controller.close();
    expect(controller.desiredSize).toBe(0);
  });

  test("a byte stream's, too, and one that is locked to a reader", async () => {
    let given: { enqueue(piece: Uint8Array): void; close(): void } | undefined;
    const stream = new ReadableStream({
      type: "bytes",
      start(controller) {
        given = controller;
      },
    });
    await cancelQuietly(stream, stream.getReader());
    given?.enqueue(bytes("late"));
    given?.close();
  });

  test("a stream that has ended keeps its rules, and one that nobody cancelled", async () => {
    const ended = controlled();
    ended.controller.close();
    await cancelQuietly(ended.stream);
    expect(() => ended.controller.enqueue(bytes("x"))).toThrow(TypeError);
    const other = controlled();
    await other.stream.cancel();
    expect(() => other.controller.enqueue(bytes("x"))).toThrow(TypeError);
  });

  test("what a source throws when it is told is for whoever cancels", async () => {
    const { stream, controller } = controlled({
      cancel() {
        throw new Error("refuses");
      },
    });
    await expect(cancelQuietly(stream)).rejects.toThrow("refuses");
    controller.enqueue(bytes("late"));
  });
});
