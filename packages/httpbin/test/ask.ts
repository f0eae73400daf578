/** One request by `node:http`, which has no opinion about methods, fields and codings, and its answer as it came. */
import { request } from "node:http";

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  /** Sends the body in chunks, without a length. */
  readonly chunked?: boolean;
  /** Gives up after the head. */
  readonly headOnly?: boolean;
}

export interface Answered {
  readonly status: number;
  /** Lower-case names; the values of all lines. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
  /** Why the body ended early, if it did. */
  readonly broken: Error | undefined;
}

/** Asks on a connection of its own. Rejects if not even a head comes. */
export function ask(origin: string, asked: Asked): Promise<Answered> {
  const { method = "GET", path, headers = {}, body, chunked = false } = asked;
  const { hostname, port } = new URL(origin);
  const length: Record<string, string> =
    body === undefined || chunked ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method, agent: false, headers: { ...headers, ...length } });
    let broken: Error | undefined;
    let begun = false;
    outgoing.on("error", (error) => {
      broken ??= error;
      if (!begun) reject(error);
    });
    outgoing.on("response", (incoming) => {
      begun = true;
      const pieces: Buffer[] = [];
      incoming.on("data", (piece: Buffer) => pieces.push(piece));
      incoming.on("error", (error) => {
        broken ??= error;
      });
      incoming.on("close", () => {
        const { statusCode = 0 } = incoming;
        resolve({ status: statusCode, headers: fieldsOf(incoming.rawHeaders), body: Buffer.concat(pieces), broken });
      });
      if (asked.headOnly === true) incoming.destroy();
    });
    if (body !== undefined && chunked) outgoing.write(body);
    outgoing.end(chunked ? undefined : body);
  });
}

/** The only value of a field, "" if it is not there. */
export function field(answer: Answered, name: string): string {
  return answer.headers.get(name)?.join(", ") ?? "";
}

/** The body as JSON. */
export function json(answer: Answered): unknown {
  return JSON.parse(answer.body.toString("utf8"));
}

function fieldsOf(raw: readonly string[]): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), raw[at + 1] ?? ""]);
  }
  return fields;
}
