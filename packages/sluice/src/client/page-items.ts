/** The items of a page, wherever its reader said that they are. */

import { UsageError } from "../errors.js";
import type { ClientResponse } from "./response.js";

/** `value`, if it is a list; else throws `UsageError` `paginate/no-items`. */
export function itemsOf(value: unknown, response: ClientResponse): readonly unknown[] {
  if (Array.isArray(value)) return value;
  const received = value === null ? "null" : typeof value;
  const message = `Cannot find the items of a page: expected an array, received ${received}; say where they are by \`items\``;
  throw response.describe(new UsageError("paginate/no-items", message, { phase: "response" }));
}
