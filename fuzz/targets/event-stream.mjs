/** Event streams, lines and JSON lines, whole and in pieces: the same events, values, or error. */
import { EventStreamParser } from "../../packages/sluice/dist/body/event-stream/event-stream-parser.js";
import { JsonLines } from "../../packages/sluice/dist/body/reading/json-lines.js";
import { LineSplitter } from "../../packages/sluice/dist/body/reading/lines.js";
import { PayloadError } from "../../packages/sluice/dist/errors.js";

export const corpus = [
  "data: a\r\n\r\n",
  "\uFEFFid: 1\nevent: x\ndata: a\rdata\ndata:b\n\nretry: 50\n\n",
  ": comment\n\nid: \0\ndata\n\n",
  '{"a":1}\n[2]\r\n\n"x"',
  '\x1e{"a":1}\n\x1e12\n\x1e',
].map((text) => Buffer.from(text));
export const dictionary = ["data:", "id:", "event:", "retry:", "\n\n", "\r", "\r\n", "\uFEFF", "\0", "\x1e", "{", "1"];

const SHAPERS = [
  () => new EventStreamParser({ maxLineBytes: 200, maxEventCharacters: 300 }),
  () => new LineSplitter({ maxLineBytes: 200, ends: "any" }, undefined),
  () => new LineSplitter({ maxLineBytes: 200 }, "utf-16le"),
  () => new JsonLines({ maxLineBytes: 200 }, undefined),
  () => new JsonLines({ maxLineBytes: 200, format: "sequence" }, undefined),
];

function shaped(shaper, pieces) {
  const items = [];
  const take = () => {
    for (let item = shaper.take(); item !== undefined; item = shaper.take()) items.push(item);
  };
  try {
    for (const piece of pieces) {
      const lent = Buffer.from(piece);
      shaper.feed(lent);
      take();
      lent.fill(0x21);
    }
    shaper.finish();
    take();
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    items.push({ code: error.code });
  }
  return JSON.stringify(items);
}

export function run(input, random) {
  const cuts = Array.from({ length: random.below(6) }, () => random.below(input.length + 1)).sort((a, b) => a - b);
  const pieces = [...cuts, input.length].map((to, index) => input.subarray(cuts[index - 1] ?? 0, to));
  for (const make of SHAPERS) {
    const whole = shaped(make(), [input]);
    const inPieces = shaped(make(), pieces);
    if (whole !== inPieces) throw new Error(`${whole.slice(0, 300)} whole, ${inPieces.slice(0, 300)} in pieces`);
  }
}
