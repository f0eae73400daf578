/** Options that are a name and a value in one word. What they hold may be secret, so that only names stand in the errors. */
import { UsageProblem } from "../usage-problem.js";

/** RFC 9110 §5.6.2: what a field name is made of. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 §5.5: neither CR, LF, NUL nor any other control character. */
const FORBIDDEN_IN_VALUE = /(?!\t)\p{Cc}/u;

/** `name: value` as a header field; spaces around the value are not part of it (RFC 9110 §5.5). Throws `UsageProblem`. */
export function parseHeader(text: string): readonly [name: string, value: string] {
  const colon = text.indexOf(":");
  if (colon === -1) throw new UsageProblem('expected "name: value", received a text without a colon');
  const name = text.slice(0, colon).trim();
  const value = text.slice(colon + 1).trim();
  if (!TOKEN.test(name)) throw new UsageProblem(`"${name}" is not a header name`);
  if (FORBIDDEN_IN_VALUE.test(value)) throw new UsageProblem(`the value of ${name} has a control character in it`);
  return [name, value];
}

/** `name=value` of a form. Throws `UsageProblem`. */
export function parseFormField(text: string): readonly [name: string, value: string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw new UsageProblem('expected "name=value"');
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** `user:password`; the password may hold colons (RFC 7617 §2). Throws `UsageProblem`. */
export function parseCredentials(text: string): { readonly username: string; readonly password: string } {
  const colon = text.indexOf(":");
  if (colon === -1) throw new UsageProblem('expected "user:password"');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** `user:password` as it is, if it is that. Throws `UsageProblem`. */
export function parseCredentialText(text: string): string {
  parseCredentials(text);
  return text;
}

/** `name=value` of a cookie (RFC 6265 §4.1.1). Throws `UsageProblem`. */
export function parseCookie(text: string): readonly [name: string, value: string] {
  const [name, value] = parseFormField(text);
  if (!TOKEN.test(name)) throw new UsageProblem("the name of a cookie is letters, digits and !#$%&'*+-.^_`|~");
  return [name, value];
}

/** A method: any token, in upper case (RFC 9110 §9.1). Throws `UsageProblem`. */
export function parseMethod(text: string): string {
  if (!TOKEN.test(text)) throw new UsageProblem(`"${text}" is not a method`);
  return text.toUpperCase();
}

/** Comma-separated names, none empty. Throws `UsageProblem`. */
export function parseNames(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new UsageProblem(`expected names with commas between them, received "${text}"`);
  return names;
}
