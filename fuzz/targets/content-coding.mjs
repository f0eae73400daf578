/** Compressed bodies: gzip, deflate in both formats, br, zstd where Node has it, and stacks of them. The first byte chooses. */
import * as zlib from "node:zlib";
import { codingsOf, decoderFor } from "../../packages/sluice/dist/body/content-coding.js";
import { PayloadError } from "../../packages/sluice/dist/errors.js";

const FIELDS = ["gzip", "deflate", "br", "gzip, br", "deflate, gzip", "gzip, gzip, gzip"];
const PLAIN = [Buffer.alloc(0), Buffer.from("a"), Buffer.from("hello, ".repeat(300)), Buffer.alloc(100_000, "zero ")];
const MOST_BYTES = 300_000;

const samples = [];
for (const plain of PLAIN) {
  const coded = [
    zlib.gzipSync(plain),
    zlib.deflateSync(plain),
    zlib.brotliCompressSync(plain),
    zlib.brotliCompressSync(zlib.gzipSync(plain)),
    zlib.gzipSync(zlib.deflateSync(plain)),
    zlib.gzipSync(zlib.gzipSync(zlib.gzipSync(plain))),
  ];
  for (const [index, bytes] of coded.entries()) samples.push(Buffer.concat([Buffer.from([index]), bytes]));
  samples.push(Buffer.concat([Buffer.from([1]), zlib.deflateRawSync(plain)]));
  samples.push(Buffer.concat([Buffer.from([0]), zlib.gzipSync(plain), zlib.gzipSync(plain)]));
  if (zlib.zstdCompressSync !== undefined)
    samples.push(Buffer.concat([Buffer.from([6]), zlib.zstdCompressSync(plain)]));
}

export const corpus = samples;
export const dictionary = ["\x1f\x8b\x08", "\x78\x9c", "\0\0\0\0", "\xff\xff\xff\xff"];

if (zlib.zstdCompressSync !== undefined) FIELDS.push("zstd");

/** Decodes in pieces, and stops and goes on now and then; resolves to the output or the error's code. */
function decoded(field, input, cuts, demand) {
  return new Promise((resolve, reject) => {
    const decoder = decoderFor(codingsOf(field), { maxOutputBytes: MOST_BYTES });
    const pieces = [];
    let byteCount = 0;
    decoder.connect({
      onDecoded(piece) {
        pieces.push(piece);
        byteCount += piece.byteLength;
        if (byteCount > MOST_BYTES) reject(new Error(`${byteCount} bytes came out, ${MOST_BYTES} are allowed`));
        if (pieces.length % 3 !== 2) return true;
        setImmediate(() => decoder.resume());
        return false;
      },
      onDecodedEnd: () => resolve({ output: Buffer.concat(pieces).toString("base64") }),
      onDecodeError: (error) => (error instanceof PayloadError ? resolve({ code: error.code }) : reject(error)),
      onInputTaken: () => undefined,
    });
    if (demand === "whole") {
      decoder.write(input, false);
      decoder.end();
      decoder.start("whole");
      return;
    }
    decoder.start("pieces");
    let from = 0;
    for (const to of [...cuts, input.length]) {
      decoder.write(Buffer.from(input.subarray(from, to)), true);
      from = to;
    }
    decoder.end();
  });
}

export async function run(input, random) {
  const field = FIELDS[(input[0] ?? 0) % FIELDS.length];
  const coded = input.subarray(1);
  const cuts = Array.from({ length: random.below(4) }, () => random.below(coded.length + 1)).sort((a, b) => a - b);
  const whole = await decoded(field, coded, [], "whole");
  const pieces = await decoded(field, coded, cuts, "pieces");
  // Which fault is met first may differ; whether there is one may not, nor what comes out where there is none.
  if (whole.output !== pieces.output)
    throw new Error(
      `${field}: ${JSON.stringify(whole).slice(0, 200)} whole, ${JSON.stringify(pieces).slice(0, 200)} in pieces`,
    );
}
