/** The URL as the WHATWG parser reads it, or undefined where it refuses. Not by `URL.canParse`: Node 20's is wrong on Latin-1 text. */
export function parseUrl(input: string): URL | undefined {
  try {
    return new URL(input);
  } catch {
    return undefined;
  }
}
