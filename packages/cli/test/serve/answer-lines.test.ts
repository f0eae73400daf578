import { expect, test } from "vitest";
import { answerLine, answerLog } from "../../src/serve/answer-lines.js";
import { ANSI_COLOURS, NO_COLOURS } from "../../src/terminal/colours.js";
import { FakeIo } from "../support/fake-io.js";

const ANSWER = {
  time: "2024-03-01T12:34:56.000Z",
  remote: "127.0.0.1",
  method: "GET",
  target: "/a/b.txt?q=…",
  status: 200,
  bytes: 1_234,
  ms: 3.42,
};

test("a line for people has time, method, path, status, size and duration", () => {
  const clock = new Date(ANSWER.time).toTimeString().slice(0, 8);
  expect(answerLine(ANSWER, { colours: NO_COLOURS, columns: 80 })).toBe(
    `${clock}  GET   /a/b.txt?q=…  200  1.2 kB  3.4 ms`,
  );
  const failed = { ...ANSWER, method: "DELETE", status: 500, error: "server/connection-lost" };
  expect(answerLine(failed, { colours: NO_COLOURS, columns: 80 })).toMatch(
    /500 {2}1\.2 kB.* {2}server\/connection-lost$/,
  );
});

test("a path is shortened to the terminal, and cannot act on it", () => {
  const long = { ...ANSWER, target: `/${"x".repeat(500)}` };
  expect(answerLine(long, { colours: NO_COLOURS, columns: 100 }).length).toBeLessThanOrEqual(100);
  expect(answerLine(long, { colours: NO_COLOURS, columns: 10 })).toMatch(/\/x+…x+/);
  expect(answerLine({ ...ANSWER, target: "/\u001b[2J" }, { colours: NO_COLOURS, columns: 80 })).not.toContain("\u001b");
});

test("a status has the colour of its class", () => {
  const line = (status: number): string => answerLine({ ...ANSWER, status }, { colours: ANSI_COLOURS, columns: 80 });
  expect(line(204)).toContain("\u001b[32m204");
  expect(line(304)).toContain("\u001b[33m304");
  expect(line(404)).toContain("\u001b[31m404");
});

test("lines are for people on a terminal, and JSON elsewhere or if wished for", () => {
  const json = JSON.stringify(ANSWER);
  const written = (options: { readonly terminal: boolean; readonly json: boolean }): string => {
    const io = new FakeIo({ terminal: options.terminal, env: { NO_COLOR: "1" } });
    const { format, write } = answerLog(io.stderr, options.json);
    expect(format).toBe("json");
    write(json);
    return io.err.text;
  };
  expect(written({ terminal: true, json: false })).toContain("GET   /a/b.txt");
  expect(written({ terminal: true, json: true })).toBe(`${json}\n`);
  expect(written({ terminal: false, json: false })).toBe(`${json}\n`);
});
