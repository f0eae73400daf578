import { UsageProblem } from "../usage-problem.js";

/** The text itself if it is JSON: it is sent as written, so that no number loses digits on the way. Throws `UsageProblem`. */
export function parseJsonText(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageProblem(`the value is not JSON: ${withoutQuotes(error.message)}`);
  }
  return text;
}

/** V8 quotes the text, which may be long, or secret. */
function withoutQuotes(message: string): string {
  return message.replace(/,?\s*(?:\.\.\.)?"[\s\S]*"(?:\.\.\.)?/, "").trim() || "it does not parse";
}
