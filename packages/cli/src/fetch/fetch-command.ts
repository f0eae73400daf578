/**
 * `sluice fetch`, from its settings to its exit code: what it opens, it closes. The work itself is in `fetch-run.ts`.
 */
import { ClientSession, type RequestOptions, type SessionOptions } from "sluice";
import { type SendableBody, sendableBody } from "../request-body.js";
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
  const options = requestOptions(settings, body);
  const session = new ClientSession(await sessionOptions(settings));
  try {
    const source = await InputSource.open(settings.inputs, () => io.stdin);
    try {
      const run = new FetchRun(settings, io, source);
      return await run.run({ session, options, takeBody });
    } finally {
      source.close();
    }
  } finally {
    await session.close();
  }
}

async function sessionOptions(settings: FetchSettings): Promise<SessionOptions> {
  const { concurrency, perHost, timeout, retries, maxSize, rate, delay } = settings;
  const throttled = rate !== undefined || delay[1] > 0;
  const { requests, per } = rate ?? { requests: Number.POSITIVE_INFINITY, per: 1_000 };
  return {
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

/** Undefined for plain requests, which cost the session less. */
function requestOptions(settings: FetchSettings, body: SendableBody | undefined): RequestOptions | undefined {
  const headers = settings.headers.map(([name, value]): [string, string] => [name, value]);
  const has = (wanted: string): boolean => headers.some(([name]) => name.toLowerCase() === wanted);
  const { userAgent } = settings;
  if (userAgent !== undefined && !has("user-agent")) headers.push(["user-agent", userAgent]);
  if (body?.contentType !== undefined && !has("content-type")) headers.push(["content-type", body.contentType]);
  return headers.length === 0 && body === undefined ? undefined : { ...body?.options, headers };
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
