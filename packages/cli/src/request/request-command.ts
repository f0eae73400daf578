/**
 * `sluice get` and its siblings: one request, and its answer on standard output. On a terminal for people: head, laid out and coloured
 * body. Anywhere else the body's bytes and nothing more.
 */
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type ClientResponse,
  ClientSession,
  type ConnectorOptions,
  type RequestOptions,
  type TimeoutOptions,
} from "sluice";
import { EXIT_FAILED, EXIT_OK } from "../exit-codes.js";
import { withJar } from "../sending/cookie-file.js";
import { sendableBody } from "../sending/request-body.js";
import { sessionOptions } from "../sending/session-options.js";
import { fileProblem } from "../terminal/file-problem.js";
import type { Io } from "../terminal/io.js";
import { showBytes } from "../terminal/quantities.js";
import { safeLine } from "../terminal/safe-text.js";
import { untilStopped } from "../terminal/until-stopped.js";
import { UsageProblem } from "../usage-problem.js";
import { showBody, writeRaw } from "./print-body.js";
import { headText, requestText, timingsText } from "./print-head.js";
import type { SingleRequestSettings } from "./settings.js";

/** Makes the request, and resolves to the exit code. Throws for whatever brings no answer. */
export async function runRequest(settings: SingleRequestSettings, io: Io): Promise<number> {
  return await untilStopped(io, (signal) => request(settings, io, signal));
}

async function request(settings: SingleRequestSettings, io: Io, signal: AbortSignal): Promise<number> {
  const { sending } = settings;
  const options = await requestOptions(settings, io);
  if (settings.outputFile !== undefined) await checkPlace(settings.outputFile);
  return await withJar(sending.cookieFile, io, async (jar) => {
    const session = new ClientSession({
      ...(await sessionOptions(sending, io, { connector: connectorOf(settings) })),
      timeout: timeoutOf(settings),
      signal,
      ...(jar === undefined ? {} : { cookies: jar }),
    });
    try {
      return await exchange(session, settings, options, io);
    } finally {
      await session.close();
    }
  });
}

async function exchange(
  session: ClientSession,
  settings: SingleRequestSettings,
  options: RequestOptions,
  io: Io,
): Promise<number> {
  const { method, url, verbose, outputFile, failOnError } = settings;
  const response = await session.request(method, url, options);
  const showsHead = wantsHead(settings, io);
  if (verbose) io.stderr.say(requestText(response, io.stderr.colours, showsHead));
  const failed = failOnError && response.status >= 400;
  if (showsHead) await io.stdout.write(headText(response, io.stdout.colours));
  const shown =
    outputFile === undefined || failed ? await writeBody(response, io) : await save(response, outputFile, io);
  if (verbose) io.stderr.say(timingsText(response.timings, remoteOf(response), io.stderr.colours));
  return failed || !shown ? EXIT_FAILED : EXIT_OK;
}

async function requestOptions({ body, params, sending }: SingleRequestSettings, io: Io): Promise<RequestOptions> {
  const { headers, cookies } = sending;
  const sendable = body === undefined ? undefined : await sendableBody(body, () => io.stdin);
  const fields = [...headers];
  const hasType = headers.some(([name]) => name.toLowerCase() === "content-type");
  if (sendable?.contentType !== undefined && !hasType) fields.push(["content-type", sendable.contentType]);
  return {
    ...sendable?.options,
    headers: fields,
    ...(params.length === 0 ? {} : { params }),
    ...(cookies.length === 0 ? {} : { cookies: Object.fromEntries(cookies) }),
  };
}

function connectorOf({ unixSocket }: SingleRequestSettings): ConnectorOptions {
  return unixSocket === undefined ? {} : { unixSocket };
}

/** Where the whole has a limit, its phases need none of their own. */
function timeoutOf({ timeout, sending }: SingleRequestSettings): TimeoutOptions {
  const forever = Number.POSITIVE_INFINITY;
  const phases = timeout < forever ? { headers: forever, read: forever, write: forever } : {};
  return { total: timeout, connect: Math.min(sending.connectTimeout, timeout), ...phases };
}

/** An answer to HEAD has nothing else to show. */
function wantsHead({ includeHead, method }: SingleRequestSettings, { stdout }: Io): boolean {
  return includeHead || stdout.isTerminal || method === "HEAD";
}

/** Resolves to false where the body is not fit to be shown. */
async function writeBody(response: ClientResponse, { stdout, stderr }: Io): Promise<boolean> {
  const { body, contentType, charset } = response;
  if (!stdout.isTerminal) {
    await writeRaw(body, stdout);
    return true;
  }
  if (await showBody(body, { contentType, charset }, stdout)) return true;
  const length = response.headers.get("content-length");
  const what = [contentType ?? "no content type", ...(length === null ? [] : [showBytes(Number(length))])].join(", ");
  stderr.say(`The body is not text (${safeLine(what)}): save it with -o FILE, or send it through a pipe\n`);
  return false;
}

/** Throws `UsageProblem` where no file can be, before anything is asked for. */
async function checkPlace(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new UsageProblem(`Cannot save to ${path}: it is a directory`);
  if (found !== undefined) return;
  const folder = dirname(path);
  try {
    if ((await stat(folder)).isDirectory()) return;
  } catch (error) {
    throw fileProblem("save into", folder, error);
  }
  throw new UsageProblem(`Cannot save to ${path}: ${folder} is no folder`);
}

async function save(response: ClientResponse, path: string, { stderr }: Io): Promise<boolean> {
  const bytes = await response.save(path);
  if (stderr.isTerminal) stderr.say(`Saved ${showBytes(bytes)} to ${path}\n`);
  return true;
}

function remoteOf({ remoteAddress, remotePort }: ClientResponse): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return remoteAddress.includes(":") ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
