/** A picture in the format that the client's `Accept` prefers, or in the one its path names. */

import { type Application, reply } from "sluice/server";
import { JPEG_IMAGE, PNG_IMAGE, SVG_IMAGE, WEBP_IMAGE } from "../image-files.js";
import { ACCEPTED_IMAGES, statusReply } from "../status-reply.js";

const IMAGES: ReadonlyMap<string, Uint8Array | string> = new Map<string, Uint8Array | string>([
  ["image/webp", WEBP_IMAGE],
  ["image/svg+xml", SVG_IMAGE],
  ["image/jpeg", JPEG_IMAGE],
  ["image/png", PNG_IMAGE],
]);
/** What a client gets that takes all images alike. */
const USUAL_TYPE = "image/png";
const NOT_ACCEPTABLE = 406;
const QUALITY = /^q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/i;

/** `/image`, `/image/png`, `/image/jpeg`, `/image/svg`, `/image/webp`. */
export function addImageRoutes(app: Application): void {
  app.get("/image", ({ headers }) => {
    const type = preferredType(headers.get("accept"));
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

/** The type with the highest quality; undefined if none is acceptable. Ties go to the order of {@link ACCEPTED_IMAGES}. */
function preferredType(accept: string | null): string | undefined {
  const ranges = readRanges(accept ?? "");
  if (ranges.size === 0) return USUAL_TYPE;
  let best: string | undefined;
  let highest = 0;
  for (const type of ACCEPTED_IMAGES) {
    const range = type === "image/*" ? (ranges.get(type) ?? ranges.get("*/*")) : ranges.get(type);
    if (range === undefined || range <= highest) continue;
    highest = range;
    best = type === "image/*" ? USUAL_TYPE : type;
  }
  return best;
}

/** Media ranges with their quality, parameters left aside. */
function readRanges(accept: string): Map<string, number> {
  const ranges = new Map<string, number>();
  for (const member of accept.toLowerCase().split(",")) {
    const [range = "", ...parameters] = member.split(";").map((part) => part.trim());
    if (range === "") continue;
    const quality = parameters.map((one) => QUALITY.exec(one)?.[1]).find((one) => one !== undefined);
    ranges.set(range, Number(quality ?? 1));
  }
  return ranges;
}
