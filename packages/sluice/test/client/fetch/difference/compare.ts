/** Runs one case through one `fetch`, says what came of it in plain values, and finds where two such outcomes differ. */
import type { FetchCase, Origins, Reading } from "./cases.js";
import type { Received } from "./raw-origin.js";

/** Everything that can be seen of a call, from both ends. */
export interface Outcome {
  readonly received: readonly Received[];
  readonly rejected: unknown;
  readonly response: unknown;
}

/** One place where two outcomes differ. */
export interface Difference {
  readonly path: string;
  readonly native: unknown;
  readonly ours: unknown;
}

/** What both ends see of one call. `received` is filled by the origins while it runs; after `patienceMs` it will not end any more. */
export async function outcomeOf(
  fetch: typeof globalThis.fetch,
  one: FetchCase,
  { origins, received, patienceMs }: { origins: Origins; received: readonly Received[]; patienceMs: number },
): Promise<Outcome> {
  try {
    const [input, init] = one.arguments(origins);
    const answered = fetch(input as string, init as RequestInit);
    const response = await inTime(
      answered.then((answer) => described(answer, one.read)),
      patienceMs,
    );
    return { response, rejected: undefined, received: received.map(normal) };
  } catch (error) {
    return { response: undefined, rejected: shown(error), received: received.map(normal) };
  }
}

/** What waits for ever shows as an outcome of its own. */
async function inTime<T>(work: Promise<T>, patienceMs: number): Promise<T | "waits for ever"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"waits for ever">((resolve) => {
    timer = setTimeout(resolve, patienceMs, "waits for ever");
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function described(response: Response, reading: Reading): Promise<unknown> {
  const { status, statusText, ok, redirected, type, url, bodyUsed } = response;
  const head = { status, statusText, ok, redirected, type, url, bodyUsed, is: response instanceof Response };
  const headers = [...response.headers];
  const cookies = response.headers.getSetCookie();
  const content = await contentOf(response, reading).catch((error: unknown) => ({ failed: shown(error) }));
  const after = { used: response.bodyUsed, again: await response.text().catch((error: unknown) => shown(error)) };
  const isNull = response.body === null;
  return { ...head, headers, cookies, content, after, isNull, tag: String(response) };
}

async function contentOf(response: Response, reading: Reading): Promise<unknown> {
  switch (reading) {
    case "text":
      return response.text();
    case "json":
      return response.json();
    case "arrayBuffer":
      return Buffer.from(await response.arrayBuffer()).toString("latin1");
    case "blob": {
      const blob = await response.blob();
      return { type: blob.type, text: await blob.text() };
    }
    case "formData":
      return [...(await response.formData())];
    case "stream": {
      const pieces: Uint8Array[] = [];
      for await (const piece of response.body ?? []) pieces.push(piece);
      return Buffer.concat(pieces).toString("latin1");
    }
    case "clone": {
      const copy = response.clone();
      return { copy: await copy.text(), used: [response.bodyUsed, copy.bodyUsed], url: copy.url };
    }
    case "none":
      return undefined;
  }
}

/** Set FETCH_MESSAGES to see what was said. */
const WITH_MESSAGES = process.env["FETCH_MESSAGES"] !== undefined;

/** Messages are each library's own; the class, and whether there is a cause, are the standard's. */
function shown(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const network = error.message === "fetch failed" || error.message === "terminated" ? error.message : "other";
  return WITH_MESSAGES
    ? { name: error.name, network, error: `${error.message} < ${error.cause}` }
    : { name: error.name, network };
}

/** Multipart boundaries are random. */
function normal(received: Received): Received {
  const { headers } = received;
  const named = /boundary=([\w-]+)/.exec(headers["content-type"] ?? "")?.[1];
  const boundary = named ?? /^--(-{2,}[\w-]+)\r\n/.exec(received.body)?.[1];
  if (boundary === undefined) return received;
  const type = headers["content-type"]?.replaceAll(boundary, "BOUNDARY") ?? "";
  const body = received.body.replaceAll(boundary, "BOUNDARY");
  return { ...received, body, headers: { ...headers, "content-type": type, "content-length": String(body.length) } };
}

/** Every leaf in which they differ. */
export function differences(native: unknown, ours: unknown, path = ""): Difference[] {
  if (Object.is(native, ours)) return [];
  if (typeof native !== "object" || typeof ours !== "object" || native === null || ours === null) {
    return [{ path, native, ours }];
  }
  const names = new Set([...Object.keys(native), ...Object.keys(ours)]);
  return [...names].flatMap((name) => {
    const [left, right] = [native, ours] as unknown as [Record<string, unknown>, Record<string, unknown>];
    return differences(left[name], right[name], path === "" ? name : `${path}.${name}`);
  });
}
