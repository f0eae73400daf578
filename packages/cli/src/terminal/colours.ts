/**
 * The few colours that commands use, by what they mean. Off, each gives back its text as it is: whoever writes asks nobody
 * whether escape codes are wanted.
 */

/** Select graphic rendition (ECMA-48 §8.3.117): on, off. */
const CODES = {
  strong: [1, 22],
  faint: [2, 22],
  good: [32, 39],
  notice: [33, 39],
  bad: [31, 39],
  name: [36, 39],
  text: [32, 39],
  number: [33, 39],
  literal: [35, 39],
} as const;

/** What a piece of text is. */
export type Role = keyof typeof CODES;

/** Dresses texts. */
export type Colours = (role: Role, text: string) => string;

/** No escape codes at all. */
export const NO_COLOURS: Colours = (_role, text) => text;

/** ANSI colours. */
export const ANSI_COLOURS: Colours = (role, text) => {
  const [on, off] = CODES[role];
  return `\u001b[${on}m${text}\u001b[${off}m`;
};

/** Whether colours are wanted: on a terminal that can show them, unless NO_COLOR is set (no-color.org). */
export function coloursFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Colours {
  const refused = env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "";
  return isTerminal && !refused && env["TERM"] !== "dumb" ? ANSI_COLOURS : NO_COLOURS;
}

/** The role of a status by its class (RFC 9110 §15). */
export function statusRole(status: number): Role {
  if (status < 300) return "good";
  return status < 400 ? "notice" : "bad";
}
