import { describe, expect, test } from "vitest";
import { AnswerCounter } from "../src/load/answer-counter.js";

const BODY = "Hello, world!";

function answer(body = BODY, status = "200 OK", extra = ""): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\n${extra}content-length: ${body.length}\r\n\r\n${body}`;
}

function feed(counter: AnswerCounter, text: string, pieceLength: number): number {
  let count = 0;
  for (let at = 0; at < text.length; at += pieceLength) {
    count += counter.take(Buffer.from(text.slice(at, at + pieceLength)));
  }
  return count;
}

describe("the counter of answers", () => {
  test("counts the same wherever the bytes are cut", () => {
    const text = answer() + answer() + answer(BODY, "200 OK", "X-More: 1\r\n") + answer();
    for (let pieceLength = 1; pieceLength <= text.length; pieceLength += 1) {
      expect(feed(new AnswerCounter(BODY), text, pieceLength)).toBe(4);
    }
  });

  test("refuses another status, even where the layout is the known one", () => {
    const counter = new AnswerCounter(BODY);
    expect(feed(counter, answer(), 1_000)).toBe(1);
    expect(() => feed(counter, answer(BODY, "500 OK"), 1_000)).toThrow("Not the expected head");
  });

  test("refuses another body of the same length, and one of another", () => {
    const counter = new AnswerCounter(BODY);
    expect(feed(counter, answer(), 1_000)).toBe(1);
    expect(() => feed(counter, answer("Hello, World?"), 1_000)).toThrow("Not the expected body");
    expect(() => feed(new AnswerCounter(BODY), answer("Hello"), 1_000)).toThrow("Not the expected body");
  });

  test("refuses an answer without a length", () => {
    const text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    expect(() => feed(new AnswerCounter(BODY), text, 1_000)).toThrow("Not the expected head");
  });
});
