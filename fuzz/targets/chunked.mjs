/** Chunked bodies, behind a head that is always fine. */
import { HTTP1_LIMITS } from "../../packages/sluice/dist/http1/limits.js";
import { RequestReader } from "../../packages/sluice/dist/http1/request-reader.js";
import { compareCuts } from "../lib/feeding.mjs";

const HEAD = Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "latin1");
const BODIES = [
  "0\r\n\r\n",
  "5\r\nhello\r\n0\r\n\r\n",
  "A;name=value\r\n0123456789\r\n00\r\n\r\n",
  '1 ; a = "quoted \\" string" ; b\r\nx\r\n0;last\r\nTrailer: value\r\nOther: 1\r\n\r\n',
  "fF\r\n".concat("y".repeat(255), "\r\n0000000000000000\r\n\r\n"),
  "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
];

export const corpus = BODIES.map((body) => Buffer.from(body, "latin1"));
export const dictionary = [
  "\r\n",
  "\n",
  ";",
  ';a="',
  "0\r\n\r\n",
  "ffffffffffffffff",
  "7fffffffffffffff",
  "-1",
  "+1",
  "0x1",
  " ",
  "\t",
  "Content-Length: 3\r\n",
];

const SMALL = { ...HTTP1_LIMITS, maxChunkExtensionBytes: 10, maxTrailerBytes: 20, maxTrailerCount: 1 };

export function run(input, random) {
  const limits = random.chance(0.3) ? SMALL : HTTP1_LIMITS;
  compareCuts((sink) => new RequestReader(sink, limits), Buffer.concat([HEAD, input]), random);
}
