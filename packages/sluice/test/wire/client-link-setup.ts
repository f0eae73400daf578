/** A client link on a scripted transport: requests out, bytes in, and a log of what the exchanges and the owner were told. */
import { type BodyInput, toPayload } from "../../src/body/payload.js";
import { HTTP1_LIMITS } from "../../src/http1/limits.js";
import type { FieldLines } from "../../src/http1/sinks.js";
import { ScriptedTransport, type ScriptedTransportOptions } from "../../src/net/scripted.js";
import type { Transport } from "../../src/net/transport.js";
import { Http1ClientLink, type LinkOwner } from "../../src/wire/http1-client-link.js";
import type { LinkExchange, LinkRequest } from "../../src/wire/link-exchange.js";

/** Writes down what it is told, one short line for each event. */
export class LoggedExchange implements LinkExchange {
  readonly log: string[] = [];
  body = "";
  /** What came behind a 101. */
  rest = "";
  error: Error | undefined;
  /** Called in `onData`, after the piece was noted. */
  onPiece: () => void = () => undefined;
  /** Called in `onHead`. */
  atHead: () => void = () => undefined;

  onInformational(status: number): void {
    this.log.push(`informational ${status}`);
  }
  onHead(status: number, _reason: string, _version: number, bodyLength: number): void {
    this.log.push(`head ${status} ${bodyLength}`);
    this.atHead();
  }
  onData(piece: Uint8Array): void {
    this.body += Buffer.from(piece).toString("latin1");
    this.onPiece();
  }
  onEnd(trailers: FieldLines): void {
    this.log.push(trailers.length === 0 ? "end" : `end ${trailers.join(" ")}`);
  }
  onRequestSent(): void {
    this.log.push("sent");
  }
  onRequestProgress(bodyBytes: number): void {
    this.log.push(`progress ${bodyBytes}`);
  }
  onUpgrade(_transport: Transport, rest: Uint8Array): void {
    this.rest = Buffer.from(rest).toString("latin1");
    this.log.push(`upgrade ${this.rest}`);
  }
  onFailure(error: Error, answered: boolean): void {
    this.error = error;
    this.log.push(`failure ${(error as { code?: string }).code ?? error.message}${answered ? ", answered" : ""}`);
  }
}

export class Linked implements LinkOwner {
  readonly transport: ScriptedTransport;
  readonly link: Http1ClientLink;
  reusable = 0;
  gone = 0;
  upgraded = 0;
  /** Called when the connection is given back. */
  next: (link: Http1ClientLink) => void = () => undefined;

  constructor(options: ScriptedTransportOptions = {}) {
    this.transport = new ScriptedTransport(options);
    this.link = new Http1ClientLink(this.transport, HTTP1_LIMITS, this);
  }

  onReusable(link: Http1ClientLink): void {
    this.reusable += 1;
    this.next(link);
  }
  onGone(): void {
    this.gone += 1;
  }
  onUpgraded(): void {
    this.upgraded += 1;
  }

  send(request: LinkRequest = getRequest()): LoggedExchange {
    const exchange = new LoggedExchange();
    this.link.send(exchange, request);
    return exchange;
  }

  /** Plays packets in, one call each. */
  packets(...packets: (string | Uint8Array)[]): void {
    this.transport.feed(...packets);
    this.transport.flush();
  }

  end(): void {
    this.transport.feed({ end: true });
    this.transport.flush();
  }
}

export function getRequest(path = "/"): LinkRequest {
  return { method: "GET", head: `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`, payload: undefined, chunked: false };
}

export function postRequest(body: BodyInput): LinkRequest {
  const payload = toPayload(body);
  const chunked = payload.length === undefined;
  const framing = chunked ? "transfer-encoding: chunked" : `content-length: ${payload.length}`;
  return { method: "POST", head: `POST / HTTP/1.1\r\nhost: a\r\n${framing}\r\n\r\n`, payload, chunked };
}

export function ok(body: string, more = ""): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;
}

/** Lets promises, and the turns of the event loop they need, run. */
export async function turns(count = 4): Promise<void> {
  for (let done = 0; done < count; done += 1) await new Promise((resolve) => setImmediate(resolve));
}
