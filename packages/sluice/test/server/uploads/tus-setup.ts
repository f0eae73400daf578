/** An upload server on a loopback port with a folder of its own, and a client that is nothing but a socket. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Application } from "../../../src/server/application.js";
import type { Server } from "../../../src/server/server.js";
import type { UploadInfo } from "../../../src/server/uploads/upload-info.js";
import { uploads } from "../../../src/server/uploads/uploads.js";
import type { UploadsOptions } from "../../../src/server/uploads/uploads-options.js";
import { RawClient } from "../raw-client.js";

export type Fields = Readonly<Record<string, string>>;

/** An answer, taken apart. Names of fields in lower case. */
export interface Answer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

export const TUS: Fields = { "Tus-Resumable": "1.0.0" };
export const OCTETS: Fields = { ...TUS, "Content-Type": "application/offset+octet-stream" };

export const base64 = (text: string): string => Buffer.from(text).toString("base64");
export const checksumOf = (algorithm: string, bytes: string | Uint8Array): string =>
  `${algorithm} ${createHash(algorithm).update(bytes).digest("base64")}`;

/** See the head of this file. */
export class TusPlace {
  readonly folder: string = mkdtempSync(join(tmpdir(), "sluice-uploads-"));
  readonly errors: unknown[] = [];
  /** Told when more has become durable, unless an option says otherwise. */
  onDurable: ((upload: UploadInfo) => void) | undefined = undefined;
  readonly #clients: RawClient[] = [];
  #served: { readonly app: Application; readonly server: Server } | undefined;

  get app(): Application {
    if (this.#served === undefined) throw new Error("Not started");
    return this.#served.app;
  }

  get server(): Server {
    if (this.#served === undefined) throw new Error("Not started");
    return this.#served.server;
  }

  static async with(options: Partial<UploadsOptions> = {}): Promise<TusPlace> {
    const place = new TusPlace();
    await place.start(options);
    return place;
  }

  /** Serves the folder, again. */
  async start(options: Partial<UploadsOptions> = {}, port = 0): Promise<void> {
    const app = new Application({ onError: (error) => this.errors.push(error) });
    const onError = (error: unknown): number => this.errors.push(error);
    const onProgress = (upload: UploadInfo): void => this.onDurable?.(upload);
    const given: UploadsOptions = { onError, onProgress, limits: { minFreeBytes: 0 }, ...options };
    app.mount("/files", uploads(given.store === undefined ? { directory: this.folder, ...given } : given));
    this.#served = { app, server: await app.listen({ port, host: "127.0.0.1" }) };
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.socket.destroy();
    await this.server.close({ grace: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get url(): string {
    return `${this.server.url.replace(/\/$/, "")}/files`;
  }

  async client(): Promise<RawClient> {
    const client = await RawClient.to(this.server);
    this.#clients.push(client);
    return client;
  }

  /** One request on a connection of its own. */
  async ask(method: string, path: string, fields: Fields, body?: string): Promise<Answer> {
    const client = await this.client();
    client.send(head(method, path, { ...lengthOf(body), Connection: "close", ...fields }) + (body ?? ""));
    return parse(await client.untilClosed());
  }

  /** Creates an upload; gives its path. */
  async create(fields: Fields): Promise<string> {
    const { status, fields: answered } = await this.ask("POST", "/files", { ...TUS, "Content-Length": "0", ...fields });
    if (status !== 201) throw new Error(`Not created: ${status}`);
    return answered["location"] ?? "";
  }

  append(path: string, offset: number, body: string, fields: Fields = {}): Promise<Answer> {
    return this.ask("PATCH", path, { ...OCTETS, "Upload-Offset": String(offset), ...fields }, body);
  }

  async offsetOf(path: string): Promise<string | undefined> {
    return (await this.ask("HEAD", path, TUS)).fields["upload-offset"];
  }

  /** Names of complete uploads. */
  names(): string[] {
    return readdirSync(this.folder).filter((name) => name !== ".uploads");
  }

  /** Names of the files of unfinished uploads, and records. */
  inside(): string[] {
    return readdirSync(join(this.folder, ".uploads"));
  }

  content(name: string): string {
    return readFileSync(join(this.folder, name), "latin1");
  }
}

export function head(method: string, path: string, fields: Fields): string {
  const lines = Object.entries({ Host: "localhost", ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

export function parse(text: string): Answer {
  const end = text.indexOf("\r\n\r\n");
  const [start = "", ...lines] = text.slice(0, end).split("\r\n");
  const fields = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(start.split(" ")[1]), fields: Object.fromEntries(fields), body: text.slice(end + 4) };
}

function lengthOf(body: string | undefined): Fields {
  return body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body, "latin1")) };
}
