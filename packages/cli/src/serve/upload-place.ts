/** A place for uploads, and the page to drop them on, as an application to be mounted. */
import { type Application, type UploadsOptions, uploads } from "sluice/server";
import { dropPage } from "./drop-page/drop-page.js";

/** Answer fields that pages of other origins have to read. */
export const UPLOAD_FIELDS: readonly string[] = [
  ...["Location", "Upload-Offset", "Upload-Length", "Upload-Expires", "Upload-Metadata"],
  ...["Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size"],
];

/** Files end up in `directory`. Whoever gets here can fill it, up to the limits. */
export function uploadPlace(directory: string, options: Omit<UploadsOptions, "directory"> = {}): Application {
  const place = uploads({ directory, ...options });
  place.get("/", () => dropPage());
  return place;
}
