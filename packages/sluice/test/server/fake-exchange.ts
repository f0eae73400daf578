import { Body } from "../../src/body/body.js";
import type { FieldLines } from "../../src/http1/sinks.js";
import type { PeerInfo } from "../../src/net/transport.js";
import type { Responder, ServerExchange } from "../../src/server/exchange.js";
import type { Reply } from "../../src/server/reply.js";

export interface FakeRequest {
  readonly fields?: FieldLines;
  /** Complete when the request begins; a `Body` for one that is still on its way. */
  readonly body?: string | Uint8Array | Body;
  readonly secure?: boolean;
  readonly version?: 10 | 11;
  /** The connection can be handed over. */
  readonly upgrade?: boolean;
  readonly remoteAddress?: string | undefined;
}

/** A request without a wire. */
export class FakeExchange implements ServerExchange {
  readonly method: string;
  readonly target: string;
  readonly version: number;
  readonly fields: FieldLines;
  readonly body: Body;
  readonly hasBody: boolean;
  readonly secure: boolean;
  readonly upgrade: boolean;
  readonly informed: [number, FieldLines][] = [];
  readonly #remoteAddress: string | undefined;
  readonly #controller = new AbortController();
  signalsAsked = 0;

  constructor(method: string, target: string, given: FakeRequest = {}) {
    this.method = method;
    this.target = target;
    this.version = given.version ?? 11;
    this.fields = given.fields ?? ["Host", "example.com"];
    this.hasBody = given.body !== undefined;
    this.body = given.body instanceof Body ? given.body : Body.of(bytesOf(given.body ?? ""));
    this.secure = given.secure ?? false;
    this.upgrade = given.upgrade ?? false;
    this.#remoteAddress = "remoteAddress" in given ? given.remoteAddress : "192.0.2.1";
  }

  get signal(): AbortSignal {
    this.signalsAsked += 1;
    return this.#controller.signal;
  }

  goAway(reason: Error): void {
    this.#controller.abort(reason);
  }

  peer(): PeerInfo {
    const port = this.#remoteAddress === undefined ? undefined : 1;
    return {
      remoteAddress: this.#remoteAddress,
      remotePort: port,
      localAddress: undefined,
      localPort: port,
      tls: undefined,
    };
  }

  inform(status: number, fields: FieldLines): void {
    this.informed.push([status, fields]);
  }
}

/** What a client would get. */
export interface FakeAnswer {
  readonly reply: Reply;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
}

/** Sends a request through `responder` and reads the whole answer, as a connection would. */
export async function ask(
  responder: Responder,
  method: string,
  target: string,
  given: FakeRequest = {},
): Promise<FakeAnswer> {
  return readAnswer(await responder(new FakeExchange(method, target, given)));
}

export async function readAnswer(reply: Reply): Promise<FakeAnswer> {
  const pieces: Uint8Array[] = [];
  if (reply.payload !== undefined) for await (const piece of reply.payload.open()) pieces.push(piece.slice());
  const bytes = Buffer.concat(pieces);
  reply.onSent?.(bytes.byteLength, undefined);
  const headers: Record<string, string> = {};
  for (let at = 0; at < reply.fields.length; at += 2) {
    const name = (reply.fields[at] ?? "").toLowerCase();
    headers[name] = name in headers ? `${headers[name]}\n${reply.fields[at + 1]}` : (reply.fields[at + 1] ?? "");
  }
  return { reply, status: reply.status, headers, text: bytes.toString("utf8") };
}

function bytesOf(given: string | Uint8Array): Uint8Array {
  return typeof given === "string" ? Buffer.from(given) : given;
}
