/**
 * Runs the test vectors of llhttp (see ../fixtures/README.md) through our readers and compares: whether the bytes are accepted, and
 * which messages they are. llhttp does not ask for `Host`; so that its absence does not hide everything else, requests of
 * HTTP/1.1 without one get one.
 */

import { readFileSync } from "node:fs";
import { PeerError } from "../../src/errors.js";
import { HTTP1_LIMITS, HTTP1_RESPONSE_LIMITS } from "../../src/http1/limits.js";
import { RequestReader } from "../../src/http1/request-reader.js";
import { ResponseReader } from "../../src/http1/response-reader.js";
import { UPGRADE } from "../../src/http1/sinks.js";
import { type Event, latin1, Recorder } from "./recorder.js";

export interface Vector {
  readonly name: string;
  readonly file: string;
  readonly type: "request" | "response";
  readonly mode: "strict" | "lenient";
  readonly meta: { readonly skipBody?: boolean };
  readonly finish: boolean;
  readonly input: string;
  readonly expected: {
    readonly ok: boolean;
    readonly error: { readonly reason: string } | null;
    readonly messages: readonly ExpectedMessage[];
  };
}

interface ExpectedMessage {
  readonly method: string;
  readonly url: string;
  readonly status: string;
  readonly statusCode?: string | number;
  readonly headers: readonly (readonly [string, string])[];
  readonly trailers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly headersComplete: boolean;
  readonly complete: boolean;
}

/** One message, by either reader, in a form that can be compared. */
interface Message {
  readonly line: string;
  readonly fields: readonly string[];
  readonly trailers: readonly string[];
  readonly body: string;
  readonly complete: boolean;
}

export interface Run {
  /** The code of the error, or undefined if all bytes were accepted. */
  readonly error: string | undefined;
  readonly messages: readonly Message[];
}

/** The value of the `Host` that is added where there is none. */
const ADDED_HOST = "added.example.com";

export function loadVectors(): Vector[] {
  const path = new URL("../fixtures/llhttp-vectors.json", import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")) as Vector[];
}

export function keyOf({ file, name }: Vector): string {
  return `${file}: ${name}`;
}

/** What our reader makes of the vector's bytes. `completed`: with the end of a head appended, for lines that are judged at their end. */
export function run(vector: Vector, options: { readonly addHost: boolean; readonly completed?: boolean }): Run {
  const input = Buffer.from(vector.input, "base64").toString("latin1");
  const wire = (options.addHost ? withHost(input) : input) + (options.completed === true ? "\r\n\r\n" : "");
  const recorder = new Recorder();
  const reader = readerFor(vector, recorder);
  try {
    reader.feed(latin1(wire));
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    return { error: error.code, messages: messagesOf(recorder.events) };
  }
  return { error: undefined, messages: messagesOf(recorder.events) };
}

/** Whether ending the stream after the vector's bytes is refused. */
export function finishIsRefused(vector: Vector): boolean {
  const reader = readerFor(vector, new Recorder());
  reader.feed(latin1(withHost(Buffer.from(vector.input, "base64").toString("latin1"))));
  try {
    reader.finish();
  } catch {
    return true;
  }
  return false;
}

/** The messages that llhttp reports, as far as their heads are complete. */
export function expectedMessages(vector: Vector): Message[] {
  return vector.expected.messages
    .filter((message) => message.headersComplete)
    .map((message) => ({
      line: vector.type === "request" ? `${message.method} ${message.url}` : `${message.statusCode} ${message.status}`,
      fields: message.headers.flat().map((text) => text.trim()),
      trailers: message.trailers.flat().map((text) => text.trim()),
      body: Buffer.from(message.body, "base64").toString("latin1"),
      complete: message.complete,
    }));
}

function readerFor(vector: Vector, recorder: Recorder): RequestReader | ResponseReader {
  if (vector.type === "response") {
    const reader = new ResponseReader(recorder, HTTP1_RESPONSE_LIMITS);
    // `skipBody` is what llhttp's users answer for HEAD.
    for (let index = 0; index < 8; index += 1) reader.expect(vector.meta.skipBody === true ? "HEAD" : "GET", true);
    return reader;
  }
  const reader = new RequestReader(recorder, HTTP1_LIMITS);
  recorder.afterEvent = (event) => {
    const head = recorder.events.findLast((earlier) => earlier.type === "request");
    if (event.type === "end" && head?.type === "request" && (head.flags & UPGRADE) !== 0) reader.pause();
  };
  return reader;
}

function withHost(wire: string): string {
  return wire.replace(/ HTTP\/1\.1\r\n/g, (line, offset: number) => {
    const rest = wire.slice(offset + line.length);
    const head = rest.slice(0, (rest.indexOf("\r\n\r\n") + rest.length) % rest.length);
    return /^host:/im.test(head) ? line : `${line}Host: ${ADDED_HOST}\r\n`;
  });
}

function messagesOf(events: readonly Event[]): Message[] {
  const messages: Message[] = [];
  for (const event of events) {
    const last = messages.at(-1);
    if (event.type === "request" || event.type === "response" || event.type === "interim") {
      const line = event.type === "request" ? `${event.method} ${event.target}` : `${event.status} ${event.reason}`;
      const isWhole = event.type === "interim" || line.startsWith("CONNECT ") || line.startsWith("101 ");
      messages.push({ line, fields: withoutAdded(event.fields), trailers: [], body: "", complete: isWhole });
    } else if (last !== undefined) {
      const change =
        event.type === "data" ? { body: last.body + event.text } : { trailers: event.trailers, complete: true };
      messages[messages.length - 1] = { ...last, ...change };
    }
  }
  return messages;
}

function withoutAdded(fields: readonly string[]): string[] {
  const at = fields.indexOf(ADDED_HOST);
  return at === -1 ? [...fields] : [...fields.slice(0, at - 1), ...fields.slice(at + 1)];
}
