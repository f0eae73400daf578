/**
 * Finds where a text stops being JSON (RFC 8259). Used after `JSON.parse` has refused it, because the engine says where
 * only sometimes, and then with a piece of the content. Linear, and without recursion: depth costs an array element.
 */

const WHITESPACE = /[\t\n\r ]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;
// Controls are only those up to U+001F (RFC 8259 §7), so this is "from space on, but for quote and backslash".
const STRING_RUN = /[ !#-[\]-\uffff]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** The index of the first character that cannot stand where it does; the text's length if it just ends too early. */
export function findJsonError(text: string): number {
  const open: string[] = [];
  let due: Found = { at: skip(WHITESPACE, text, 0), found: true };
  while (due.found) due = findAfterValue(text, due.at, open);
  return due.at;
}

interface Found {
  readonly at: number;
  /** False: `at` is where the error is. */
  readonly found: boolean;
}

/** From where a value is due to where the next one is. A container that is not empty is entered. */
function findAfterValue(text: string, at: number, open: string[]): Found {
  const first = text[at];
  if (first !== "{" && first !== "[") {
    const scalar = skipScalar(text, at);
    return scalar.found ? findNext(text, scalar.at, open) : scalar;
  }
  const inside = skip(WHITESPACE, text, at + 1);
  if (text[inside] === closerOf(first)) return findNext(text, inside + 1, open);
  open.push(first);
  return first === "{" ? findValue(text, inside) : { at: inside, found: true };
}

/** From the end of a value to where the next one begins. */
function findNext(text: string, from: number, open: string[]): Found {
  let at = skip(WHITESPACE, text, from);
  for (let container = open.at(-1); container !== undefined; container = open.at(-1)) {
    if (text[at] === ",") {
      at = skip(WHITESPACE, text, at + 1);
      return container === "{" ? findValue(text, at) : { at, found: true };
    }
    if (text[at] !== closerOf(container)) return { at, found: false };
    open.pop();
    at = skip(WHITESPACE, text, at + 1);
  }
  return { at, found: false };
}

/** Past `"name" :` to the value. */
function findValue(text: string, from: number): Found {
  if (text[from] !== '"') return { at: from, found: false };
  const name = skipString(text, from);
  if (!name.found) return name;
  const at = skip(WHITESPACE, text, name.at);
  return text[at] === ":" ? { at: skip(WHITESPACE, text, at + 1), found: true } : { at, found: false };
}

function skipScalar(text: string, from: number): Found {
  if (text[from] === '"') return skipString(text, from);
  const at = Math.max(skip(NUMBER, text, from), skip(LITERAL, text, from));
  return { at, found: at > from };
}

function skipString(text: string, from: number): Found {
  let at = from + 1;
  for (;;) {
    at = skip(STRING_RUN, text, at);
    if (text[at] === '"') return { at: at + 1, found: true };
    const escaped = skip(ESCAPE, text, at);
    if (escaped === at) return { at, found: false };
    at = escaped;
  }
}

function closerOf(opener: string): string {
  return opener === "{" ? "}" : "]";
}

/** The index after what `pattern` (sticky) matches at `from`; `from` if it does not. */
function skip(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}
