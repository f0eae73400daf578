/**
 * A server of one file, with a switch for each way in which servers are wrong about ranges. What a switch leaves alone is as it should be
 * (RFC 9110 §13, §14): honest, it is the server that a download hopes for.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";

/** One state of the file. */
export interface FileVersion {
  readonly content: Uint8Array;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

export interface Switches {
  /** Range is passed over (200), or forbidden as well (`Accept-Ranges: none`). */
  ranges: "honoured" | "ignored" | "forbidden";
  /** If-Range is passed over; 200 where it has a tag; 200 whatever it has. */
  ifRange: "honoured" | "ignored" | "hates-tags" | "hated";
  /** What is wrong with a 206, other than to the very first request where `lateParts` is on. */
  part: Part;
  /** Only answers to requests from another offset than 0 are wrong. */
  lateParts: boolean;
  /** A tag of its own for each answer. */
  rotatingTags: boolean;
  /** Validators are left out of 206. */
  silentParts: boolean;
  /** A 416 where nothing of the range is there: with the size, or without. */
  beyond: "told" | "silent";
  /** The connection breaks after so many bytes of the body of the nth request (from 1). */
  cut: (n: number, request: IncomingMessage) => number | undefined;
  /** Milliseconds between two pieces, and how long they are. */
  drip: { readonly every: number; readonly bytes: number } | undefined;
  /** Answers the nth request in a way of its own. True: it has. */
  instead: (n: number, request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** No Content-Length: in chunks, or to the end of the connection. */
  framing: "length" | "chunked" | "connection";
  /** The whole is sent with a content coding although nobody asked for it. */
  gzip: boolean;
  /** More fields for answers with content. */
  fields: (version: FileVersion) => Readonly<Record<string, string>>;
}

export type Part =
  | "right"
  | "from-earlier"
  | "from-much-earlier"
  | "from-later"
  | "shorter"
  | "longer"
  | "short-of-its-word"
  | "wrong-total"
  | "no-content-range"
  | "length-contradicts"
  | "multipart"
  | "gzip"
  | "unit";

const HONEST: Switches = {
  ranges: "honoured",
  ifRange: "honoured",
  part: "right",
  lateParts: false,
  rotatingTags: false,
  silentParts: false,
  beyond: "told",
  cut: () => undefined,
  drip: undefined,
  instead: () => false,
  framing: "length",
  gzip: false,
  fields: () => ({}),
};

/** What a request asked for. */
export interface AskedFor {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly headers: IncomingMessage["headers"];
}

export class HostileServer {
  version: FileVersion;
  readonly switches: Switches;
  readonly asked: AskedFor[] = [];
  /** Bytes of content sent. */
  sent = 0;
  readonly #server: Server;

  private constructor(version: FileVersion, switches: Partial<Switches>) {
    this.version = version;
    this.switches = { ...HONEST, ...switches };
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async start(version: FileVersion, switches: Partial<Switches> = {}): Promise<HostileServer> {
    const server = new HostileServer(version, switches);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/file.bin`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, url: path = "/", method = "GET" } = request;
    const ifRange = headers["if-range"] as string | undefined;
    this.asked.push({ method, path, range: headers.range, ifRange, headers });
    const n = this.asked.length;
    response.on("error", () => undefined);
    if (method === "HEAD") {
      response.writeHead(405).end();
      return;
    }
    if (await this.switches.instead(n, request, response)) return;
    const { version } = this;
    if (this.#isUnchanged(request, version)) {
      response.writeHead(304, this.#validators(version, n)).end();
      return;
    }
    const range = this.#rangeFor(request, version);
    if (range === "beyond") {
      const told = this.switches.beyond === "told" ? { "content-range": `bytes */${version.content.byteLength}` } : {};
      response.writeHead(416, told).end("<html>no such range</html>");
    } else if (range === undefined) await this.#sendWhole(n, request, response);
    else await this.#sendPart(n, request, response, range);
  }

  #isUnchanged({ headers }: IncomingMessage, { etag, lastModified }: FileVersion): boolean {
    const noneMatch = headers["if-none-match"];
    if (noneMatch !== undefined) return noneMatch === etag;
    return headers["if-modified-since"] !== undefined && headers["if-modified-since"] === lastModified;
  }

  #rangeFor(request: IncomingMessage, version: FileVersion): { first: number; last: number } | "beyond" | undefined {
    const { ranges, ifRange } = this.switches;
    const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    if (match === null || ranges !== "honoured") return undefined;
    const condition = request.headers["if-range"] as string | undefined;
    if (condition !== undefined && ifRange !== "ignored") {
      if (ifRange === "hated" || (ifRange === "hates-tags" && condition.startsWith('"'))) return undefined;
      const holds = condition === version.etag || condition === version.lastModified;
      if (!holds || this.switches.rotatingTags) return undefined;
    }
    const size = version.content.byteLength;
    const first = Number(match[1]);
    const last = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
    return first >= size ? "beyond" : { first, last };
  }

  #validators({ etag, lastModified }: FileVersion, n: number): Record<string, string> {
    const tag = this.switches.rotatingTags ? `"rotating-${n}"` : etag;
    return {
      ...(tag === undefined ? {} : { etag: tag }),
      ...(lastModified === undefined ? {} : { "last-modified": lastModified }),
    };
  }

  async #sendWhole(n: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { gzip, ranges } = this.switches;
    const { version } = this;
    const content = gzip ? gzipSync(version.content) : version.content;
    const fields = {
      ...this.#validators(version, n),
      ...this.switches.fields(version),
      ...(gzip ? { "content-encoding": "gzip" } : {}),
      ...(ranges === "forbidden" ? { "accept-ranges": "none" } : {}),
    };
    this.#writeHead(response, 200, { ...fields, ...this.#lengthOf(content) });
    await this.#sendBody(n, request, response, content);
  }

  async #sendPart(
    n: number,
    request: IncomingMessage,
    response: ServerResponse,
    asked: { first: number; last: number },
  ): Promise<void> {
    const { version } = this;
    const size = version.content.byteLength;
    const wrong = this.switches.lateParts && asked.first === 0 ? "right" : this.switches.part;
    let { first, last } = asked;
    if (wrong === "from-earlier") first = Math.max(0, first - 1_000);
    if (wrong === "from-much-earlier") first = 0;
    if (wrong === "from-later") first = Math.min(first + 1_000, last);
    if (wrong === "shorter") last = Math.min(last, first + Math.ceil((last - first) / 2));
    const plain = version.content.subarray(first, last + 1);
    const body = wrong === "gzip" ? gzipSync(plain) : plain;
    const total = wrong === "wrong-total" ? size + 7 : size;
    const unit = wrong === "unit" ? "lines" : "bytes";
    const fields: Record<string, string> = {
      ...(this.switches.silentParts ? {} : this.#validators(version, n)),
      ...this.switches.fields(version),
      ...this.#lengthOf(body),
    };
    if (wrong !== "no-content-range") fields["content-range"] = `${unit} ${first}-${last}/${total}`;
    if (wrong === "multipart") fields["content-type"] = "multipart/byteranges; boundary=x";
    if (wrong === "gzip") fields["content-encoding"] = "gzip";
    if (wrong === "length-contradicts") fields["content-length"] = String(Math.max(1, body.byteLength - 5));
    // Only without a length can an answer have more, or less, than its range says and still be whole.
    if (wrong === "longer" || wrong === "short-of-its-word") delete fields["content-length"];
    this.#writeHead(response, 206, fields);
    const sent =
      wrong === "longer"
        ? Buffer.concat([body, Buffer.from("and some more")])
        : wrong === "short-of-its-word"
          ? body.subarray(0, Math.ceil(body.byteLength / 2))
          : wrong === "length-contradicts"
            ? body.subarray(0, Math.max(1, body.byteLength - 5))
            : body;
    await this.#sendBody(n, request, response, sent);
  }

  #lengthOf(content: Uint8Array): Record<string, string> {
    return this.switches.framing === "length" ? { "content-length": String(content.byteLength) } : {};
  }

  #writeHead(response: ServerResponse, status: number, fields: Readonly<Record<string, string>>): void {
    if (this.switches.framing === "connection") {
      response.shouldKeepAlive = false;
      response.removeHeader("transfer-encoding");
      response.useChunkedEncodingByDefault = false;
    }
    response.writeHead(status, fields);
  }

  async #sendBody(n: number, request: IncomingMessage, response: ServerResponse, content: Uint8Array): Promise<void> {
    const { drip } = this.switches;
    const cut = this.switches.cut(n, request);
    const sent = cut === undefined ? content : content.subarray(0, cut);
    const step = drip?.bytes ?? 64 * 1024;
    for (let at = 0; at < sent.byteLength; at += step) {
      const piece = sent.subarray(at, at + step);
      this.sent += piece.byteLength;
      if (response.destroyed) return;
      if (!response.write(piece)) await room(response);
      if (drip !== undefined) await wait(drip.every);
    }
    if (cut === undefined) response.end();
    else await cutOff(response);
  }
}

function room(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

/** Breaks the connection once what was written has left. */
async function cutOff(response: ServerResponse): Promise<void> {
  response.flushHeaders();
  await wait(5);
  response.socket?.destroy();
}

/** Bytes that look like nothing else, the same for each seed. */
export function noise(byteLength: number, seed = "a"): Uint8Array {
  const blocks: Buffer[] = [];
  for (let block = 0; block * 32 < byteLength; block += 1) {
    blocks.push(createHash("sha256").update(`${seed}${block}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, byteLength);
}

const OLD_DATE = "Sun, 06 Nov 1994 08:49:37 GMT";

/** A version with a strong tag and an old date. */
export function fileVersion(content: Uint8Array, given: Partial<Omit<FileVersion, "content">> = {}): FileVersion {
  const tag = createHash("sha256").update(content).digest("hex").slice(0, 8);
  return { content, etag: `"${tag}"`, lastModified: OLD_DATE, ...given };
}
