/** Messages of a WebSocket as text: laid out for people, as lines, or as JSON lines. */
import { prettyJson } from "../request/pretty-json.js";
import type { Colours } from "../terminal/colours.js";
import { safeText } from "../terminal/safe-text.js";
import { UsageProblem } from "../usage-problem.js";

/** A message. */
export type WsMessage = string | Uint8Array;

const DUMPED_BYTES = 16;
/** Longer messages are shown in part: nobody reads more, and a terminal takes its time. */
const MOST_DUMPED_BYTES = 1_024;

/** For people. Nothing in it can act on the terminal. */
export function messageText(message: WsMessage, colours: Colours): string {
  const mark = colours("good", "<");
  if (typeof message !== "string") return `${mark} ${dump(message, colours)}\n`;
  const safe = safeText(message);
  // Further lines are set in, so that none of them looks like another message.
  return `${mark} ${prettyJson(safe, colours) ?? safe.replaceAll("\n", "\n  ")}\n`;
}

/** As it is; bytes in hexadecimal. */
export function messageLine(message: WsMessage): string {
  return `${typeof message === "string" ? message : hex(message)}\n`;
}

/** An object with `type` and `data`; bytes in hexadecimal. */
export function messageJson(message: WsMessage): string {
  const type = typeof message === "string" ? "text" : "binary";
  return `${JSON.stringify({ type, data: typeof message === "string" ? message : hex(message) })}\n`;
}

/** Bytes from hexadecimal digits, in pairs, between which there may be spaces. Throws `UsageProblem`. */
export function parseHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 === 0 && /^[0-9a-f]*$/i.test(digits)) return Buffer.from(digits, "hex");
  throw new UsageProblem(`expected bytes in hexadecimal such as 0a ff, received "${text}"`);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** Size, then lines of offset, bytes and the ASCII among them. */
function dump(bytes: Uint8Array, colours: Colours): string {
  const lines = [colours("notice", `binary, ${bytes.byteLength} bytes`)];
  const shown = bytes.subarray(0, MOST_DUMPED_BYTES);
  for (let at = 0; at < shown.length; at += DUMPED_BYTES) {
    const row = shown.subarray(at, at + DUMPED_BYTES);
    const digits = Array.from(row, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    const offset = colours("faint", at.toString(16).padStart(4, "0"));
    lines.push(`  ${offset}  ${digits.padEnd(DUMPED_BYTES * 3)} ${colours("faint", ascii)}`);
  }
  if (shown.length < bytes.byteLength)
    lines.push(colours("faint", `  … ${bytes.byteLength - shown.length} bytes more`));
  return lines.join("\n");
}
