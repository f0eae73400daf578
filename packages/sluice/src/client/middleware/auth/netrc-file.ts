/**
 * The `.netrc` file: names and passwords of machines, as ftp has read them since BSD, and curl, Python and git do.
 *
 *   machine example.com login ada password "with \"quotes\" and spaces"
 *   default login anonymous password guest
 *   macdef init … up to an empty line: passed over
 *
 * Words stand between whitespace; a line may end with a comment, which begins with a word that begins with `#`. A word in double
 * quotes may have whitespace in it, and `\"`, `\\`, `\n`, `\r` and `\t`; in others a backslash is itself, as curl has it. (What
 * follows `password` is a word even if it begins with `#`.) Errors name the line and never its text.
 */
import { UsageError } from "../../../errors.js";

/** What a file knows of one machine. */
export interface NetrcEntry {
  /** The host's name in lower case; undefined for `default`. */
  readonly machine: string | undefined;
  readonly login: string | undefined;
  readonly password: string | undefined;
}

interface Draft {
  machine: string | undefined;
  login: string | undefined;
  password: string | undefined;
}

/** The setting words, by the property they set; `account` is for ftp, and passed over. */
const SETTINGS: ReadonlyMap<string, "login" | "password" | "account"> = new Map([
  ["login", "login"],
  ["user", "login"],
  ["password", "password"],
  ["passwd", "password"],
  ["account", "account"],
]);

/** The entries, in order. Throws `UsageError` `auth/netrc-invalid`. `path` is for its message. */
export function parseNetrc(text: string, path: string): NetrcEntry[] {
  const words = new Words(text, path);
  const entries: Draft[] = [];
  let current: Draft | undefined;
  for (let word = words.next("entry"); word !== undefined; word = words.next("entry")) {
    const setting = SETTINGS.get(word);
    if (word === "machine" || word === "default") {
      const machine = word === "default" ? undefined : words.value(word).toLowerCase();
      current = { machine, login: undefined, password: undefined };
      entries.push(current);
    } else if (word === "macdef") {
      words.value(word);
      words.skipMacro();
    } else if (setting === undefined || current === undefined) {
      throw words.fault(setting === undefined ? "a word that is none of netrc's" : `${word} before any machine`);
    } else {
      const value = words.value(word);
      if (setting !== "account") current[setting] = value;
    }
  }
  return entries;
}

/** The entry for a host: its first with a login, or else, where it is wanted, that of `default`. */
export function entryFor(entries: readonly NetrcEntry[], host: string, withDefault: boolean): NetrcEntry | undefined {
  const machine = host.toLowerCase();
  const own = entries.find((entry) => entry.machine === machine && entry.login !== undefined);
  if (own !== undefined || !withDefault) return own;
  return entries.find((entry) => entry.machine === undefined && entry.login !== undefined);
}

/** Takes a file's text apart into words. */
class Words {
  readonly #text: string;
  readonly #path: string;
  #at: number;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
    // Editors that begin files with a byte order mark are not the user's fault.
    this.#at = text.startsWith("\ufeff") ? 1 : 0;
  }

  /** The next word, undefined at the end. Where an entry may begin, comments are passed over. */
  next(place: "entry" | "value"): string | undefined {
    for (;;) {
      this.#skipSpace();
      if (this.#at >= this.#text.length) return undefined;
      if (place === "value" || this.#text[this.#at] !== "#") break;
      this.#skipLine();
    }
    return this.#text[this.#at] === '"' ? this.#quoted() : this.#plain();
  }

  /** The word behind `name`. */
  value(name: string): string {
    const word = this.next("value");
    if (word === undefined) throw this.fault(`${name} without what it is to be`);
    return word;
  }

  /** A macro ends with an empty line, or the file. */
  skipMacro(): void {
    this.#skipLine();
    while (this.#at < this.#text.length) {
      const lineStart = this.#at;
      this.#skipLine();
      if (this.#text.slice(lineStart, this.#at).trim() === "") return;
    }
  }

  fault(what: string): UsageError {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    return new UsageError("auth/netrc-invalid", `Cannot read ${this.#path}: ${what} in line ${line}`);
  }

  #plain(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !isSpace(this.#text[this.#at])) this.#at += 1;
    return this.#text.slice(start, this.#at);
  }

  #quoted(): string {
    const pieces: string[] = [];
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at] ?? "";
      if (character === '"') {
        this.#at += 1;
        if (this.#at < this.#text.length && !isSpace(this.#text[this.#at])) throw this.fault("text behind a quote");
        return pieces.join("");
      }
      if (character === "\\") {
        this.#at += 1;
        pieces.push(unescaped(this.#text[this.#at] ?? ""));
      } else {
        pieces.push(character);
      }
    }
    throw this.fault("a quote that does not end");
  }

  #skipSpace(): void {
    while (this.#at < this.#text.length && isSpace(this.#text[this.#at])) this.#at += 1;
  }

  /** Behind the line's end. */
  #skipLine(): void {
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end === -1 ? this.#text.length : end + 1;
  }
}

function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\n" || character === "\r";
}

function unescaped(character: string): string {
  if (character === "n") return "\n";
  if (character === "r") return "\r";
  return character === "t" ? "\t" : character;
}
