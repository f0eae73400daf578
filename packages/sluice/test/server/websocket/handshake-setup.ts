/** Handshakes as a client writes them, asked of an application without a wire. */
import type { FieldLines } from "../../../src/http1/sinks.js";
import type { Application } from "../../../src/server/application.js";
import { ask, type FakeAnswer, type FakeRequest } from "../fake-exchange.js";

/** The key and its answer of RFC 6455 §1.3. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

const HANDSHAKE: Fields = {
  host: "example.com",
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": KEY,
};

/** The field lines of a handshake, some replaced or, if undefined, left out. */
export function handshakeFields(fields: Fields = {}): FieldLines {
  return Object.entries({ ...HANDSHAKE, ...fields }).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((one) => [name, one]),
  );
}

/** Asks for a socket at `target`, on a connection that can be handed over. */
export function shake(
  app: Application,
  target: string,
  fields: Fields = {},
  given: FakeRequest & { readonly method?: string } = {},
): Promise<FakeAnswer> {
  const { method = "GET", ...rest } = given;
  return ask(app.dispatch, method, target, { upgrade: true, ...rest, fields: handshakeFields(fields) });
}

/** A handshake's bytes. */
export function handshakeBytes(target: string, fields: Fields = {}): string {
  const lines = handshakeFields(fields);
  let head = `GET ${target} HTTP/1.1\r\n`;
  for (let at = 0; at < lines.length; at += 2) head += `${lines[at]}: ${lines[at + 1]}\r\n`;
  return `${head}\r\n`;
}
