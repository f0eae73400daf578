/** An echo in each content coding (RFC 9110 §8.4.1), whether or not the client said that it can decode it: that is the exercise. */

import * as zlib from "node:zlib";
import { type Application, type Reply, reply, type ServerRequest } from "sluice/server";
import { jsonText } from "../json-reply.js";
import { originOf, reportHeaders } from "../request-report.js";

type Encode = (bytes: Uint8Array) => Uint8Array;

interface Coding {
  readonly path: string;
  /** As in `Content-Encoding`. */
  readonly name: string;
  /** The member of the echo that is true. */
  readonly flag: string;
  /** Undefined where this Node has no encoder. */
  readonly encode: Encode | undefined;
}

const CODINGS: readonly Coding[] = [
  { path: "/gzip", name: "gzip", flag: "gzipped", encode: zlib.gzipSync },
  { path: "/deflate", name: "deflate", flag: "deflated", encode: zlib.deflateSync },
  { path: "/brotli", name: "br", flag: "brotli", encode: zlib.brotliCompressSync },
  { path: "/zstd", name: "zstd", flag: "zstd", encode: zstdEncoder() },
];

/** `/gzip`, `/deflate`, `/brotli`, `/zstd`. */
export function addCodingRoutes(app: Application): void {
  for (const coding of CODINGS) app.get(coding.path, (request) => replyEncoded(request, coding));
}

function replyEncoded(request: ServerRequest, { name, flag, encode }: Coding): Reply {
  // An answer, not an error: nothing here has failed that anybody should be told of.
  if (encode === undefined) return reply.text(`This Node has no encoder for ${name}\n`, { status: 501 });
  const { method } = request;
  const text = jsonText({ [flag]: true, headers: reportHeaders(request), method, origin: originOf(request) });
  return reply.bytes(encode(Buffer.from(text)), { type: "application/json", headers: { "Content-Encoding": name } });
}

/** Came with Node 22.15. */
function zstdEncoder(): Encode | undefined {
  const encode: unknown = "zstdCompressSync" in zlib ? zlib.zstdCompressSync : undefined;
  return typeof encode === "function" ? (encode as Encode) : undefined;
}
