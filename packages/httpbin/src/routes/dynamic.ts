/** Answers made up on the spot. */

import { randomUUID } from "node:crypto";
import { type Application, HttpError, reply } from "sluice/server";
import { jsonReply } from "../json-reply.js";
import { countInPath } from "../numbers.js";
import { reportHead } from "../request-report.js";

const MAX_STREAM_LINES = 100;
const MAX_LINKS = 200;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true });

/** `/uuid`, `/base64/:value`, `/stream/:n`, `/links/:n`, `/links/:n/:offset`. */
export function addDynamicRoutes(app: Application): void {
  app.get("/uuid", () => jsonReply({ uuid: randomUUID() }));
  app.get("/base64/:value", ({ params }) => reply.text(decodeBase64(params.value)));
  app.get("/stream/:n", (request) => {
    const count = Math.min(countInPath(request.params.n), MAX_STREAM_LINES);
    return reply.stream(jsonLines(reportHead(request), count), { type: "application/json" });
  });
  app.get("/links/:n", ({ params }) => reply.redirect(`/links/${countInPath(params.n)}/0`));
  app.get("/links/:n/:offset", ({ params }) => {
    const count = Math.min(Math.max(1, countInPath(params.n)), MAX_LINKS);
    return reply.html(linkPage(count, countInPath(params.offset)));
  });
}

/** Both alphabets of RFC 4648, with padding or without. Throws `HttpError` 400. */
function decodeBase64(value: string): string {
  if (!BASE64.test(value)) throw new HttpError(400, "Cannot decode: expected base64, such as aGVsbG8=");
  try {
    return STRICT_UTF8.decode(Buffer.from(value, "base64"));
  } catch (cause) {
    throw new HttpError(400, "Cannot decode: the bytes are not UTF-8", { cause });
  }
}

/** Each line is a chunk of its own. */
async function* jsonLines(report: object, count: number): AsyncGenerator<string, void> {
  for (let id = 0; id < count; id += 1) yield `${JSON.stringify({ ...report, id })}\n`;
}

/** A page with links to its like, the one with this offset excepted. */
function linkPage(count: number, offset: number): string {
  const links = Array.from({ length: count }, (_, index) =>
    index === offset ? `${index} ` : `<a href='/links/${count}/${index}'>${index}</a> `,
  );
  return `<html><head><title>Links</title></head><body>${links.join("")}</body></html>`;
}
