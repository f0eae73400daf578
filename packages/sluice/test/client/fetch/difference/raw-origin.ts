/** A server of bytes: for each hop of the current case it answers with what the case says, and remembers what it was asked. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** What came, without its framing. */
export interface Received {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Bytes (one character each) of one answer; `end` closes the connection after them. */
export interface Scripted {
  readonly bytes: string;
  readonly end?: boolean;
}

/** Answers the requests of one case after another. */
export class RawOrigin {
  readonly #server: Server;
  readonly #answer: (received: Received) => Scripted;

  private constructor(server: Server, answer: (received: Received) => Scripted) {
    this.#server = server;
    this.#answer = answer;
    server.on("connection", (socket) => this.#serve(socket));
  }

  static async listen(answer: (received: Received) => Scripted): Promise<RawOrigin> {
    const server = createServer();
    const origin = new RawOrigin(server, answer);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: Socket): void {
    let buffered = "";
    socket.setEncoding("latin1");
    socket.on("error", () => socket.destroy());
    socket.on("data", (text: string) => {
      buffered += text;
      for (let taken = take(buffered); taken !== undefined; taken = take(buffered)) {
        buffered = taken.rest;
        const { bytes, end } = this.#answer(taken.received);
        socket.write(bytes, "latin1");
        if (end === true) socket.end();
      }
    });
  }
}

function take(text: string): { received: Received; rest: string } | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const [start = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const [method = "", target = ""] = start.split(" ");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}|${value}` : value;
  }
  const rest = text.slice(headEnd + 4);
  const framed = headers["transfer-encoding"] === undefined ? exactly(rest, headers) : chunked(rest);
  if (framed === undefined) return undefined;
  return { received: { method, target, headers, body: framed.body }, rest: framed.rest };
}

function exactly(text: string, headers: Readonly<Record<string, string>>): { body: string; rest: string } | undefined {
  const length = Number(headers["content-length"] ?? 0);
  return text.length < length ? undefined : { body: text.slice(0, length), rest: text.slice(length) };
}

function chunked(text: string): { body: string; rest: string } | undefined {
  let body = "";
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === -1) return undefined;
    const size = Number(`0x${text.slice(at, lineEnd)}`);
    const from = lineEnd + 2;
    if (text.length < from + size + 2) return undefined;
    if (size === 0) return { body, rest: text.slice(from + 2) };
    body += text.slice(from, from + size);
    at = from + size + 2;
  }
}
