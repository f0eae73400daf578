/**
 * What an unfinished upload leaves for the next run: where the server has it, and of which content it is. One small file for each pair
 * of source and place, named by their digest, for its owner alone: whoever knows an upload's URL can go on with it.
 */

import { sha256 } from "../../platform/digest.js";
import { codeOf, systemFiles } from "../../platform/durable-files.js";
import { stateFolder } from "../../platform/home.js";
import { readTextFile, writePrivateTextFile } from "../../platform/text-file.js";
import type { SourceIdentity } from "./upload-source.js";

/** What is remembered of one upload. */
export interface RememberedUpload {
  /** Where the server has it. */
  readonly url: string;
  /** Of the source; see {@link SourceIdentity}. */
  readonly version: string;
  /** When the server will have forgotten it: milliseconds since the Unix epoch. */
  readonly expiresAt: number | undefined;
}

const MAX_BYTES = 64 * 1024;
const FORMAT = 1;

/** See the head of this file. */
export class UploadMemory {
  readonly #folder: string;
  readonly #path: string;

  /** `endpoint`: where uploads are created. `folder` is made when it is needed. */
  constructor(endpoint: string, { key }: SourceIdentity, folder: string = `${stateFolder()}/sluice/uploads`) {
    this.#folder = folder;
    this.#path = `${folder}/${sha256(`${endpoint}\n${key}`)}.json`;
  }

  /** What an earlier run has left; undefined if there is none, or none that can be read: then there is nothing to go on with. */
  async recall(): Promise<RememberedUpload | undefined> {
    try {
      return parse(JSON.parse(await readTextFile(this.#path, MAX_BYTES)));
    } catch (error) {
      if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async remember(upload: RememberedUpload): Promise<void> {
    await systemFiles.makeFolder(this.#folder, "private");
    await writePrivateTextFile(this.#path, `${JSON.stringify({ format: FORMAT, ...upload })}\n`);
  }

  async forget(): Promise<void> {
    await systemFiles.remove(this.#path);
  }
}

function parse(value: unknown): RememberedUpload | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { format, url, version, expiresAt } = value as Readonly<Record<string, unknown>>;
  if (format !== FORMAT || typeof url !== "string" || typeof version !== "string") return undefined;
  return { url, version, expiresAt: typeof expiresAt === "number" ? expiresAt : undefined };
}
