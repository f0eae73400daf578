/** Errors in one line for people, and the exit code they lead to. */
import { isSluiceError, ResponseError, UsageError } from "sluice";
import { EXIT_FAILED, EXIT_USAGE } from "../exit-codes.js";
import { UsageProblem } from "../usage-problem.js";
import { safeLine } from "./safe-text.js";
import { shorten } from "./text-width.js";

/** What servers say to people is short; more is a page. */
const MOST_WORDS = 300;
const WORDS_TYPE = /^(?:text\/plain|application\/(?:[^;]*\+)?json)\b/i;

/** What to say and how to end. */
export interface Explanation {
  readonly message: string;
  /** The library's code, the system's, or the error's name. */
  readonly code: string;
  readonly exitCode: number;
}

/** Never shows a stack, and nothing that a server could have made to move the cursor. */
export function explain(error: unknown): Explanation {
  if (error instanceof UsageProblem) return { message: safeLine(error.message), code: "usage", exitCode: EXIT_USAGE };
  if (isSluiceError(error)) {
    // Where a redirect leads is the server's mistake, although the library cannot follow it for the same reasons as a caller's.
    const isUsage = error instanceof UsageError && !error.code.startsWith("redirect/");
    const exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED;
    return { message: safeLine(error.message), code: error.code, exitCode };
  }
  if (error instanceof Error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      message: safeLine(error.message),
      code: typeof code === "string" ? code : error.name,
      exitCode: EXIT_FAILED,
    };
  }
  return { message: safeLine(String(error)), code: "unknown", exitCode: EXIT_FAILED };
}

/** What the server itself said to it, in plain text or JSON: a line with its end, or nothing. */
export function serverWords(error: unknown): string {
  if (!(error instanceof ResponseError) || !WORDS_TYPE.test(error.headers.get("content-type") ?? "")) return "";
  const words = safeLine(Buffer.from(error.body).toString("utf8")).trim();
  return words === "" ? "" : `${shorten(words, MOST_WORDS)}\n`;
}
