/** Forms as clients send them, and an application that receives them. */
import { Body } from "../../src/body/body.js";
import { Application } from "../../src/server/application.js";
import type { ApplicationOptions } from "../../src/server/options.js";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import { type FakeAnswer, FakeExchange, readAnswer } from "./fake-exchange.js";

export interface EncodedForm {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** As the platform's own client writes it. */
export async function encode(form: FormData): Promise<EncodedForm> {
  const response = new Response(form);
  return { type: response.headers.get("content-type") ?? "", bytes: new Uint8Array(await response.arrayBuffer()) };
}

/** Parts written by hand; a string is a whole part, header and content. */
export function parts(...given: string[]): EncodedForm {
  const text = given.map((part) => `--b\r\n${part}\r\n`).join("");
  return { type: "multipart/form-data; boundary=b", bytes: Buffer.from(`${text}--b--\r\n`) };
}

export const field = (name: string, value: string): string =>
  `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;

export const file = (name: string, filename: string, content: string, type = "text/plain"): string =>
  `Content-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n${content}`;

/** A body that comes in pieces of `size` bytes, one in a turn of the loop. */
export function arriving(bytes: Uint8Array, size: number, end: Error | undefined = undefined): Body {
  const body = new Body({ pause() {}, resume() {}, cancel() {} });
  const feed = async () => {
    for (let at = 0; at < bytes.length; at += size) {
      await new Promise((resolve) => setImmediate(resolve));
      body.push(bytes.subarray(at, at + size), true);
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (end === undefined) body.finish([]);
    else body.fail(end);
  };
  void feed();
  return body;
}

export interface Received extends FakeAnswer {
  /** What the handler returned, after JSON. */
  readonly read: unknown;
  readonly detail: unknown;
  readonly errors: readonly unknown[];
}

/** Has `read` read a form, and answers with what it made of it. */
export async function receive(
  read: (request: ServerRequest) => unknown,
  { type, bytes }: EncodedForm,
  { body = bytes, ...options }: ApplicationOptions & { body?: Uint8Array | Body } = {},
): Promise<Received> {
  const errors: unknown[] = [];
  const app = new Application({ onError: (error) => errors.push(error), ...options });
  app.post("/", async (request) => ({ read: await read(request) }));
  const reply = await app.dispatch(new FakeExchange("POST", "/", { fields: ["Content-Type", type], body }));
  const answer = await readAnswer(reply);
  const parsed = JSON.parse(answer.text);
  return { ...answer, read: parsed.read, detail: parsed.detail, errors };
}
