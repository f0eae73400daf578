/** User names and passwords: what they may consist of, and which bytes they are (RFC 7617 §2, RFC 7616 §4). */
import { UsageError } from "../../../errors.js";

/** How a name and password become bytes. */
export type CredentialCharset = "utf-8" | "latin1";

/**
 * Throws `UsageError` `auth/username` or `auth/password` for what cannot be sent: a colon in the name, which would end it, and
 * control characters in either. Neither is repeated in the message.
 */
export function checkCredentials(username: unknown, password: unknown): void {
  if (typeof username !== "string") throw refused("auth/username", "a user name that is no string");
  if (typeof password !== "string") throw refused("auth/password", "a password that is no string");
  if (username.includes(":")) throw refused("auth/username", "a user name with a colon");
  if (hasControl(username)) throw refused("auth/username", "a user name with a control character");
  if (hasControl(password)) throw refused("auth/password", "a password with a control character");
}

/** One character a byte. UTF-8 is of the composed form (NFC), as RFC 7616 §4 and RFC 8265 want it. Throws `auth/charset`. */
export function asBytes(text: string, charset: CredentialCharset): string {
  if (charset === "utf-8") return Buffer.from(text.normalize("NFC"), "utf8").toString("latin1");
  const composed = text.normalize("NFC");
  for (let at = 0; at < composed.length; at += 1) {
    if (composed.charCodeAt(at) > 0xff)
      throw refused("auth/charset", "these credentials as latin1: they have a character that it lacks");
  }
  return composed;
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

function refused(code: string, what: string): UsageError {
  return new UsageError(code, `Cannot authenticate with ${what}`);
}
