/** Bodies into files, with what the file system refuses said as our other errors are. */

import type { Body } from "../body/body.js";
import { SluiceError } from "../errors.js";
import { writeFileAtomically } from "../platform/files.js";

/**
 * Writes `body` to a file, which appears under `path` only when it is complete. Resolves to its size in bytes. Throws `SluiceError`
 * `response.not-saved` for what the file system refuses; an error of the body stays as it is.
 */
export async function saveBody(path: string | URL, body: Body): Promise<number> {
  try {
    return await writeFileAtomically(path, body);
  } catch (error) {
    if (error instanceof SluiceError || !(error instanceof Error)) throw error;
    const message = `Cannot save the body to ${String(path)}: ${error.message}`;
    throw new SluiceError("response.not-saved", message, { phase: "response", cause: error });
  }
}
