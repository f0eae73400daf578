/** A session, a file to upload and a server to upload to; and a server that does what a test tells it. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientSession } from "../../../src/client/session.js";
import type { UploadEvent, UploadProgress } from "../../../src/transfer/upload/upload-events.js";
import type { UploadOptions } from "../../../src/transfer/upload/upload-options.js";

/** Tries follow each other at once. */
export const QUICK = { backOff: { base: 1, cap: 2 } } as const;

/** A folder with files to upload, and what an upload tells. */
export class Desk {
  readonly folder: string = mkdtempSync(join(tmpdir(), "sluice-upload-"));
  readonly session = new ClientSession({ cookies: false });
  readonly events: UploadEvent[] = [];
  readonly progress: UploadProgress[] = [];

  /** A file with these bytes, random ones if only their number is given. */
  file(name: string, content: string | Uint8Array | number): string {
    const path = join(this.folder, name);
    writeFileSync(path, typeof content === "number" ? randomBytes(content) : content);
    return path;
  }

  options(given: UploadOptions = {}): UploadOptions {
    return {
      ...QUICK,
      ...(given.protocol === undefined || given.protocol === "tus" ? { stateFolder: join(this.folder, "state") } : {}),
      onEvent: (event) => void this.events.push(event),
      onProgress: (progress) => void this.progress.push(progress),
      ...given,
    };
  }

  /** What happened, in short. */
  told(): string[] {
    return this.events.splice(0).map((event) => {
      if (event.type === "restarted") return `restarted: ${event.reason}`;
      return event.type === "resumed" ? `resumed: ${event.bytes}` : event.type;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One request as a server that follows a script has it. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What to do with a request: an answer, or `"cut"` when so many bytes of its body have come. */
export type Step =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly cutAfter?: undefined }
  | { readonly cutAfter: number };

/** A server that answers request by request as it is told, and keeps what it was sent. */
export class ScriptedServer {
  readonly received: Received[] = [];
  readonly #steps: Step[];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  private constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
  }

  static async with(...steps: readonly Step[]): Promise<ScriptedServer> {
    const made = new ScriptedServer(steps);
    await new Promise<void>((resolve) => made.#server.listen(0, "127.0.0.1", resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/files`;
  }

  /** Method and what it was about, for each request. */
  asked(): string[] {
    return this.received.map(({ method, headers, body }) => {
      const offset = headers["upload-offset"] ?? "-";
      return method === "PATCH" ? `PATCH ${offset}+${body.length}` : method;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const step = this.#steps.shift() ?? { status: 500 };
    const { socket } = request;
    const pieces: Buffer[] = [];
    let count = 0;
    const note = (): void => {
      const { method = "", url = "", headers } = request;
      this.received.push({ method, url, headers, body: Buffer.concat(pieces) });
    };
    try {
      for await (const piece of request) {
        pieces.push(piece as Buffer);
        count += (piece as Buffer).length;
        if (step.cutAfter !== undefined && count >= step.cutAfter) break;
      }
    } catch {
      // The client went away, which is its right.
      return;
    }
    note();
    if (step.cutAfter !== undefined) {
      socket.destroy();
      return;
    }
    response.writeHead(step.status, { "Tus-Resumable": "1.0.0", ...step.headers });
    response.end();
  }
}

export const made = (headers: Record<string, string> = {}): Step => ({
  status: 201,
  headers: { Location: "/files/one", ...headers },
});
export const at = (offset: number, headers: Record<string, string> = {}): Step => ({
  status: 200,
  headers: { "Upload-Offset": String(offset), ...headers },
});
export const taken = (offset: number): Step => ({ status: 204, headers: { "Upload-Offset": String(offset) } });
