/**
 * `reply.file`: one file as an answer. It is opened when the answer is about to leave, with the request at hand: only then is it known
 * which part of it is wanted, or whether it is wanted at all. What that takes is loaded with the first such answer.
 */

import { UsageError } from "../../errors.js";
import { formatContentDisposition } from "../../http/content-disposition.js";
import { HttpHeaders } from "../../http/headers.js";
import { refuseUnknown } from "../../options.js";
import { Reply } from "../reply.js";
import type { ReplyOptions } from "../reply-kinds.js";
import { resolveStaticOptions, type StaticOptions } from "./static-options.js";

/** How `reply.file` answers. */
export interface FileReplyOptions
  extends ReplyOptions,
    Pick<StaticOptions, "precompressed" | "maxAgeSeconds" | "types" | "dotfiles" | "links"> {
  /**
   * The folder that `path` is read from and cannot lead out of: for paths that come from a client. Links and names that begin with a
   * dot are then as `links` and `dotfiles` say. @default none: `path` is the application's own, taken as it is
   */
  readonly root?: string;
  /** The media type. @default by the ending of the name */
  readonly type?: string;
  /** Has the client save it, under this name; true for the file's own. @default false */
  readonly download?: boolean | string;
}

const NAMES: ReadonlySet<string> = new Set([
  ...["status", "reason", "headers", "precompressed", "maxAgeSeconds", "types", "dotfiles", "links"],
  ...["root", "type", "download"],
]);

/** The reply for the file at `path`. Throws `UsageError` `options/…`; that the file is not there shows when it is sent, as 404. */
export function fileReply(path: string, options: FileReplyOptions = {}): Reply {
  refuseUnknown("reply.file", options, NAMES);
  if (typeof path !== "string" || path === "") {
    throw new UsageError(
      "options/unknown-value",
      `Cannot use path: expected the path of a file, received ${String(path)}`,
    );
  }
  const { status = 200, reason, headers, root, type, download = false, ...rest } = options;
  const resolved = resolveStaticOptions(rest);
  const reply = new Reply(status, new HttpHeaders(headers ?? []).raw);
  reply.reason = reason;
  if (type !== undefined) reply.headers.set("Content-Type", type);
  if (download !== false) reply.headers.set("Content-Disposition", disposition(path, download));
  reply.prepare = async (request) => {
    reply.prepare = undefined;
    const { answerPath } = await import("./path-answer.js");
    const fields = reply.fields;
    const made = await answerPath({ method: request.method, fields: request.headers.raw }, path, root, {
      ...resolved,
      fields,
      whole: reply.status !== 200,
    });
    if (made.status === 200) made.status = reply.status;
    if (made.status === reply.status) made.reason = reply.reason;
    if (reply.onSent !== undefined) made.whenSent(reply.onSent);
    if (reply.onTaken !== undefined) made.whenTaken(reply.onTaken);
    return made;
  };
  return reply;
}

function disposition(path: string, download: string | true): string {
  return formatContentDisposition("attachment", download === true ? path.replace(/^.*[/\\]/s, "") : download);
}
