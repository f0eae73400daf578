/**
 * A body on a terminal: JSON laid out and coloured, other text without its control characters, anything else refused. On anything but a
 * terminal it is the bytes and nothing else.
 */
import { TextDecoder } from "node:util";
import type { Colours } from "../terminal/colours.js";
import type { Output } from "../terminal/output.js";
import { safeText } from "../terminal/safe-text.js";
import { prettyJson } from "./pretty-json.js";

/** Longer JSON is shown as it comes, because it is laid out in one piece. */
const MOST_JSON_BYTES = 1024 * 1024;
/** How much of a body decides whether it is text. */
const SNIFFED_BYTES = 4_096;

/** What is to be known of a body before it is shown. */
export interface BodyKind {
  readonly contentType: string | undefined;
  /** As the message declares it. */
  readonly charset: string | undefined;
}

/** Writes the bytes. */
export async function writeRaw(pieces: AsyncIterable<Uint8Array>, output: Output): Promise<void> {
  for await (const piece of pieces) await output.write(piece);
}

/** Shows it to people. Resolves to false, and nothing was written, when it is not text. */
export async function showBody(pieces: AsyncIterable<Uint8Array>, kind: BodyKind, output: Output): Promise<boolean> {
  const shower = new TextShower(output, kind.charset);
  const gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  // Text is shown as it comes, JSON when it is complete; either way the beginning decides whether it is text at all.
  const wanted = isJsonType(kind.contentType) ? MOST_JSON_BYTES : 0;
  let shown = false;
  for await (const piece of pieces) {
    if (gatheredBytes === 0 && isBinary(piece, kind.charset)) return false;
    gathered.push(piece);
    gatheredBytes += piece.length;
    if (!shown && gatheredBytes <= wanted) continue;
    shown = true;
    for (const each of gathered.splice(0)) await shower.add(each);
  }
  if (shown || gatheredBytes === 0) {
    await shower.end();
    return true;
  }
  const text = decoderFor(kind.charset).decode(Buffer.concat(gathered));
  await output.write(`${jsonForTerminal(text, output.colours)}\n`);
  return true;
}

function jsonForTerminal(text: string, colours: Colours): string {
  // Made safe before it is coloured: inside strings JSON has no control characters of its own.
  const safe = safeText(text);
  return prettyJson(safe, colours) ?? safe.replace(/\n$/, "");
}

/** Text in pieces, whose characters and line ends may lie across them. */
class TextShower {
  readonly #output: Output;
  readonly #decoder: TextDecoder;
  #held = "";
  #last = "\n";

  constructor(output: Output, charset: string | undefined) {
    this.#output = output;
    this.#decoder = decoderFor(charset);
  }

  async add(piece: Uint8Array): Promise<void> {
    const text = this.#held + this.#decoder.decode(piece, { stream: true });
    // Half a CRLF waits for its other half.
    this.#held = text.endsWith("\r") ? "\r" : "";
    await this.#write(text.slice(0, text.length - this.#held.length));
  }

  /** The prompt comes back on a line of its own. */
  async end(): Promise<void> {
    await this.#write(this.#held + this.#decoder.decode());
    if (this.#last !== "\n") await this.#output.write("\n");
  }

  async #write(text: string): Promise<void> {
    if (text === "") return;
    const safe = safeText(text);
    this.#last = safe.slice(-1);
    await this.#output.write(safe);
  }
}

/** NUL is in no text; without a declared charset, what is not UTF-8 is taken for no text either. */
function isBinary(piece: Uint8Array, charset: string | undefined): boolean {
  const beginning = piece.subarray(0, SNIFFED_BYTES);
  if (charset !== undefined && /^utf-?(?:16|32)/i.test(charset)) return false;
  if (beginning.includes(0)) return true;
  if (charset !== undefined) return false;
  try {
    // As part of a stream, so that a character cut off at the end is no fault.
    new TextDecoder("utf-8", { fatal: true }).decode(beginning, { stream: true });
    return false;
  } catch (error) {
    if (error instanceof TypeError) return true;
    throw error;
  }
}

/** UTF-8 where nothing is declared, or what is declared is not known. */
function decoderFor(charset: string | undefined): TextDecoder {
  try {
    return new TextDecoder(charset ?? "utf-8");
  } catch (error) {
    if (error instanceof RangeError) return new TextDecoder();
    throw error;
  }
}

/** RFC 8259 §11, RFC 6839 §3.1. */
function isJsonType(contentType: string | undefined): boolean {
  return /^[^;]*[/+]json\s*(?:;|$)/i.test(contentType ?? "");
}
