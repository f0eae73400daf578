/** A server link on a scripted transport: bytes in, bytes out, and a log of what its owner was told. */
import type { Payload } from "../../src/body/payload.js";
import type { PeerError } from "../../src/errors.js";
import { HTTP1_LIMITS } from "../../src/http1/limits.js";
import type { FieldLines } from "../../src/http1/sinks.js";
import { ScriptedTransport, type ScriptedTransportOptions } from "../../src/net/scripted.js";
import type { Answer } from "../../src/wire/answer.js";
import type { HandedOver, HandedOverOwner, Successor } from "../../src/wire/handed-over.js";
import type { Http1Exchange } from "../../src/wire/http1-exchange.js";
import { Http1ServerLink } from "../../src/wire/http1-server-link.js";
import type { ReadPhase, ServerLinkOwner, ServerLinkSettings } from "../../src/wire/server-link-owner.js";

export const DATE = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";

export type Handler = (exchange: Http1Exchange) => Answer | Promise<Answer> | undefined;

export class Served implements ServerLinkOwner, HandedOverOwner {
  readonly transport: ScriptedTransport;
  readonly link: Http1ServerLink;
  readonly exchanges: Http1Exchange[] = [];
  readonly phases: ReadPhase[] = [];
  readonly stalls: boolean[] = [];
  readonly errors: unknown[] = [];
  /** What the link has become, when another protocol has its transport. */
  successor: HandedOver | undefined;
  closed = 0;
  readonly #handler: Handler;

  constructor(handler: Handler, settings: Partial<ServerLinkSettings> = {}, transport: ScriptedTransportOptions = {}) {
    this.#handler = handler;
    this.transport = new ScriptedTransport(transport);
    this.link = new Http1ServerLink(this.transport, this, {
      limits: HTTP1_LIMITS,
      maxRequests: Number.POSITIVE_INFINITY,
      maxPipelined: 16,
      bufferBytes: 1_000,
      drainBytes: 2_000,
      lingerBytes: 5_000,
      dateLine: () => DATE,
      ...settings,
    });
  }

  onRequest(exchange: Http1Exchange): void {
    this.exchanges.push(exchange);
    const answer = this.#handler(exchange);
    if (answer instanceof Promise) {
      answer.then(
        (settled) => this.link.answer(exchange, settled),
        (error: unknown) => this.errors.push(error),
      );
    } else if (answer !== undefined) this.link.answer(exchange, answer);
  }
  onPhase(phase: ReadPhase): void {
    this.phases.push(phase);
  }
  onStalled(stalled: boolean): void {
    this.stalls.push(stalled);
  }
  onAnswerError(error: unknown): void {
    this.errors.push(error);
  }
  onHandedOver(connection: HandedOver): HandedOverOwner {
    if (this.successor !== undefined) throw new Error("A connection is handed over once");
    this.successor = connection;
    return this;
  }
  onReleased(): void {
    this.onClosed();
  }
  onReleaseError(error: unknown): void {
    this.errors.push(error);
  }
  onClosed(): void {
    this.closed += 1;
  }

  /** Plays bytes in, one packet each, and returns all that was written at once. */
  packets(...packets: (string | Uint8Array)[]): string {
    this.transport.feed(...packets);
    this.transport.flush();
    return this.transport.takeWritten();
  }

  /** The peer's FIN. */
  end(): string {
    this.transport.feed({ end: true });
    this.transport.flush();
    return this.transport.takeWritten();
  }

  /** Lets promises, and what they start, run; returns what was written meanwhile. */
  async later(): Promise<string> {
    for (let turns = 0; turns < 4; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    this.transport.flush();
    return this.transport.takeWritten();
  }
}

export function serve(
  handler: Handler,
  settings: Partial<ServerLinkSettings> = {},
  transport: ScriptedTransportOptions = {},
): Served {
  return new Served(handler, settings, transport);
}

export function answer(status: number, body?: Payload | string | undefined, fields: FieldLines = []): Answer {
  return {
    status,
    reason: undefined,
    fields,
    payload: typeof body === "string" ? inMemory(body) : body,
    onSent: undefined,
  };
}

/** Another protocol that does nothing beside what `given` says. */
export function successor(given: Partial<Successor> = {}): Successor {
  return { takeOver: () => undefined, retire: () => undefined, giveUp: () => undefined, ...given };
}

export function inMemory(whole: string | Uint8Array): Payload {
  const length = typeof whole === "string" ? Buffer.byteLength(whole) : whole.byteLength;
  return { ...streamed(() => nothing(), length), whole };
}

export function streamed(open: () => AsyncIterable<Uint8Array>, length?: number): Payload {
  return { length, contentType: undefined, replayable: false, whole: undefined, open, discard: () => undefined };
}

export async function* nothing(): AsyncGenerator<Uint8Array> {}

/** A promise and its ends, for handlers that answer when the test says so. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}

export const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

export const post = (path: string, body: string, more = ""): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

/** A 200 with a text body, as the link writes it. */
export const ok = (body: string, more = ""): string =>
  `HTTP/1.1 200 OK\r\n${DATE}Content-Length: ${body.length}\r\n${more}\r\n${body}`;

/** The link's own refusal, which ends the connection. */
export function refused(status: string, code: string): string {
  const body = `${status}: ${code}\n`;
  const fields = `Content-Type: text/plain; charset=utf-8\r\n${DATE}Content-Length: ${body.length}\r\n`;
  return `HTTP/1.1 ${status}\r\n${fields}Connection: close\r\n\r\n${body}`;
}

export function echoPath(exchange: Http1Exchange): Answer {
  return answer(200, exchange.target);
}

export function codeOf(error: unknown): string {
  return (error as PeerError).code;
}
