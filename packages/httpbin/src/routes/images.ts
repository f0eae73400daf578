/** A picture in the format that the client's `Accept` prefers, or in the one its path names. */

import { type Application, reply } from "sluice/server";
import { JPEG_IMAGE, PNG_IMAGE, SVG_IMAGE, WEBP_IMAGE } from "../image-files.js";
import { statusReply } from "../status-reply.js";

const IMAGES: ReadonlyMap<string, Uint8Array | string> = new Map<string, Uint8Array | string>([
  ["image/webp", WEBP_IMAGE],
  ["image/svg+xml", SVG_IMAGE],
  ["image/jpeg", JPEG_IMAGE],
  ["image/png", PNG_IMAGE],
]);
/** The first one is for clients that take several alike. */
const OFFERS = ["image/png", "image/webp", "image/svg+xml", "image/jpeg"] as const;
const NOT_ACCEPTABLE = 406;

/** `/image`, `/image/png`, `/image/jpeg`, `/image/svg`, `/image/webp`. */
export function addImageRoutes(app: Application): void {
  app.get("/image", (request) => {
    const type = request.accepts(...OFFERS);
    return type === undefined ? statusReply(NOT_ACCEPTABLE) : imageReply(type);
  });
  app.get("/image/png", () => imageReply("image/png"));
  app.get("/image/jpeg", () => imageReply("image/jpeg"));
  app.get("/image/svg", () => imageReply("image/svg+xml"));
  app.get("/image/webp", () => imageReply("image/webp"));
}

function imageReply(type: string) {
  const image = IMAGES.get(type) ?? PNG_IMAGE;
  return reply.bytes(typeof image === "string" ? Buffer.from(image) : image, { type });
}
