/** Colour, for people only: on a terminal, unless `NO_COLOR` or `TERM=dumb` says no. */

const { NO_COLOR = "", TERM } = process.env;
const COLOURED = process.stdout.isTTY === true && NO_COLOR === "" && TERM !== "dumb";

function painter(start: number, end: number): (text: string) => string {
  return (text) => (COLOURED ? `\u001b[${start}m${text}\u001b[${end}m` : text);
}

export const bold = painter(1, 22);
export const dim = painter(2, 22);
export const green = painter(32, 39);
export const red = painter(31, 39);
