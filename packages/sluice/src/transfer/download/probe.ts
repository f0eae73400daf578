/**
 * The first request of a version: a GET for all bytes as a range, never a HEAD, so that its answer says whether there are ranges, how long
 * the file is and which version it has, and its body is the beginning of the file already. A server that cannot answer it gets a GET
 * without a range.
 */

import { SluiceError } from "../../errors.js";
import { WANT_DIGEST } from "../../http/digest-fields.js";
import { judgeAnswer, type Verdict } from "./answers/answer-rules.js";
import type { DownloadContext } from "./download-context.js";
import { Patience } from "./patience.js";
import type { OpenAnswer } from "./source.js";

/** An answer whose body is to be written, and what it is. */
export interface UsableAnswer extends OpenAnswer {
  readonly verdict: Extract<Verdict, { kind: "part" | "whole" }>;
}

/** What to ask. */
export interface ProbeOptions {
  /** Without a range. */
  readonly plain: boolean;
  /** Fields that let the server say that nothing has changed: name, value … */
  readonly condition: readonly string[];
}

const FROM_THE_START = { first: 0, end: undefined } as const;
/** What servers say that stumble over a range: not acceptable in any form, not implemented. */
const STUMBLED: ReadonlySet<number> = new Set([400, 405, 501]);

/** Rejects with `ResponseError` or what else ended it. "unchanged": the condition holds. */
export async function probe(
  context: DownloadContext,
  { plain, condition }: ProbeOptions,
): Promise<UsableAnswer | "unchanged"> {
  const patience = new Patience(context);
  let ranged = !plain;
  for (;;) {
    const open = await tryAsk(context, patience, ranged ? [...condition, "range", "bytes=0-"] : condition);
    if (open === undefined) continue;
    const { response } = open;
    const verdict = judgeAnswer(response, FROM_THE_START);
    if (verdict.kind === "whole" || (verdict.kind === "part" && ranged)) return { ...open, verdict };
    if (verdict.kind === "condition" && condition.length > 0 && response.status === 304) return "unchanged";
    if (verdict.kind === "later") {
      await patience.afterAnswer(response, context.signal);
    } else if (verdict.kind === "expired" && context.source.renewable && !open.justFound) {
      context.source.renew(open);
      response.discard();
    } else if (ranged && mayDoWithout(verdict, response.status)) {
      ranged = false;
      response.discard();
    } else if (response.status >= 400) {
      throw await response.toError();
    } else {
      response.discard();
      const message = `Cannot download: the answer has status ${response.status}, which is no file`;
      throw response.describe(new SluiceError("download/bad-answer", message, { phase: "response" }));
    }
  }
}

/** Whether what was answered to a range, or without one, speaks for ranges being given (RFC 9110 §14.3). */
export function offersRanges({ verdict, response }: UsableAnswer): boolean {
  return verdict.kind === "part" || response.headers.get("accept-ranges")?.trim().toLowerCase() === "bytes";
}

async function tryAsk(
  context: DownloadContext,
  patience: Patience,
  fields: readonly string[],
): Promise<OpenAnswer | undefined> {
  try {
    return await context.source.ask([...fields, "want-repr-digest", WANT_DIGEST], context.signal);
  } catch (error) {
    await patience.after(error, context.signal);
    return undefined;
  }
}

function mayDoWithout(verdict: Verdict, status: number): boolean {
  return ["beyond", "refused", "condition"].includes(verdict.kind) || STUMBLED.has(status);
}
