/**
 * `sluice fetch`, from its settings to its exit code: what it opens, it closes. The work itself is in `fetch-run.ts`.
 */
import { ClientSession, type SessionOptions } from "sluice";
import { sendableBody } from "../request-body.js";
import type { Io } from "../terminal/io.js";
import { trustOptions } from "../trust.js";
import { FetchRun } from "./fetch-run.js";
import { fileNameFor } from "./file-names.js";
import { FileStore } from "./file-store.js";
import { InputSource } from "./input-source.js";
import type { TakeBody } from "./job.js";
import type { FetchSettings } from "./settings.js";

/** Runs it, and resolves to the exit code. Throws for what makes the run as a whole impossible. */
export async function runFetch(settings: FetchSettings, io: Io): Promise<number> {
  const body = settings.body === undefined ? undefined : await sendableBody(settings.body, undefined);
  const takeBody = await bodyTaker(settings);
  const session = new ClientSession(await sessionOptions(settings, body?.contentType));
  try {
    const source = await InputSource.open(settings.inputs, () => io.stdin);
    try {
      const run = new FetchRun(settings, io, source);
      return await run.run({ session, options: body?.options, takeBody });
    } finally {
      source.close();
    }
  } finally {
    await session.close();
  }
}

/** What requests have in common is the session's, so that it is checked and written once. */
async function sessionOptions(settings: FetchSettings, contentType: string | undefined): Promise<SessionOptions> {
  const { concurrency, perHost, timeout, retries, maxSize, rate, delay } = settings;
  const throttled = rate !== undefined || delay[1] > 0;
  const { requests, per } = rate ?? { requests: Number.POSITIVE_INFINITY, per: 1_000 };
  return {
    headers: headersOf(settings, contentType),
    // Requests that run side by side have no common story that cookies could tell.
    cookies: false,
    connector: { limit: concurrency, limitPerHost: perHost, tls: await trustOptions(settings) },
    // `attempt` does not run while a request is held back; with it, the phases of a try need no limits of their own.
    timeout: {
      attempt: timeout,
      connect: Math.min(settings.connectTimeout, timeout),
      headers: Number.POSITIVE_INFINITY,
      read: Number.POSITIVE_INFINITY,
      write: Number.POSITIVE_INFINITY,
    },
    retry: { attempts: retries + 1 },
    ...(throttled ? { throttle: { requests, per, scope: "global", jitter: delay } } : {}),
    redirect: settings.followRedirects ? "follow" : "manual",
    maxResponseSize: maxSize,
    showQuery: settings.showQuery,
  };
}

function headersOf({ headers, userAgent }: FetchSettings, contentType: string | undefined): [string, string][] {
  const all = headers.map(([name, value]): [string, string] => [name, value]);
  const has = (wanted: string): boolean => headers.some(([name]) => name.toLowerCase() === wanted);
  if (userAgent !== undefined && !has("user-agent")) all.push(["user-agent", userAgent]);
  if (contentType !== undefined && !has("content-type")) all.push(["content-type", contentType]);
  return all;
}

/** Every body is read to its end: it is saved, kept for the report, or only counted. */
async function bodyTaker({ save, includeBody }: FetchSettings): Promise<TakeBody> {
  if (save !== undefined) {
    const store = await FileStore.open(save.directory, save);
    return async (response, input, pieces) => {
      if (response.ok) return { file: await store.save(fileNameFor(input.url, response.contentType), pieces) };
      return drain(pieces);
    };
  }
  return includeBody ? collect : (_response, _input, pieces) => drain(pieces);
}

const collect: TakeBody = async (_response, _input, pieces) => {
  const collected: Uint8Array[] = [];
  for await (const piece of pieces) collected.push(piece);
  return { body: Buffer.concat(collected) };
};

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<Record<string, never>> {
  const iterator = pieces[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
  return {};
}
