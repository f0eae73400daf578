import { parseUrl } from "../parse-url.js";
import { UsageProblem } from "../usage-problem.js";

const SCHEMES: ReadonlySet<string> = new Set([
  "http:",
  "https:",
  "socks:",
  "socks5h:",
  "socks5:",
  "socks4a:",
  "socks4:",
]);

/**
 * `env`, or the URL of a proxy; without a scheme it is http, as curl has it. Throws `UsageProblem`, without the URL, which may hold a
 * password.
 */
export function parseProxy(text: string): string {
  if (text === "env") return text;
  const url = parseUrl(text.includes("://") ? text : `http://${text}`);
  if (
    url !== undefined &&
    SCHEMES.has(url.protocol) &&
    url.hostname !== "" &&
    /^\/?$/.test(url.pathname + url.search)
  ) {
    return url.href;
  }
  throw new UsageProblem("expected a URL such as http://proxy.example:3128 or socks5h://127.0.0.1:1080, or env");
}
