/** `sluice upload`: sends a file until all of it is there, and says how to go on where it cannot. */
import { basename } from "node:path";
import { ClientSession, ResponseError } from "sluice";
import { type UploadInput, type UploadResult, upload } from "sluice/transfer";
import { EXIT_OK, exitCodeFor, type StopSignal } from "../exit-codes.js";
import { sessionOptions } from "../sending/session-options.js";
import type { Io } from "../terminal/io.js";
import { showBytes } from "../terminal/quantities.js";
import { isStandardInput } from "./define-upload.js";
import type { UploadSettings } from "./settings.js";
import { UploadReport } from "./upload-report.js";

/** What an address answers that takes no new uploads. */
const NO_PLACE: ReadonlySet<number> = new Set([404, 405, 501]);

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
    if (report.latest === undefined) sayWhereTo(settings, error, io);
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

/** Uploads by tus are created at an address of their own, which is not that of the page. */
function sayWhereTo({ quiet, options }: UploadSettings, error: unknown, { stderr }: Io): void {
  if (quiet || options.protocol !== "tus" || !(error instanceof ResponseError) || !NO_PLACE.has(error.status)) return;
  stderr.say(
    "No uploads are created there: sluice serve --uploads does it at /uploads/, and --protocol put or post needs no tus\n",
  );
}

/** Only where there is something to go on with. */
function sayHowToGoOn(settings: UploadSettings, report: UploadReport, { stderr }: Io): void {
  if (settings.quiet || settings.options.protocol !== "tus" || isStandardInput(settings) || report.latest === undefined)
    return;
  const { confirmed, total } = report.latest;
  const of = total === undefined ? "" : ` of ${showBytes(total)}`;
  stderr.say(`The server has at least ${showBytes(confirmed)}${of}: the same command goes on there\n`);
}
