import { parseWholeNumber } from "./whole-number.js";

const MOST_PORT = 65_535;

/** A port to listen on; 0 is a free one. Throws `UsageProblem`. */
export function parsePort(text: string): number {
  return parseWholeNumber(text, 0, MOST_PORT);
}
