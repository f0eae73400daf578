import { describe, expect, test } from "vitest";
import type { Payload } from "../../src/body/payload.js";
import { PayloadPump, type PumpFraming, type PumpOwner } from "../../src/wire/payload-pump.js";
import type { WriteTarget } from "../../src/wire/write-whole.js";

const SLICE = 64 * 1024;

/** Records bytes, groups what was written while corked, and says "full" after as many writes as it is told. */
class RecordingTarget implements WriteTarget {
  readonly groups: string[] = [];
  corked = 0;
  /** Writes return false from this one on; `Infinity` for never. */
  roomFor = Number.POSITIVE_INFINITY;
  #open = "";
  writes = 0;

  write(bytes: Uint8Array | string, encoding: "latin1" | "utf8" = "utf8"): boolean {
    const text = typeof bytes === "string" ? Buffer.from(bytes, encoding) : Buffer.from(bytes);
    this.#open += text.toString("latin1");
    this.writes += 1;
    if (this.corked === 0) this.#close();
    return this.writes < this.roomFor;
  }

  cork(): void {
    this.corked += 1;
  }

  uncork(): void {
    this.corked -= 1;
    if (this.corked === 0) this.#close();
  }

  get all(): string {
    return this.groups.join("") + this.#open;
  }

  #close(): void {
    if (this.#open !== "") this.groups.push(this.#open);
    this.#open = "";
  }
}

class Owner implements PumpOwner {
  done = 0;
  errors: Error[] = [];
  progress = 0;
  onPumpDone(): void {
    this.done += 1;
  }
  onPumpError(error: Error): void {
    this.errors.push(error);
  }
  onPumpProgress(bodyBytes: number): void {
    this.progress += bodyBytes;
  }
}

function streamed(pieces: () => AsyncIterable<unknown>, length?: number): Payload {
  return {
    length,
    contentType: undefined,
    replayable: false,
    whole: undefined,
    open: () => pieces() as AsyncIterable<Uint8Array>,
    discard: () => undefined,
  };
}

function inMemory(whole: Uint8Array | string): Payload {
  const length = typeof whole === "string" ? Buffer.byteLength(whole) : whole.byteLength;
  return { ...streamed(() => emptySource(), length), whole, replayable: true };
}

async function* emptySource(): AsyncGenerator<Uint8Array> {}

async function* given(...pieces: unknown[]): AsyncGenerator<unknown> {
  yield* pieces;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

async function pumped(payload: Payload, framing: PumpFraming, head = ""): Promise<[RecordingTarget, Owner]> {
  const target = new RecordingTarget();
  const owner = new Owner();
  new PayloadPump(target, owner).start(payload, framing, head);
  for (let turns = 0; turns < 4; turns += 1) await turn();
  return [target, owner];
}

describe("payload pump: framing", () => {
  test("a chunked body is written as size lines, pieces and a last chunk (RFC 9112 §7.1)", async () => {
    const [target, owner] = await pumped(
      streamed(() => given(bytes("Wiki"), bytes("pedia in 16 byte"))),
      "chunked",
    );
    expect(target.all).toBe("4\r\nWiki\r\n10\r\npedia in 16 byte\r\n0\r\n\r\n");
    expect(owner).toMatchObject({ done: 1, errors: [], progress: 20 });
  });

  test("a chunk too large to copy has the same form", async () => {
    const large = "x".repeat(20_000);
    const [target] = await pumped(
      streamed(() => given(bytes(large))),
      "chunked",
    );
    expect(target.all).toBe(`4e20\r\n${large}\r\n0\r\n\r\n`);
  });

  test("an empty piece writes nothing, so that it cannot end a chunked body", async () => {
    const [target, owner] = await pumped(
      streamed(() => given(bytes(""), bytes("a"), "", bytes("b"))),
      "chunked",
    );
    expect(target.all).toBe("1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    expect(owner.done).toBe(1);
  });

  test("a body of declared length, and one that ends with the connection, are the bare bytes", async () => {
    for (const framing of ["length", "until-close"] as const) {
      const [target, owner] = await pumped(
        streamed(() => given(bytes("ab"), bytes("cd")), 4),
        framing,
      );
      expect(target.all).toBe("abcd");
      expect(owner).toMatchObject({ done: 1, errors: [], progress: 4 });
    }
  });

  test("text pieces are sent as UTF-8", async () => {
    const [target] = await pumped(
      streamed(() => given("grüß")),
      "chunked",
    );
    expect(target.all).toBe(`6\r\n${Buffer.from("grüß").toString("latin1")}\r\n0\r\n\r\n`);
  });

  test("a body in memory is written without asking its iterator", async () => {
    for (const whole of [bytes("hello"), "hello"]) {
      const [target, owner] = await pumped(inMemory(whole), "length", "HEAD\r\n\r\n");
      expect(target.groups).toEqual(["HEAD\r\n\r\nhello"]);
      expect(owner).toMatchObject({ done: 1, progress: 5 });
    }
  });

  test("an empty body in memory sends the head alone, and in chunked form the last chunk", async () => {
    expect((await pumped(inMemory(""), "length", "HEAD"))[0].all).toBe("HEAD");
    expect((await pumped(inMemory(bytes("")), "chunked", "HEAD"))[0].all).toBe("HEAD0\r\n\r\n");
  });
});

describe("payload pump: one write for what one turn produces", () => {
  test("head, ready pieces and the last chunk leave together", async () => {
    const [target] = await pumped(
      streamed(() => given("a", "b")),
      "chunked",
      "HEAD\r\n\r\n",
    );
    expect(target.groups).toEqual(["HEAD\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"]);
    expect(target.corked).toBe(0);
  });

  test("the head does not wait for a source that is slow", async () => {
    let give: (value: string) => void = () => undefined;
    const later = new Promise<string>((resolve) => {
      give = resolve;
    });
    const target = new RecordingTarget();
    const owner = new Owner();
    new PayloadPump(target, owner).start(
      streamed(async function* () {
        yield await later;
      }),
      "chunked",
      "HEAD",
    );
    await turn();
    expect(target.groups).toEqual(["HEAD"]);
    give("late");
    await turn();
    await turn();
    expect(target.groups).toEqual(["HEAD", "4\r\nlate\r\n0\r\n\r\n"]);
    expect(owner.done).toBe(1);
    expect(target.corked).toBe(0);
  });
});

describe("payload pump: back-pressure", () => {
  test("pulls nothing while the transport is full, and goes on after drain", async () => {
    let pulled = 0;
    const target = new RecordingTarget();
    const owner = new Owner();
    target.roomFor = 1;
    const pump = new PayloadPump(target, owner);
    pump.start(
      streamed(async function* () {
        for (;;) {
          pulled += 1;
          yield bytes("x");
          if (pulled === 5) return;
        }
      }),
      "until-close",
    );
    for (let expected = 1; expected <= 5; expected += 1) {
      await turn();
      await turn();
      expect(pulled).toBe(expected);
      expect(pump.state).toBe("drain");
      expect(target.corked).toBe(0);
      pump.onDrain();
    }
    await turn();
    expect(owner.done).toBe(1);
    expect(target.all).toBe("xxxxx");
  });

  test("a large piece in memory is written slice by slice as room comes", () => {
    const target = new RecordingTarget();
    const owner = new Owner();
    target.roomFor = 1;
    const pump = new PayloadPump(target, owner);
    pump.start(inMemory(new Uint8Array(2 * SLICE + 5)), "length");
    const steps: number[] = [];
    while (pump.state === "drain") {
      steps.push(pump.bytesSent);
      pump.onDrain();
    }
    expect(steps).toEqual([SLICE, 2 * SLICE, 2 * SLICE + 5]);
    expect(owner).toMatchObject({ done: 1, progress: 2 * SLICE + 5 });
  });

  test("drain is ignored while the source is waited for", async () => {
    const target = new RecordingTarget();
    const owner = new Owner();
    const pump = new PayloadPump(target, owner);
    pump.start(
      streamed(() => given("a")),
      "until-close",
    );
    pump.onDrain();
    await turn();
    pump.onDrain();
    expect(target.all).toBe("a");
    expect(owner.done).toBe(1);
  });
});

describe("payload pump: sources that fail", () => {
  test("more bytes than declared: nothing of the surplus piece is written (RFC 9112 §11.1)", async () => {
    let released = false;
    const [target, owner] = await pumped(
      streamed(async function* () {
        try {
          yield bytes("abc");
          yield bytes("de");
        } finally {
          released = true;
        }
      }, 4),
      "length",
    );
    expect(target.all).toBe("abc");
    expect(owner.errors).toMatchObject([{ code: "body/length-mismatch" }]);
    expect(owner.done).toBe(0);
    expect(released).toBe(true);
  });

  test("fewer bytes than declared is found at the end", async () => {
    const [, owner] = await pumped(
      streamed(() => given("abc"), 4),
      "length",
    );
    expect(owner.errors).toMatchObject([{ code: "body/length-mismatch" }]);
    expect(owner.done).toBe(0);
  });

  test("a piece that is neither bytes nor text is refused", async () => {
    for (const bad of [17, null, undefined, { a: 1 }]) {
      const [target, owner] = await pumped(
        streamed(() => given("ok", bad)),
        "chunked",
      );
      expect(target.all).toBe("2\r\nok\r\n");
      expect(owner.errors).toMatchObject([{ code: "body/bad-piece" }]);
    }
  });

  test("an error of the source is passed on, and no last chunk is written", async () => {
    const failure = new Error("disk gone");
    const [target, owner] = await pumped(
      streamed(async function* () {
        yield "a";
        throw failure;
      }),
      "chunked",
    );
    expect(target.all).toBe("1\r\na\r\n");
    expect(owner.errors).toEqual([failure]);
    expect(target.corked).toBe(0);
  });

  test("a source that throws while opening, or throws something odd, is an error too", async () => {
    const failure = new Error("no such file");
    const opening: Payload = {
      ...streamed(() => emptySource()),
      open: () => {
        throw failure;
      },
    };
    expect((await pumped(opening, "chunked"))[1].errors).toEqual([failure]);
    const throwing = streamed(() => ({
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw failure;
        },
      }),
    }));
    expect((await pumped(throwing, "chunked"))[1].errors).toEqual([failure]);
    const odd = streamed(() => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject("text") }) }));
    expect((await pumped(odd, "chunked"))[1].errors).toMatchObject([{ code: "body/source-failed", cause: "text" }]);
  });
});

describe("payload pump: cancelling", () => {
  test("releases the source, calls nobody back, and writes no more", async () => {
    let released = false;
    const target = new RecordingTarget();
    const owner = new Owner();
    const pump = new PayloadPump(target, owner);
    pump.start(
      streamed(async function* () {
        try {
          for (;;) {
            yield "tick";
            await turn();
          }
        } finally {
          released = true;
        }
      }),
      "chunked",
    );
    await turn();
    await turn();
    const sent = target.all;
    pump.cancel();
    pump.cancel();
    for (let turns = 0; turns < 4; turns += 1) await turn();
    expect(sent.startsWith("4\r\ntick\r\n")).toBe(true);
    expect(target.all).toBe(sent);
    expect(released).toBe(true);
    expect(owner).toMatchObject({ done: 0, errors: [] });
    expect(target.corked).toBe(0);
  });

  test("a source that fails while it is released is not an unhandled rejection", async () => {
    const target = new RecordingTarget();
    const owner = new Owner();
    const pump = new PayloadPump(target, owner);
    const iterator = {
      next: () => new Promise<never>(() => undefined),
      return: () => Promise.reject(new Error("again")),
    };
    pump.start(
      streamed(() => ({ [Symbol.asyncIterator]: () => iterator })),
      "until-close",
    );
    pump.cancel();
    await turn();
    expect(pump.state).toBe("done");
  });

  test("a pump is started once", () => {
    const pump = new PayloadPump(new RecordingTarget(), new Owner());
    pump.start(inMemory("a"), "length");
    expect(() => pump.start(inMemory("a"), "length")).toThrow(/twice/);
  });
});

describe("payload pump: trailers", () => {
  const withTrailers = (make: () => readonly string[] | Promise<readonly string[]>): Payload => ({
    ...streamed(async function* () {
      yield Buffer.from("ab");
    }),
    trailers: { names: [], make },
  });
  const started = (payload: Payload, framing: PumpFraming = "chunked") => {
    const target = new RecordingTarget();
    const owner = new Owner();
    const pump = new PayloadPump(target, owner);
    pump.start(payload, framing);
    return { target, owner, pump };
  };

  test("a chunked body ends with them, of whichever side it is (RFC 9112 §7.1.2)", async () => {
    const { target, owner } = started(withTrailers(() => ["x-a", "1"]));
    await new Promise(setImmediate);
    expect(target.all).toBe("2\r\nab\r\n0\r\nx-a: 1\r\n\r\n");
    expect([owner.done, owner.progress, target.corked]).toEqual([1, 2, 0]);
  });

  test("other framings have no place for them, and don't make them", async () => {
    let made = 0;
    const { target, owner } = started(
      withTrailers(() => {
        made += 1;
        return [];
      }),
      "until-close",
    );
    await new Promise(setImmediate);
    expect([target.all, owner.done, made]).toEqual(["ab", 1, 0]);
  });

  test("those that cannot be sent leave the body without an end", async () => {
    for (const fields of [["content-length", "1"], ["x-a", "1\r\n"], ["odd"]]) {
      const { target, owner } = started(withTrailers(() => fields));
      await new Promise(setImmediate);
      expect([target.all, owner.done, owner.errors.length, target.corked]).toEqual(["2\r\nab\r\n", 0, 1, 0]);
    }
  });

  test("cancelled while they are made, the pump says no more", async () => {
    let give: (fields: readonly string[]) => void = () => undefined;
    const { target, owner, pump } = started(withTrailers(() => new Promise((resolve) => (give = resolve))));
    await new Promise(setImmediate);
    pump.cancel();
    give(["x-a", "1"]);
    await new Promise(setImmediate);
    expect([target.all, owner.done, owner.errors.length]).toEqual(["2\r\nab\r\n", 0, 0]);
  });
});
