import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SOURCES = `${ROOT}packages/sluice/src/`;

/** Words that codes begin with. Those of `…/` are followed by what happened; `timeout` and `response` are written with a dot. */
/** One a line, so that two changes seldom meet. */
const ROOMS = [
  "auth",
  "body",
  "clock",
  "compression",
  "connect",
  "connection",
  "cookies",
  "cors",
  "dates",
  "dedupe",
  "dns",
  "download",
  "event-stream",
  "fetch",
  "file",
  "files",
  "headers",
  "host",
  "http-error",
  "http1",
  "key",
  "listen",
  "middleware",
  "mock",
  "mount",
  "multipart",
  "options",
  "paginate",
  "pool",
  "proxy",
  "push",
  "queue",
  "range",
  "rate-limit",
  "redirect",
  "reply",
  "request",
  "route",
  "server",
  "session",
  "simulation",
  "sse",
  "static",
  "task",
  "task-group",
  "testing",
  "throttle",
  "tls",
  "transport",
  "upload",
  "url",
  "websocket",
  "worker",
].join("|");
// A media type is no code of ours.
const CODE = new RegExp(
  `["\`](?!multipart/(?:form-data|byteranges))((?:${ROOMS})/[a-z0-9][a-z0-9.-]*|(?:timeout|response)\\.[a-z-]+)["\`]`,
  "g",
);
/** Codes made from tables: the room, and the pattern of the words in the table. */
const TABLES: readonly (readonly [file: string, room: string, words: RegExp])[] = [
  ["net/connect-error.ts", "connect/", /^ {2}\["E[A-Z]+", "([a-z-]+)"|^ {4}"([a-z]+-[a-z-]+)",$/gm],
  ["net/tls-error.ts", "tls/", /^ {2}(?:ERR_SSL\w+|ECONNRESET): \[\s*"([a-z-]+)"/gm],
  ["net/tls-error.ts", "tls/certificate-", /^ {2}(?!ERR_SSL|ECONNRESET)[A-Z_]+: \[\s*"([a-z-]+)"/gm],
  ["net/listen-error.ts", "listen/", /return \[\s*"([a-z-]+)"/g],
];
const PHASES = ["queue", "connect", "headers", "read", "write", "attempt", "total"];

describe("docs/errors.md", () => {
  const documented = codesIn(readFileSync(`${ROOT}docs/errors.md`, "utf8"));
  const used = codesInSource();

  it("has every code that the library uses", () => {
    expect([...used].filter((code) => !documented.has(code)).sort()).toEqual([]);
  });

  it("has no code that the library does not use", () => {
    expect([...documented].filter((code) => !used.has(code)).sort()).toEqual([]);
  });
});

function codesInSource(): Set<string> {
  const codes = new Set<string>();
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  for (const file of files) {
    for (const code of codesIn(withoutComments(readFileSync(SOURCES + file, "utf8")))) codes.add(code);
  }
  for (const [file, room, words] of TABLES) {
    const found = [...readFileSync(SOURCES + file, "utf8").matchAll(words)];
    expect(found.length, `codes of ${file}`).toBeGreaterThan(3);
    for (const [, first, second] of found) codes.add(room + (first ?? second));
  }
  for (const phase of PHASES) codes.add(`timeout.${phase}`);
  // Fallbacks of the tables, which stand outside them.
  for (const code of ["tls/certificate-invalid", "connect/failed", "listen/failed"]) codes.add(code);
  return codes;
}

function codesIn(text: string): Set<string> {
  return new Set([...text.matchAll(CODE)].flatMap(([, code]) => (code === undefined ? [] : [code])));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
