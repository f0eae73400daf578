/** How many columns of a terminal text takes: East Asian characters and emoji take two, marks that join the one before none. */

const NONE = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** Unicode Standard Annex #11, in the ranges that file names have. */
const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{17000}-\u{18D08}\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u;
const PLAIN = /^[\x20-\x7E]*$/;

/** Columns of one line without control characters. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** `text` in at most `width` columns, the middle left out where it is wider. */
export function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 1) return "";
  const head = Math.ceil((width - 1) / 2);
  const characters = [...text];
  const tail = fitting([...characters].reverse(), width - 1 - head);
  return `${fitting(characters, head)}…${[...tail].reverse().join("")}`;
}

/** `text` with as many blanks behind it as make it `width` columns. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** As many of `parts` as fit into `width`, in order, two blanks between them. */
export function joinFitting(parts: readonly string[], width: number): string {
  let line = "";
  for (const part of parts) {
    const longer = line === "" ? part : `${line}  ${part}`;
    if (widthOf(longer) > width) break;
    line = longer;
  }
  return line;
}

function columnsOf(character: string): number {
  if (NONE.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

function fitting(characters: readonly string[], width: number): string {
  let [kept, room] = ["", width];
  for (const character of characters) {
    room -= columnsOf(character);
    if (room < 0) break;
    kept += character;
  }
  return kept;
}
