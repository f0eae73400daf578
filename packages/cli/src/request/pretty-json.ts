/**
 * JSON laid out and coloured for people. The text is laid out anew token by token and not parsed into values and back, so that large
 * numbers keep their digits, and names that occur twice stay.
 */
import type { Colours, Role } from "../terminal/colours.js";

/** Deeper texts are not laid out: indentation alone would be larger than any screen. */
const MOST_DEPTH = 64;
const INDENT = "  ";
const TOKEN = /[{}[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}[\],:"]+/g;

/** The text laid out, without a line end after it; undefined if it is not JSON, or nested too deeply. */
export function prettyJson(text: string, colours: Colours): string | undefined {
  if (!isJson(text)) return undefined;
  const layout = new Layout(colours);
  for (const [token] of text.matchAll(TOKEN)) {
    layout.add(token);
    if (layout.depth > MOST_DEPTH) return undefined;
  }
  return layout.text;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Lays out tokens that are known to be JSON. */
class Layout {
  text = "";
  depth = 0;
  readonly #colours: Colours;
  /** An opening bracket was written, and nothing in it yet. */
  #justOpened = false;
  /** Whether the token may be a member's name: after `{`, and after `,` in an object. */
  #beforeName = false;
  readonly #inObject: boolean[] = [];

  constructor(colours: Colours) {
    this.#colours = colours;
  }

  add(token: string): void {
    switch (token) {
      case "{":
      case "[":
        this.#open(token);
        break;
      case "}":
      case "]":
        this.#close(token);
        break;
      case ",":
        this.text += `,${this.#newLine()}`;
        this.#beforeName = this.#inObject.at(-1) === true;
        break;
      case ":":
        this.text += ": ";
        this.#beforeName = false;
        break;
      default:
        this.#startContent();
        this.text += this.#colours(this.#roleOf(token), token);
    }
  }

  #open(token: string): void {
    this.#startContent();
    this.text += token;
    this.depth += 1;
    this.#inObject.push(token === "{");
    this.#beforeName = token === "{";
    this.#justOpened = true;
  }

  #close(token: string): void {
    this.depth -= 1;
    this.#inObject.pop();
    this.text += this.#justOpened ? token : `${this.#newLine()}${token}`;
    this.#justOpened = false;
  }

  #startContent(): void {
    if (this.#justOpened) this.text += this.#newLine();
    this.#justOpened = false;
  }

  #newLine(): string {
    return `\n${INDENT.repeat(this.depth)}`;
  }

  #roleOf(token: string): Role {
    if (token.startsWith('"')) return this.#beforeName ? "name" : "text";
    return /^[-\d]/.test(token) ? "number" : "literal";
  }
}
