import { parseUrl } from "../parse-url.js";
import { UsageProblem } from "../usage-problem.js";

/** The origin of an absolute http or https URL. Throws `UsageProblem`, without the URL, which may hold secrets. */
export function parseOrigin(text: string): string {
  const url = parseUrl(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.origin;
  throw new UsageProblem("expected an origin such as https://api.example.com");
}
