/** What the standard's constructor makes of its arguments (WebSockets Standard, §3.1). */
import { UsageError } from "../../../errors.js";
import { parseUrl } from "../../../http/parse-url.js";
import { showUrl } from "../../../http/redact.js";
import { checkedProtocols } from "../websocket-options.js";

/** The standard's "get a URL record". Throws `SyntaxError`. */
export function socketUrl(given: string | URL, baseUrl: URL | undefined): URL {
  const url = parseUrl(String(given), baseUrl);
  if (url === undefined)
    throw new DOMException(`Cannot connect to "${showUrl(String(given))}": it is no URL`, "SyntaxError");
  if (url.protocol === "http:") url.protocol = "ws:";
  else if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new DOMException(`Cannot connect to ${showUrl(url.href)}: its scheme must be ws or wss`, "SyntaxError");
  }
  if (url.hash !== "" || url.href.endsWith("#")) {
    throw new DOMException(`Cannot connect to ${showUrl(url.href)}: it must have no fragment`, "SyntaxError");
  }
  return url;
}

/** Throws `SyntaxError` unless each is a token, and there once. */
export function offeredProtocols(given: string | readonly string[]): readonly string[] {
  try {
    return checkedProtocols(typeof given === "object" ? [...given].map(String) : String(given));
  } catch (error) {
    if (error instanceof UsageError) throw new DOMException(error.message, "SyntaxError");
    throw error;
  }
}
