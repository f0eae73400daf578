/**
 * `Sec-WebSocket-Extensions` (RFC 6455 §9.1): a list of extensions, each with parameters. Read strictly: a handshake that cannot be
 * understood is not one to agree to.
 */

import { isToken } from "../bytes/char-tables.js";
import { splitOutsideQuotes } from "../http/parameters.js";

/** One extension that is offered, or agreed upon. */
export interface Extension {
  readonly name: string;
  /** In the order of the field; a parameter without a value has `true`. */
  readonly parameters: readonly (readonly [name: string, value: string | true])[];
}

/** §9.1: a value in quotes has to be a token, too. */
const QUOTED = /^"((?:[^"\\]|\\.)*)"$/;
/** Enough for every offer that there is; a list of hundreds is not meant to be understood. */
const MOST_EXTENSIONS = 32;
const MOST_PARAMETERS = 16;

/** The extensions of a field's value, or undefined if it is malformed or too long. O(n). */
export function parseExtensions(value: string): Extension[] | undefined {
  const elements = splitOutsideQuotes(value, ",").filter((element) => element !== "");
  if (elements.length > MOST_EXTENSIONS) return undefined;
  const extensions: Extension[] = [];
  for (const element of elements) {
    const extension = parseExtension(element);
    if (extension === undefined) return undefined;
    extensions.push(extension);
  }
  return extensions;
}

/** The value of the field for `extension`. */
export function formatExtension({ name, parameters }: Extension): string {
  return [name, ...parameters.map(([key, value]) => (value === true ? key : `${key}=${value}`))].join("; ");
}

function parseExtension(element: string): Extension | undefined {
  const [name = "", ...pieces] = splitOutsideQuotes(element, ";");
  if (!isToken(name) || pieces.length > MOST_PARAMETERS) return undefined;
  const parameters: (readonly [string, string | true])[] = [];
  for (const piece of pieces) {
    const equals = piece.indexOf("=");
    const key = equals === -1 ? piece : piece.slice(0, equals).trimEnd();
    const value = equals === -1 ? true : tokenIn(piece.slice(equals + 1).trimStart());
    if (!isToken(key) || value === undefined) return undefined;
    parameters.push([key.toLowerCase(), value]);
  }
  return { name: name.toLowerCase(), parameters };
}

function tokenIn(text: string): string | undefined {
  const value = QUOTED.exec(text)?.[1]?.replace(/\\(.)/g, "$1") ?? text;
  return isToken(value) ? value : undefined;
}
