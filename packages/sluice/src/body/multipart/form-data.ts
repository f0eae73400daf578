/** The parts of a form as the platform's `FormData` (Fetch Standard, §5.3 "multipart/form-data parsing"). */

import { PayloadError } from "../../errors.js";
import type { MultipartPart } from "./multipart-part.js";

/**
 * Takes in all parts. Those with a filename become a `File`, of type `text/plain` if they name none; the others text in UTF-8. Throws
 * `PayloadError` `multipart/no-name` for a part without a name.
 */
export async function collectFormData(parts: AsyncIterable<MultipartPart>): Promise<FormData> {
  const form = new FormData();
  for await (const part of parts) {
    const { name, filename } = part;
    if (name === undefined) {
      throw new PayloadError("multipart/no-name", "Cannot read the form: a part of it has no name");
    }
    if (filename === undefined) form.append(name, await part.text({ encoding: "utf-8" }));
    else form.append(name, new File([await part.bytes()], filename, { type: part.type ?? "text/plain" }));
  }
  return form;
}
