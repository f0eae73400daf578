/**
 * From the path behind a prefix to the names of a file below a folder. What is refused here never reaches the file system: it is
 * 404 like anything else that is not there, so that nobody learns which trick was seen through.
 *
 * Each segment is unescaped once and by itself, so that no escape can become a separator. A backslash is refused everywhere, not on
 * Windows alone (it begins UNC paths there): no file that is meant to be served has one in its name. What Windows takes for
 * something else than a file's name is refused there: drives and alternate streams (`:`), devices (`CON`, `nul.txt`), short names
 * (`GIT~1`), wildcards, and the trailing dots and spaces that it drops.
 */

/** What a path may name. */
export interface PathRules {
  /** Names that begin with a dot. `/.well-known/` (RFC 8615) is there to be served, and always may. */
  readonly dotfiles: boolean;
  readonly windows: boolean;
}

/** Deeper paths lead nowhere: no folder that people keep is near this. */
const MOST_SEGMENTS = 128;
/** Longest name of a file on the systems there are, in UTF-8. */
const LONGEST_NAME_BYTES = 255;
const NEVER_IN_NAMES = /[/\\]|\p{Cc}/u;
const NOT_ON_WINDOWS = /[<>:"|?*]|[. ]$|~[0-9]/;
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;

/**
 * The names on the way to a file, of a path as it was received (escaped, without its first slash); none for the folder itself. A slash
 * at the end adds no name. Undefined for what names nothing.
 */
export function readSegments(rest: string, rules: PathRules): readonly string[] | undefined {
  if (rest === "") return [];
  const escaped = rest.split("/");
  if (escaped.at(-1) === "") escaped.pop();
  if (escaped.length > MOST_SEGMENTS) return undefined;
  const names: string[] = [];
  for (const segment of escaped) {
    const name = decodeSegment(segment);
    if (name === undefined || !isName(name, rules, names.length === 0)) return undefined;
    names.push(name);
  }
  return names;
}

/** The same of a path that is not escaped, such as one that an application was given: no slash at either end. */
export function readNames(path: string, rules: PathRules): readonly string[] | undefined {
  const names = path.split("/");
  return names.length <= MOST_SEGMENTS && names.every((name, index) => isName(name, rules, index === 0))
    ? names
    : undefined;
}

function decodeSegment(segment: string): string | undefined {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    // Overlong or otherwise broken UTF-8 names no file.
    return undefined;
  }
}

/** Whether a file of this name can be asked for; `first`: it is in the folder itself. */
export function isName(name: string, { dotfiles, windows }: PathRules, first: boolean): boolean {
  if (name === "" || name === "." || name === ".." || NEVER_IN_NAMES.test(name)) return false;
  if (Buffer.byteLength(name) > LONGEST_NAME_BYTES) return false;
  if (name.startsWith(".") && !dotfiles && !(first && name === ".well-known")) return false;
  return !windows || !(NOT_ON_WINDOWS.test(name) || DEVICE.test(name));
}
