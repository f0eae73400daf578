/**
 * `sluice fetch`, from its settings to its exit code: what it opens, it closes. The work itself is in `fetch-run.ts`.
 */
import {
  ClientSession,
  type ConnectorOptions,
  type RequestOptions,
  type SessionOptions,
  type ThrottleOptions,
} from "sluice";
import { withJar } from "../sending/cookie-file.js";
import { type SendableBody, sendableBody } from "../sending/request-body.js";
import { sessionOptions } from "../sending/session-options.js";
import type { Io } from "../terminal/io.js";
import { FetchRun, type RunTools } from "./fetch-run.js";
import { fileNameFor } from "./file-names.js";
import { FileStore } from "./file-store.js";
import { InputSource } from "./input-source.js";
import type { TakeBody } from "./job.js";
import { ResultFile, type ResultPlace } from "./results/result-file.js";
import type { FetchSettings, PaceSettings } from "./settings.js";
import { Tally } from "./tally.js";

/** Runs it, and resolves to the exit code. Throws for what makes the run as a whole impossible. */
export async function runFetch(settings: FetchSettings, io: Io): Promise<number> {
  const body = settings.body === undefined ? undefined : await sendableBody(settings.body, undefined);
  const takeBody = await bodyTaker(settings);
  const { results: place, sending } = settings;
  return await withJar(sending.cookieFile, io, async (jar) => {
    return await withResults(place, async (results) => {
      const tools = await openTools(settings, io, results);
      const run = new FetchRun(settings, io, tools);
      const session = new ClientSession({
        ...(await sessionOptions(sending, io, { connector: connectorOf(settings), beforeLine: () => run.makeRoom() })),
        ...ownOptions(settings, body?.contentType),
        // Without a file, requests that run side by side have no common story that cookies could tell.
        cookies: jar ?? false,
      });
      try {
        return await run.run({ session, options: requestOptions(settings, body), takeBody, results });
      } finally {
        tools.source.close();
        await session.close();
      }
    });
  });
}

async function openTools(settings: FetchSettings, io: Io, results: ResultFile | undefined): Promise<RunTools> {
  const tally = new Tally();
  const isDone = (url: string): boolean => {
    const done = results?.takeDone(url) === true;
    if (done) tally.doneBefore += 1;
    return done;
  };
  return { tally, source: await InputSource.open(settings.inputs, () => io.stdin, isDone) };
}

async function withResults(
  place: ResultPlace | undefined,
  work: (results: ResultFile | undefined) => Promise<number>,
): Promise<number> {
  if (place === undefined) return work(undefined);
  const results = await ResultFile.open(place);
  try {
    const code = await work(results);
    await results.close();
    return code;
  } catch (error) {
    // What ended the run comes first.
    await results.close().catch(() => undefined);
    throw error;
  }
}

/** Undefined where requests have nothing of their own. */
function requestOptions({ sending }: FetchSettings, body: SendableBody | undefined): RequestOptions | undefined {
  const { cookies } = sending;
  if (cookies.length === 0) return body?.options;
  return { ...body?.options, cookies: Object.fromEntries(cookies) };
}

function connectorOf({ concurrency, perHost }: FetchSettings): ConnectorOptions {
  return { limit: concurrency, limitPerHost: perHost };
}

/** What requests have in common is the session's, so that it is checked and written once. */
function ownOptions(settings: FetchSettings, contentType: string | undefined): SessionOptions {
  const { timeout, maxSize, sending } = settings;
  const throttle = throttleOf(settings.pace);
  return {
    headers: headersOf(settings, contentType),
    // `attempt` does not run while a request is held back; with it, the phases of a try need no limits of their own.
    timeout: {
      attempt: timeout,
      connect: Math.min(sending.connectTimeout, timeout),
      headers: Number.POSITIVE_INFINITY,
      read: Number.POSITIVE_INFINITY,
      write: Number.POSITIVE_INFINITY,
    },
    ...(throttle === undefined ? {} : { throttle }),
    maxResponseSize: maxSize,
  };
}

function throttleOf({ rate, perHost, adaptive, delay }: PaceSettings): ThrottleOptions | undefined {
  if (rate === undefined && !adaptive && delay[1] === 0) return undefined;
  const most = rate ?? (adaptive ? {} : { requests: Number.POSITIVE_INFINITY });
  return { ...most, adaptive, scope: perHost ? "host" : "global", ...(delay[1] === 0 ? {} : { jitter: delay }) };
}

function headersOf({ sending, userAgent }: FetchSettings, contentType: string | undefined): [string, string][] {
  const { headers } = sending;
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
