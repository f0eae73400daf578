/** Multipart bodies, whole and in pieces: the same parts, or the same error; and the field values of their headers. */
import { parseDisposition } from "../../packages/sluice/dist/body/multipart/disposition.js";
import { resolveMultipartLimits } from "../../packages/sluice/dist/body/multipart/multipart-limits.js";
import { MultipartParser } from "../../packages/sluice/dist/body/multipart/multipart-parser.js";
import { PayloadError } from "../../packages/sluice/dist/errors.js";

const BOUNDARY = "xYz";
const LIMITS = resolveMultipartLimits({
  maxParts: 20,
  maxPartHeaderBytes: 200,
  maxPartHeaders: 5,
  maxTotalBytes: 40_000,
});

export const corpus = [
  '--xYz\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n--xYz--\r\n',
  "preamble\r\n--xYz \t\r\nA: b\r\n c\r\n\r\n\r\n--xY\r\n--xYz\r\n\r\n--xYz--epilogue\r\n--xYz",
  '--xYz\r\nContent-Disposition: form-data; name="f"; filename*=UTF-8\'\'%e2%82%ac; filename="a\\"b"\r\n\r\n\0\r\n--xYz--',
  "--xYz--",
  "--xYz\n\nx\n--xYz--",
].map((text) => Buffer.from(text));
export const dictionary = [
  "\r\n--xYz",
  "--",
  "\r\n",
  "\r\n\r\n",
  "A: b\r\n",
  " \t",
  '"',
  "\\",
  "%22",
  ";",
  "\r\n--xY",
  "\r",
];

function parsed(pieces) {
  const events = [];
  let content = "";
  const flush = () => {
    if (content !== "") events.push(content);
    content = "";
  };
  const parser = new MultipartParser(BOUNDARY, LIMITS, {
    onPart(fields) {
      flush();
      events.push({ fields: [...fields] });
    },
    onContent(piece) {
      if (piece.byteLength === 0) throw new Error("An empty piece of content");
      content += Buffer.from(piece).toString("latin1");
    },
    onPartEnd() {
      flush();
      events.push("end");
    },
  });
  try {
    for (const piece of pieces) {
      const lent = Buffer.from(piece);
      parser.feed(lent, true);
      lent.fill(0x21);
    }
    parser.end();
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return { code: error.code };
  }
  return { events };
}

export function run(input, random) {
  const cuts = Array.from({ length: random.below(6) }, () => random.below(input.length + 1)).sort((a, b) => a - b);
  const pieces = [...cuts, input.length].map((to, index) => input.subarray(cuts[index - 1] ?? 0, to));
  const whole = parsed([input]);
  const inPieces = parsed(pieces);
  if (JSON.stringify(whole) !== JSON.stringify(inPieces)) {
    throw new Error(
      `${JSON.stringify(whole).slice(0, 300)} whole, ${JSON.stringify(inPieces).slice(0, 300)} in pieces`,
    );
  }
  for (const { fields = [] } of whole.events ?? []) {
    if (fields.some((text) => /[\r\n\0]/.test(text))) throw new Error(`A line break in ${JSON.stringify(fields)}`);
    for (let at = 1; at < fields.length; at += 2) parseDisposition(fields[at]);
  }
  parseDisposition(input.toString("utf8"));
}
