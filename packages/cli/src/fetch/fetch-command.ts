/**
 * `sluice fetch`: many requests at once, in constant memory. Inputs are read as places become free, each outcome is written as it comes
 * and forgotten; what is kept is counts.
 */
import { ClientSession, mapConcurrent, type SessionOptions } from "sluice";
import { EXIT_FAILED, EXIT_OK, exitCodeFor } from "../exit-codes.js";
import { sendableBody } from "../request-body.js";
import { trustOptions } from "../trust.js";
import type { Io } from "../terminal/io.js";
import { OutputClosed } from "../terminal/output.js";
import { showCount } from "../terminal/quantities.js";
import { fileNameFor } from "./file-names.js";
import { FileStore } from "./file-store.js";
import { countInputs, InputSource } from "./input-source.js";
import { runJob, type TakeBody } from "./job.js";
import { type Input, isFine, type Outcome } from "./outcome.js";
import { Places } from "./places.js";
import { Progress } from "./progress.js";
import { writeRemaining } from "./remaining.js";
import { jsonLine, tableHead, tableRow } from "./reports.js";
import type { FetchSettings } from "./settings.js";
import { Stopping } from "./stopping.js";
import { summaryText } from "./summary.js";
import { Tally } from "./tally.js";

/** With a limit for each host, so many times the concurrency wait for their hosts, so that a sorted list does not run one host at a time. */
const WAITING_FACTOR = 8;

/** Runs it all. Throws for what makes the run as a whole impossible. */
export async function runFetch(settings: FetchSettings, io: Io): Promise<number> {
  const takeBody = await bodyTaker(settings);
  const session = new ClientSession(await sessionOptions(settings));
  try {
    const source = await InputSource.open(settings.inputs, () => io.stdin);
    try {
      const requestOptions =
        settings.body === undefined ? undefined : (await sendableBody(settings.body, undefined)).options;
      const run = new FetchRun(settings, io, source);
      return await run.run({ session, options: requestOptions, takeBody });
    } finally {
      source.close();
    }
  } finally {
    await session.close();
  }
}
