/** Asks a server with Node's own client, and shows the whole answer. */
import { type OutgoingHttpHeaders, request } from "node:http";

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[];
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case, values in the order of arrival. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

/** Resolves when the answer is complete; a body given in pieces is sent in chunks. */
export function answerOf(port: number, { method = "GET", path, headers = {}, body }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode = 0, statusMessage = "", rawHeaders } = response;
        const text = Buffer.concat(pieces).toString("latin1");
        resolve({ status: statusCode, reason: statusMessage, fields: byName(rawHeaders), body: text });
      });
    });
    asked.on("error", reject);
    if (body === undefined || typeof body === "string" || body instanceof Uint8Array) asked.end(body);
    else {
      for (const piece of body) asked.write(piece);
      asked.end();
    }
  });
}

function byName(raw: readonly string[]): Record<string, readonly string[]> {
  const fields: Record<string, string[]> = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    fields[name] = [...(fields[name] ?? []), raw[at + 1] ?? ""];
  }
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}
