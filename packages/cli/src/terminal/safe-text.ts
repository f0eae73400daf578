/**
 * What a server sent, fit for a terminal: a terminal obeys control characters, so that an answer could otherwise clear the screen,
 * forge output or set the clipboard.
 */

/** C0 but tab and line feed, DEL, C1, and what turns the direction of writing. */
const CONTROLS = /(?![\t\n])\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const LINE_ENDS = /[\t\n\u2028\u2029]+/gu;

/** Text of several lines: CRLF becomes LF, other control characters become U+FFFD. */
export function safeText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(CONTROLS, "\uFFFD");
}

/** Text that must stay on its line. */
export function safeLine(text: string): string {
  return safeText(text).replace(LINE_ENDS, " ");
}
