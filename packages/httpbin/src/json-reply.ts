/** JSON for people: indented, with a line break at its end, as httpbin writes it. */

import { type Reply, type ReplyOptions, reply } from "sluice/server";

/** Status and further field lines of a {@link jsonReply}. */
export interface JsonReplyOptions {
  readonly status?: NonNullable<ReplyOptions["status"]>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `value` as indented JSON. */
export function jsonReply(value: unknown, options: JsonReplyOptions = {}): Reply {
  const { status = 200, headers } = options;
  return reply.text(jsonText(value), { status, headers: { "Content-Type": "application/json", ...headers } });
}

/** The text that {@link jsonReply} sends. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
