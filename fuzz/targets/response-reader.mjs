/** Responses as a client reads them, to requests of several methods. */
import { HTTP1_RESPONSE_LIMITS } from "../../packages/sluice/dist/http1/limits.js";
import { ResponseReader } from "../../packages/sluice/dist/http1/response-reader.js";
import { compareCuts } from "../lib/feeding.mjs";
import { responseCorpus, wireDictionary } from "../lib/wire-corpus.mjs";

export const corpus = responseCorpus;
export const dictionary = wireDictionary;

const METHODS = ["GET", "GET", "GET", "POST", "HEAD", "CONNECT"];
const SMALL = { ...HTTP1_RESPONSE_LIMITS, maxHeadBytes: 200, maxLineBytes: 60, maxFieldCount: 4, maxTrailerBytes: 40 };

export function run(input, random) {
  const limits = random.chance(0.2) ? SMALL : HTTP1_RESPONSE_LIMITS;
  const asked = Array.from({ length: 1 + random.below(3) }, () => [random.pick(METHODS), random.chance(0.2)]);
  const makeReader = (sink) => {
    const reader = new ResponseReader(sink, limits);
    for (const [method, upgrade] of asked) reader.expect(method, upgrade);
    return reader;
  };
  compareCuts(makeReader, input, random);
}
