/** `sluice download`, from its settings to its exit code: what it opens, it closes. */
import { mkdir } from "node:fs/promises";
import { ClientSession } from "sluice";
import { countInputs, InputSource } from "../fetch/input-source.js";
import { withJar } from "../sending/cookie-file.js";
import { sessionOptions } from "../sending/session-options.js";
import { fileProblem } from "../terminal/file-problem.js";
import type { Io } from "../terminal/io.js";
import { DownloadRuns } from "./download-runs.js";
import type { DownloadSettings } from "./settings.js";

/** Runs it, and resolves to the exit code. Throws for what makes the run as a whole impossible. */
export async function runDownload(settings: DownloadSettings, io: Io): Promise<number> {
  const { sending, inputs } = settings;
  const target = await targetOf(settings);
  return await withJar(sending.cookieFile, io, async (jar) => {
    const source = await InputSource.open(inputs, () => io.stdin);
    const runs = new DownloadRuns(settings, io, target, await countInputs(inputs));
    const session = new ClientSession({
      ...(await sessionOptions(sending, io, { connector: {}, beforeLine: () => runs.makeRoom() })),
      timeout: { connect: sending.connectTimeout },
      cookies: jar ?? false,
    });
    try {
      return await runs.run(session, source);
    } finally {
      source.close();
      await session.close();
    }
  });
}

/** The folder for several is made if it is not there. */
async function targetOf({ output = ".", intoFolder }: DownloadSettings): Promise<string> {
  if (!intoFolder) return output;
  try {
    await mkdir(output, { recursive: true });
  } catch (error) {
    throw fileProblem("make", output, error);
  }
  return output.endsWith("/") ? output : `${output}/`;
}
