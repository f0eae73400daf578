/** Which methods a request may have (RFC 9110 §9). */
import { UsageError } from "../errors.js";
import { isMethod, normaliseMethod } from "../http/methods.js";

/** The method as it is sent; common ones in capitals. Throws `UsageError` for what is no token, and for CONNECT and TRACE. */
export function checkedMethod(method: string): string {
  const normalised = normaliseMethod(method);
  if (!isMethod(normalised)) {
    throw new UsageError("options/method", `Cannot use the method ${JSON.stringify(method)}: it must be a token`);
  }
  // CONNECT asks for a tunnel, TRACE for an echo of whatever secrets a proxy adds (RFC 9110 §9.3.6, §9.3.8).
  if (normalised === "CONNECT" || normalised === "TRACE") {
    throw new UsageError("options/method", `Cannot use the method ${normalised} for a request`);
  }
  return normalised;
}
