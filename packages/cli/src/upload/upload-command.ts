/** `sluice upload`: sends a file until all of it is there, and says how to go on where it cannot. */
import { basename } from "node:path";
import { ClientSession, ResponseError } from "sluice";
import { type UploadInput, type UploadResult, upload } from "sluice/transfer";
import { EXIT_OK, exitCodeFor, type StopSignal } from "../exit-codes.js";
import { sessionOptions } from "../sending/session-options.js";
import { explain } from "../terminal/explain.js";
import type { Io } from "../terminal/io.js";
import { isStandardInput } from "./define-upload.js";
import type { UploadSettings } from "./settings.js";
import { UploadReport } from "./upload-report.js";

/** What an address answers that takes no new uploads. */
const NO_PLACE: ReadonlySet<number> = new Set([404, 405, 501]);
/** After these the next run begins anew. */
const LOST: ReadonlySet<string> = new Set(["upload/changed", "upload/lost", "upload/not-repeatable"]);

/** Uploads, and resolves to the exit code. What fails is told. */
export async function runUpload(settings: UploadSettings, io: Io): Promise<number> {
  const controller = new AbortController();
  let stopped: StopSignal | undefined;
  const forget = io.onStopSignal((signal) => {
    if (stopped !== undefined) io.exit(exitCodeFor(signal));
    stopped = signal;
    controller.abort();
  });
  const report = new UploadReport(io, isStandardInput(settings) ? "standard input" : basename(settings.file), settings);
  try {
    report.done(await run(settings, io, report, controller.signal));
    return EXIT_OK;
  } catch (error) {
    report.failed(stopped === undefined ? error : undefined);
    if (stopped !== undefined) {
      io.stderr.say(`Stopped.${howToGoOn(settings, report)}\n`);
      return exitCodeFor(stopped);
    }
    const { message, code, exitCode } = explain(error);
    io.stderr.say(`sluice: ${message}\n`);
    const hint = report.begun ? (LOST.has(code) ? "" : howToGoOn(settings, report)) : whereTo(settings, error);
    if (hint !== "" && !settings.quiet) io.stderr.say(`${hint.trim()}\n`);
    return exitCode;
  } finally {
    forget();
  }
}

async function run(settings: UploadSettings, io: Io, report: UploadReport, signal: AbortSignal): Promise<UploadResult> {
  const { sending, url, options } = settings;
  const connector = { connector: {}, beforeLine: () => report.clear() };
  const session = new ClientSession({
    ...(await sessionOptions(sending, io, connector)),
    timeout: { connect: sending.connectTimeout },
    cookies: false,
  });
  try {
    const source: UploadInput = isStandardInput(settings) ? io.stdin : settings.file;
    return await upload(session, url, source, {
      ...options,
      signal,
      onProgress: report.progress,
      onEvent: report.event,
    });
  } finally {
    await session.close();
  }
}

/** Uploads by tus are created at an address of their own, which is not that of the page. */
function whereTo({ options }: UploadSettings, error: unknown): string {
  if (options.protocol !== "tus" || !(error instanceof ResponseError) || !NO_PLACE.has(error.status)) return "";
  return "No uploads are created there: sluice serve --uploads does it at /uploads/, and --protocol put or post needs no tus";
}

/** Only where there is something to go on with: standard input has gone by. */
function howToGoOn(settings: UploadSettings, { begun }: UploadReport): string {
  if (settings.options.protocol !== "tus" || isStandardInput(settings) || !begun) return "";
  const same = settings.options.fresh === true ? "the same command without --fresh" : "the same command";
  return ` What the server has is kept: ${same} goes on with it.`;
}
