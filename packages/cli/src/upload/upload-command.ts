/** `sluice upload`: sends a file until all of it is there, and says how to go on where it cannot. */
import { basename } from "node:path";
import { ClientSession } from "sluice";
import { type UploadInput, type UploadResult, upload } from "sluice/transfer";
import { EXIT_OK, exitCodeFor, type StopSignal } from "../exit-codes.js";
import { sessionOptions } from "../sending/session-options.js";
import type { Io } from "../terminal/io.js";
import { showBytes } from "../terminal/quantities.js";
import { isStandardInput } from "./define-upload.js";
import type { UploadSettings } from "./settings.js";
import { UploadReport } from "./upload-report.js";

/** Uploads, and resolves to the exit code. Throws for what fails. */
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
    if (stopped === undefined) report.failed(error);
    else report.clear();
    sayHowToGoOn(settings, report, io);
    if (stopped !== undefined) return exitCodeFor(stopped);
    throw error;
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

/** Only where there is something to go on with. */
function sayHowToGoOn(settings: UploadSettings, report: UploadReport, { stderr }: Io): void {
  const confirmed = report.latest?.confirmed ?? 0;
  if (settings.quiet || settings.options.protocol !== "tus" || isStandardInput(settings) || report.latest === undefined)
    return;
  const { total } = report.latest;
  const of = total === undefined ? "" : ` of ${showBytes(total)}`;
  stderr.say(`The server has at least ${showBytes(confirmed)}${of}: the same command goes on there\n`);
}
