/** The answer with the file at a path that the application names. Nothing is kept between two of them. */

import { systemClock } from "../../concurrency/clock.js";
import { Folder, findPlace, type Place } from "../../platform/folder.js";
import { HttpError } from "../http-error.js";
import type { Reply } from "../reply.js";
import { type Asked, answerStaticFile } from "./file-answer.js";
import { asFileFault, unsteadyFile } from "./file-faults.js";
import { makeStaticFile } from "./static-maker.js";
import type { ResolvedStaticOptions } from "./static-options.js";
import { readNames } from "./static-path.js";

/** How the file is sent. */
export interface PathAnswerOptions extends ResolvedStaticOptions {
  /** All of it is sent, whatever the request asks: conditions and ranges are for answers that succeed (RFC 9110 §13.2.1). */
  readonly whole: boolean;
}

/** How often a file that changes while it is opened is looked at anew. */
const MOST_LOOKS = 5;
const nowMs = (): number => systemClock.wallTime();

/**
 * Answers with the file at `path`, below `root` where there is one. Rejects with `HttpError`: 404 for what is no regular file or out
 * of reach, 403, 412, 416 and 503.
 */
export async function answerPath(
  asked: Asked,
  path: string,
  root: string | undefined,
  options: PathAnswerOptions,
): Promise<Reply> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const seen = options.whole ? { method: asked.method, fields: [] } : asked;
  try {
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const place = root === undefined ? await findPlace(path) : await findBelow(root, path, options);
      if (place?.kind !== "file")
        throw new HttpError(404, "There is nothing at this path", { code: "static/not-found" });
      const role = { place, name, standsIn: undefined, rest: "" };
      const file = await makeStaticFile(role, options, nowMs(), undefined);
      const reply = file === undefined ? undefined : await answerStaticFile(seen, file, nowMs);
      if (reply !== undefined) return reply;
    }
  } catch (error) {
    throw asFileFault(error);
  }
  throw unsteadyFile();
}

async function findBelow(root: string, path: string, options: ResolvedStaticOptions): Promise<Place | undefined> {
  const names = readNames(path, { dotfiles: options.dotfiles, windows: process.platform === "win32" });
  return names === undefined ? undefined : new Folder(root, options.links).find(names);
}
