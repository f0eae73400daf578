/** Items behind the URL of a request without a body: query parameters and header fields. */
import { UsageProblem } from "../usage-problem.js";
import { parseRequestItem } from "./request-item.js";

type Pairs = readonly (readonly [name: string, value: string])[];

/** What there is to ask with. */
export interface AskingItems {
  readonly headers: Pairs;
  readonly params: Pairs;
}

/** Throws `UsageProblem` for an item of a body, and for what is no item. */
export function parseAskingItems(items: readonly string[]): AskingItems {
  const headers: (readonly [string, string])[] = [];
  const params: (readonly [string, string])[] = [];
  for (const text of items) {
    const item = parseRequestItem(text);
    if (item.kind === "header") headers.push(item.pair);
    else if (item.kind === "query") params.push(item.pair);
    else throw new UsageProblem("Cannot send a body here: items are name==value and Header:value");
  }
  return { headers, params };
}
