/**
 * Serves what a program exports as its default, if that is an application, ours or any fetch-style one, and nothing listens yet: a
 * program that listens by itself, on whatever server, knows better.
 */
import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import {
  type Application,
  type FetchApplication,
  isSluiceError,
  type Server,
  serve as serveFetch,
} from "sluice/server";
import type { Instructions } from "./instructions.js";
import { tell } from "./report.js";

const USUAL_PORT = 3_000;
const MOST_PORT = 65_535;
/** What Node calls the listening ends of TCP and of Unix sockets. */
const LISTENING: ReadonlySet<string> = new Set(["TCPServerWrap", "PipeServerWrap"]);
/** Turns of the event loop in which a server that is about to listen gets there. */
const PATIENCE_TURNS = 3;

/** Listens with an application. */
type Listen = (options: { readonly port: number; readonly host: string }) => Promise<Server>;

/** Waits for the program to have run, tells so, and serves. Never rejects. */
export async function serveExport(instructions: Instructions): Promise<void> {
  let exported: unknown;
  try {
    exported = await exportOf(instructions.program);
  } catch (error) {
    // Node has the same error from the program itself, shows it and ends.
    const { code } = error as NodeJS.ErrnoException;
    tell({ kind: "failed", code: typeof code === "string" ? code : undefined });
    return;
  }
  tell({ kind: "loaded" });
  const listen = listenerOf(exported);
  if (listen === undefined) return;
  for (let turn = 0; turn < PATIENCE_TURNS; turn += 1) await nextTurn();
  if (isListening(exported)) return;
  await serve(listen, instructions).catch(endWith);
}

async function serve(listen: Listen, instructions: Instructions): Promise<void> {
  const { host, graceMs } = instructions;
  const server = await listen({ port: portFor(instructions), host });
  endGracefully(server, graceMs);
  tell({ kind: "listening", url: server.url });
}

/** The default export of the main module, which Node loads once, whoever asks for it. */
async function exportOf(program: string): Promise<unknown> {
  const required = createRequire(import.meta.url).cache[program];
  const exported: unknown = required === undefined ? await import(pathToFileURL(program).href) : required.exports;
  return defaultOf(defaultOf(exported));
}

/** Compiled to CommonJS, the default export is one level further down. */
function defaultOf(exported: unknown): unknown {
  return typeof exported === "object" && exported !== null && "default" in exported ? exported.default : exported;
}

/** How to listen with what is exported; undefined for what is no application. */
function listenerOf(exported: unknown): Listen | undefined {
  if (typeof exported !== "object" || exported === null) return undefined;
  if (isApplication(exported)) return (options) => exported.listen(options);
  return isFetchApplication(exported) ? (options) => serveFetch(exported, options) : undefined;
}

function isApplication(exported: object): exported is Application {
  const { listen, dispatch } = exported as Partial<Record<keyof Application, unknown>>;
  return typeof listen === "function" && typeof dispatch === "function";
}

function isFetchApplication(exported: object): exported is FetchApplication {
  return typeof (exported as Partial<FetchApplication>).fetch === "function";
}

function isListening(exported: unknown): boolean {
  const listensItself = isApplication(Object(exported)) && (exported as Application).listening;
  return listensItself || process.getActiveResourcesInfo().some((resource) => LISTENING.has(resource));
}

function portFor({ port }: Instructions): number {
  if (port !== undefined) return port;
  const text = process.env["PORT"] ?? "";
  return /^\d{1,5}$/.test(text) && Number(text) <= MOST_PORT ? Number(text) : USUAL_PORT;
}

/** What a signal does to a program that has no server of its own to close. */
function endGracefully(server: Server, graceMs: number): void {
  let asked = false;
  const end = (): void => {
    const grace = asked ? 0 : graceMs;
    asked = true;
    server.close({ grace }).then(() => process.exit(), endWith);
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
}

function endWith(error: unknown): void {
  // What is in the way of listening is for whoever started this; anything else for whoever wrote it.
  const isPlain = isSluiceError(error) && error.code.startsWith("listen/");
  console.error(isPlain ? error.message : error);
  process.exit(1);
}
