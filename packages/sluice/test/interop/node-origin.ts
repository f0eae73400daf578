/** A node:http server with the paths of `origin-application.ts`, and some for what only it can do. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { gzipSync } from "node:zlib";
import { SERVER } from "../net/certificates.js";
import { type Echo, GREETING, lineOf, patternBytes, sha256, streamedText } from "./origin-application.js";
import { atEnd, type Scheme } from "./places.js";

export interface NodeOrigin {
  readonly url: string;
  /** How many connections it has accepted. */
  connections(): number;
}

type Answer = (request: IncomingMessage, response: ServerResponse, argument: number) => void | Promise<void>;

const TEXT = { "Content-Type": "text/plain; charset=utf-8" };

const ANSWERS: Readonly<Record<string, Answer>> = {
  hello: (_request, response) => void response.writeHead(200, TEXT).end(GREETING),
  echo: async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const echo: Echo = {
      method: request.method ?? "",
      target: request.url ?? "",
      length: body.byteLength,
      sha256: sha256(body),
      contentLength: request.headers["content-length"] ?? null,
      transferEncoding: request.headers["transfer-encoding"] ?? null,
      cookie: request.headers.cookie ?? null,
    };
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(echo));
  },
  bytes: (_request, response, count) => void response.end(patternBytes(count)),
  stream: async (_request, response, count) => {
    response.writeHead(200, TEXT);
    for (let index = 0; index < count; index += 1) {
      if (!response.write(lineOf(index))) await new Promise((resolve) => response.once("drain", resolve));
    }
    response.end();
  },
  gzip: (_request, response) =>
    void response.writeHead(200, { ...TEXT, "Content-Encoding": "gzip" }).end(gzipSync(streamedText(500))),
  nothing: (_request, response) => void response.writeHead(204).end(),
  "large-head": (_request, response) => void response.writeHead(200, { "X-Large": "v".repeat(6_000) }).end(),
  refuse: (_request, response) => void response.writeHead(413, TEXT).end("too much\n"),
  hints: (_request, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.writeHead(200, TEXT).end(GREETING);
  },
  close: (_request, response) => void response.writeHead(200, { ...TEXT, Connection: "close" }).end(GREETING),
  "until-close": (_request, response) => {
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { ...TEXT, Connection: "close" });
    response.write(streamedText(100));
    response.end(streamedText(200).slice(streamedText(100).length));
  },
  cut: (_request, response) => {
    response.writeHead(200, { ...TEXT, "Content-Length": "1000" });
    response.write("not all of it", () => response.destroy());
  },
};

/** Starts one; ended by `closeAll`. */
export async function nodeOrigin(scheme: Scheme): Promise<NodeOrigin> {
  let connections = 0;
  const server = scheme === "https" ? createTlsServer(SERVER, answer) : createServer(answer);
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has a port");
  return { url: `${scheme}://localhost:${address.port}`, connections: () => connections };
}

const answer: RequestListener = (request, response) => {
  const [, name = "", argument] = /^\/([a-z-]+)(?:\/(\d+))?(?:\?|$)/.exec(request.url ?? "") ?? [];
  const known = ANSWERS[name];
  if (known === undefined) response.writeHead(404).end();
  else void known(request, response, Number(argument));
};
