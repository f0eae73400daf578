import { describe, expect, test } from "vitest";
import { PeerError, UsageError } from "../../src/errors.js";
import { HTTP1_LIMITS } from "../../src/http1/limits.js";
import { RequestReader } from "../../src/http1/request-reader.js";
import { ResponseReader } from "../../src/http1/response-reader.js";
import { feedPoisoned, latin1, Recorder, readResponses, requestsAtEveryCut } from "./recorder.js";

const POST = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED_POST =
  "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nX: y\r\n\r\n";
const GET = "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
const ALL = latin1(POST + CHUNKED_POST + GET + POST);

function requestReading(): { recorder: Recorder; reader: RequestReader } {
  const recorder = new Recorder();
  return { recorder, reader: new RequestReader(recorder, HTTP1_LIMITS) };
}

function types(recorder: Recorder): string[] {
  return recorder.events.map((event) => event.type);
}

describe("pausing", () => {
  test("in every sink call, at every cut, loses nothing and gives one event at a time", () => {
    const whole = requestReading();
    whole.reader.feed(ALL);

    for (let cut = 0; cut <= ALL.length; cut += 1) {
      const { recorder, reader } = requestReading();
      let told = 0;
      recorder.afterEvent = () => {
        told += 1;
        reader.pause();
      };
      for (const piece of [ALL.subarray(0, cut), ALL.subarray(cut)]) {
        told = 0;
        feedPoisoned(reader, piece);
        while (reader.paused) {
          expect(told).toBeLessThanOrEqual(1);
          told = 0;
          reader.resume();
        }
      }
      expect(recorder.events).toEqual(whole.recorder.events);
    }
  });

  test("before feeding holds everything back, over several feeds", () => {
    const { recorder, reader } = requestReading();
    reader.pause();
    for (const octet of ALL) feedPoisoned(reader, Uint8Array.of(octet));
    expect(recorder.events).toEqual([]);
    expect([reader.paused, reader.idle]).toEqual([true, false]);
    reader.resume();
    expect(recorder.events.filter((event) => event.type === "request")).toHaveLength(4);
    expect([reader.paused, reader.idle]).toEqual([false, true]);
  });

  test("and resuming within one sink call changes nothing", () => {
    const { recorder, reader } = requestReading();
    recorder.afterEvent = () => {
      reader.pause();
      reader.resume();
    };
    reader.feed(ALL);
    expect(recorder.events.filter((event) => event.type === "end")).toHaveLength(4);
  });

  test("in onHead holds back the end of a message without a body", () => {
    const { recorder, reader } = requestReading();
    recorder.afterEvent = () => reader.pause();
    reader.feed(latin1(GET));
    expect(types(recorder)).toEqual(["request"]);
    expect(reader.midMessage).toBe(true);
    reader.resume();
    expect(types(recorder)).toEqual(["request", "end"]);
  });

  test("holds back the end of the stream, too", () => {
    const recorder = new Recorder();
    const reader = new ResponseReader(recorder, HTTP1_LIMITS);
    reader.expect("GET");
    reader.feed(latin1("HTTP/1.1 200 OK\r\n\r\n"));
    reader.pause();
    reader.feed(latin1("body"));
    reader.finish();
    reader.finish();
    expect(types(recorder)).toEqual(["response"]);
    reader.resume();
    expect(types(recorder)).toEqual(["response", "data", "end"]);
  });

  test("before the end of the stream in the middle of a message makes resume throw", () => {
    const { reader } = requestReading();
    reader.pause();
    reader.feed(latin1("GET / HT"));
    reader.finish();
    expect(() => reader.resume()).toThrow(PeerError);
  });

  test("hides errors until resumed", () => {
    const { recorder, reader } = requestReading();
    recorder.afterEvent = (event) => {
      if (event.type === "end") reader.pause();
    };
    reader.feed(latin1(`${GET}bad\r\n`));
    expect(types(recorder)).toEqual(["request", "end"]);
    expect(() => reader.resume()).toThrow(PeerError);
    expect(reader.failed).toBe(true);
  });
});

describe("the end of the stream", () => {
  test.each([
    ["", undefined],
    [GET, undefined],
    ["\r\n", undefined],
    ["\r", undefined],
    ["G", "http1/truncated"],
    ["GET / HTTP/1.1\r\n", "http1/truncated"],
    ["GET / HTTP/1.1\r\nHost: a\r\n", "http1/truncated"],
    [POST.slice(0, -1), "http1/truncated"],
    [CHUNKED_POST.slice(0, -2), "http1/truncated"],
    [CHUNKED_POST.slice(0, -9), "http1/truncated"],
    [CHUNKED_POST.slice(0, -20), "http1/truncated"],
    ["GET / HTTP/1.0\r\n\r\nmore", undefined],
  ])("after %j is %s", (wire, error) => {
    expect(requestsAtEveryCut(wire, { finish: true }).error).toBe(error);
  });

  test("before an answer has begun is no fault of the bytes", () => {
    expect(readResponses("", [{ method: "GET" }], { finish: true }).error).toBeUndefined();
    expect(readResponses("HTTP/1.1 100 x\r\n\r\n", [{ method: "GET" }], { finish: true }).error).toBeUndefined();
    expect(readResponses("H", [{ method: "GET" }], { finish: true }).error).toBe("http1/truncated");
  });

  test("allows no more bytes", () => {
    const { reader } = requestReading();
    reader.finish();
    expect(() => reader.feed(latin1(GET))).toThrow(UsageError);
  });
});

describe("a reader that has failed", () => {
  test("never looks at bytes again, and says the same error", () => {
    const { recorder, reader } = requestReading();
    expect(() => reader.feed(latin1(`${GET}\x01`))).toThrow("first line");
    const first = recorder.events.length;
    for (const again of [() => reader.feed(latin1(GET)), () => reader.finish(), () => reader.takeRest()]) {
      expect(again).toThrow(PeerError);
    }
    reader.pause();
    reader.resume();
    expect(recorder.events).toHaveLength(first);
    expect([reader.failed, reader.idle, reader.midMessage]).toEqual([true, false, false]);
  });

  test("is also one whose sink threw", () => {
    const { recorder, reader } = requestReading();
    recorder.afterEvent = () => {
      throw new Error("sink");
    };
    expect(() => reader.feed(latin1(GET))).toThrow("sink");
    expect(() => reader.feed(latin1(GET))).toThrow("sink");
  });
});

describe("a reader inside its own sink call", () => {
  test.each(["feed", "finish", "takeRest"] as const)("refuses %s", (name) => {
    const { recorder, reader } = requestReading();
    recorder.afterEvent = () => {
      if (name === "feed") reader.feed(latin1("x"));
      else reader[name]();
    };
    expect(() => reader.feed(latin1(GET))).toThrow(UsageError);
  });
});

describe("taking the rest", () => {
  test("after a request that wants another protocol gives what lies behind its body, at every cut", () => {
    const wire = latin1(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 4\r\n\r\nbodyGET not HTTP",
    );
    for (let cut = 0; cut <= wire.length; cut += 1) {
      const { recorder, reader } = requestReading();
      recorder.afterEvent = (event) => {
        if (event.type === "end") reader.pause();
      };
      feedPoisoned(reader, wire.subarray(0, cut));
      feedPoisoned(reader, wire.subarray(cut));
      expect(types(recorder)).toEqual(["request", "data", "end"]);
      expect(Buffer.from(reader.takeRest()).toString()).toBe("GET not HTTP");
      expect(() => reader.takeRest()).toThrow(UsageError);
      expect(() => reader.finish()).toThrow(UsageError);
    }
  });

  test("includes the beginning of a line that was read already", () => {
    const { reader } = requestReading();
    reader.feed(latin1("GET"));
    reader.pause();
    reader.feed(latin1(" more"));
    expect(Buffer.from(reader.takeRest()).toString()).toBe("GET more");
  });

  test("in the middle of a message is refused", () => {
    const { reader } = requestReading();
    reader.feed(latin1(POST.slice(0, -1)));
    expect(() => reader.takeRest()).toThrow("still being read");
  });
});

describe("what a reader says of itself", () => {
  test("follows the bytes: idle between messages, in the middle from the first octet to the end", () => {
    const { reader } = requestReading();
    expect([reader.idle, reader.midMessage]).toEqual([true, false]);
    reader.feed(latin1("\r\n"));
    expect([reader.idle, reader.midMessage]).toEqual([true, false]);
    reader.feed(latin1("\r"));
    expect([reader.idle, reader.midMessage]).toEqual([false, false]);
    reader.feed(latin1("\nG"));
    expect([reader.idle, reader.midMessage]).toEqual([false, true]);
    reader.feed(latin1(POST.slice(0, -1).replace("POST", "ET")));
    expect([reader.idle, reader.midMessage]).toEqual([false, true]);
    reader.feed(latin1("o"));
    expect([reader.idle, reader.midMessage]).toEqual([true, false]);
  });

  test("is neither after a message that ends the connection", () => {
    const { reader } = requestReading();
    reader.feed(latin1("GET / HTTP/1.0\r\n\r\n"));
    expect([reader.idle, reader.midMessage, reader.failed]).toEqual([false, false, false]);
  });
});

test("bytes that are no Buffer, and views into a larger one, are read as well", () => {
  const { recorder, reader } = requestReading();
  const larger = new Uint8Array(ALL.length + 20).fill(0x0a);
  larger.set(ALL, 10);
  reader.feed(larger.subarray(10, 10 + ALL.length));
  reader.feed(new Uint8Array(0));
  expect(recorder.events.filter((event) => event.type === "end")).toHaveLength(4);
});

test("heads longer than a small feed, and bodies behind them, are read at every cut near their seams", () => {
  const fields = Array.from({ length: 60 }, (_, index) => `X-Field-${index}: ${"v".repeat(40)}\r\n`).join("");
  const wire = latin1(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n${fields}\r\n${"b".repeat(3000)}${GET}`);
  const whole = requestReading();
  whole.reader.feed(wire);
  expect(whole.recorder.events).toHaveLength(5);
  for (let cut = 1; cut < wire.length; cut += 7) {
    const { recorder, reader } = requestReading();
    feedPoisoned(reader, wire.subarray(0, cut));
    feedPoisoned(reader, wire.subarray(cut));
    expect(recorder.events).toEqual(whole.recorder.events);
  }
});
