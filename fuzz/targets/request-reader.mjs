/** Requests as a server reads them. */
import { HTTP1_LIMITS } from "../../packages/sluice/dist/http1/limits.js";
import { RequestReader } from "../../packages/sluice/dist/http1/request-reader.js";
import { compareCuts } from "../lib/feeding.mjs";
import { requestCorpus, wireDictionary } from "../lib/wire-corpus.mjs";

export const corpus = requestCorpus;
export const dictionary = wireDictionary;

const SMALL = {
  ...HTTP1_LIMITS,
  maxHeadBytes: 200,
  maxLineBytes: 60,
  maxFieldCount: 4,
  maxTargetBytes: 20,
  maxTrailerBytes: 40,
};

export function run(input, random) {
  const limits = random.chance(0.2) ? SMALL : HTTP1_LIMITS;
  compareCuts((sink) => new RequestReader(sink, limits), input, random);
}
