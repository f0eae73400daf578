/**
 * Serves what a program exports as its default, if that is an application and nothing listens yet: a program that listens by itself,
 * on whatever server, knows better.
 */
import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { type Application, isSluiceError, type Server } from "sluice/server";
import type { Instructions } from "./instructions.js";
import { tell } from "./report.js";

const USUAL_PORT = 3_000;
const MOST_PORT = 65_535;
/** What Node calls the listening ends of TCP and of Unix sockets. */
const LISTENING: ReadonlySet<string> = new Set(["TCPServerWrap", "PipeServerWrap"]);
/** Turns of the event loop in which a server that is about to listen gets there. */
const PATIENCE_TURNS = 3;

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
  if (!isApplication(exported)) return;
  for (let turn = 0; turn < PATIENCE_TURNS; turn += 1) await nextTurn();
  if (isListening(exported)) return;
  await serve(exported, instructions).catch(endWith);
}

async function serve(app: Application, instructions: Instructions): Promise<void> {
  const { host, graceMs } = instructions;
  const server = await app.listen({ port: portFor(instructions), host });
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

function isApplication(exported: unknown): exported is Application {
  if (typeof exported !== "object" || exported === null) return false;
  const { listen, dispatch } = exported as Partial<Record<keyof Application, unknown>>;
  return typeof listen === "function" && typeof dispatch === "function";
}

function isListening(app: Application): boolean {
  return app.listening || process.getActiveResourcesInfo().some((resource) => LISTENING.has(resource));
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
