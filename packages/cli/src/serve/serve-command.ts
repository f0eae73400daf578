/** `sluice serve`: serves a folder until a signal comes, then lets running requests end. */
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import type { Server } from "sluice/server";
import { fileProblem } from "../terminal/file-problem.js";
import type { Io } from "../terminal/io.js";
import { safeLine } from "../terminal/safe-text.js";
import { serveUntilSignal } from "../terminal/serve-until-signal.js";
import { UsageProblem } from "../usage-problem.js";
import { isLoopback, networkAddresses, urlAt } from "./addresses.js";
import { answerLog } from "./answer-lines.js";
import { type Identity, identityFrom } from "./identity.js";
import { makeApplication } from "./make-application.js";
import type { ServeSettings } from "./settings.js";

/** Milliseconds that running requests have after the first signal. */
const GRACE_MS = 5_000;

/** Says where it is, and a line for each answer. Resolves to the exit code when all is closed. Throws `UsageProblem` and `UsageError`. */
export async function runServe(settings: ServeSettings, io: Io): Promise<number> {
  const folder = await existingFolder(settings.folder);
  if (settings.fallback !== undefined) await checkFallback(folder, settings.fallback);
  const { host, port, identity: source, quiet, json } = settings;
  const addresses = networkAddresses(host);
  const identity = source === undefined ? undefined : await identityFrom(source, namedIn(host, addresses));
  const onError = (error: unknown): void => io.stderr.say(`sluice: ${safeLine(String(error))}\n`);
  const accessLog = quiet ? {} : { accessLog: answerLog(io.stderr, json) };
  // An upload may take as long as it likes, so long as it gets on.
  const patience = settings.uploads === undefined ? {} : { receiveTimeout: Number.POSITIVE_INFINITY };
  const app = makeApplication({ ...settings, folder }, { onError, ...accessLog, ...patience });
  const tls = identity === undefined ? {} : { tls: { cert: identity.cert, key: identity.key } };
  const server = await app.listen({ host, port, ...tls });
  return serveUntilSignal(server, io, {
    graceMs: GRACE_MS,
    onListening: () => sayWhere(server, { ...settings, folder }, { identity, addresses }, io),
  });
}

/** On a terminal all there is to know; elsewhere the URL, for a program to read. */
function sayWhere(
  server: Server,
  { folder, uploads, host, identity: source, user }: ServeSettings,
  { identity, addresses }: { readonly identity: Identity | undefined; readonly addresses: readonly string[] },
  { stdout, stderr }: Io,
): void {
  const { colours, isTerminal } = stdout;
  if (isTerminal) stdout.say(`Serving ${safeLine(folder)}\n`);
  stdout.say(isTerminal ? `  ${colours("name", server.url)}\n` : `${server.url}\n`);
  if (identity !== undefined && source === "self-signed") {
    stderr.say(`  certificate  ${identity.fingerprint} (SHA-256), for this run, signed by nobody else\n`);
  }
  if (!isTerminal) return;
  if (uploads !== undefined) stdout.say(`  ${colours("name", `${server.url}/uploads/`)}  into ${safeLine(uploads)}\n`);
  if (uploads !== undefined && isWithin(uploads, folder)) {
    stdout.say(colours("notice", "  what is uploaded is served, too: pages with scripts in them, for instance\n"));
  }
  for (const address of addresses) stdout.say(`  ${colours("name", urlAt(server.url, address))}\n`);
  if (isLoopback(host)) stdout.say(colours("faint", "  for this machine alone; --host 0.0.0.0 lets others in\n"));
  else if (user !== undefined && source === undefined) {
    stdout.say(colours("notice", "  the password goes over the network in clear; --tls hides it\n"));
  }
}

/** Links to the contrary are their maker's business. */
function isWithin(path: string, folder: string): boolean {
  const [first] = relative(folder, resolve(path)).split(sep);
  return first !== ".." && !isAbsolute(relative(folder, resolve(path)));
}

function namedIn(host: string, addresses: readonly string[]): readonly string[] {
  return host === "0.0.0.0" || host === "::" ? addresses : [host];
}

async function existingFolder(path: string): Promise<string> {
  try {
    const folder = await realpath(path);
    if ((await stat(folder)).isDirectory()) return folder;
  } catch (error) {
    throw fileProblem("serve", path, error);
  }
  throw new UsageProblem(`Cannot serve ${path}: it is no folder`);
}

/** It would be missed at the first visit to a path that is not there. What else is wrong with it, the application says. */
async function checkFallback(folder: string, name: string): Promise<void> {
  const path = join(folder, name);
  try {
    if ((await stat(path)).isFile()) return;
  } catch (error) {
    throw fileProblem("use --spa with", path, error);
  }
  throw new UsageProblem(`Cannot use --spa with ${path}: it is no file`);
}
