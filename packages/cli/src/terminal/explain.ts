/** Errors in one line for people, and the exit code they lead to. */
import { isSluiceError, UsageError } from "sluice";
import { EXIT_FAILED, EXIT_USAGE } from "../exit-codes.js";
import { UsageProblem } from "../usage-problem.js";
import { safeLine } from "./safe-text.js";

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
