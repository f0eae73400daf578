/**
 * What proxies say about the client, read from the right: the rightmost entry was written by the proxy that talks to us, and
 * each further one only counts while the address it is about is itself trusted. So whatever the client wrote stays on the left,
 * unread, and cannot change how the rest is read: an element is taken as the shortest well-formed tail of the list, so that
 * not even an unclosed quote reaches to the right.
 *
 * `Forwarded`: RFC 7239 §4. `X-Forwarded-For`, `-Proto`, `-Host`: no standard, one entry added by each proxy.
 */

/** What one proxy says about whoever connected to it. */
export interface ForwardedHop {
  /** An address without port or brackets; undefined for `unknown`, an obfuscated name (RFC 7239 §6.3) or nonsense. */
  readonly address: string | undefined;
  readonly proto: string | undefined;
  readonly host: string | undefined;
}

/** Most entries looked at: no chain of proxies is longer. */
const MAX_HOPS = 32;
/** A tail that is no element after this many commas is nonsense. */
const MAX_COMMAS = 16;

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const QUOTED = '"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';
const PAIR = new RegExp(`[ \\t]*(${TOKEN})=(${TOKEN}|${QUOTED})[ \\t]*(?:;|$)`, "y");
const NODE = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)|([0-9A-Fa-f]*:[0-9A-Fa-f:.]+))(?::[0-9]{1,5})?$/;

/** The entries of `Forwarded`, nearest proxy first; it ends at the first that is malformed. */
export function* forwardedHops(list: string): Generator<ForwardedHop, void, undefined> {
  let end = list.length;
  for (let count = 0; count < MAX_HOPS && end > 0; count += 1) {
    const taken = lastElement(list, end);
    if (taken === undefined) return;
    yield taken.hop;
    end = taken.start - 1;
  }
}

/** The entries of a comma-separated `X-Forwarded-…` list, nearest proxy first. */
export function* listEntries(list: string): Generator<string, void, undefined> {
  let end = list.length;
  for (let count = 0; count < MAX_HOPS && end >= 0; count += 1) {
    const comma = list.lastIndexOf(",", end - 1);
    const start = end === 0 ? 0 : comma + 1;
    yield list.slice(start, end).trim();
    if (start === 0) return;
    end = comma;
  }
}

/** The address in a node such as `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80` or `2001:db8::1` (RFC 7239 §6). */
export function nodeAddress(node: string): string | undefined {
  const match = NODE.exec(node);
  return match === null ? undefined : (match[1] ?? match[2] ?? match[3]);
}

/** The shortest well-formed element that ends at `end`, and where it starts. */
function lastElement(list: string, end: number): { readonly hop: ForwardedHop; readonly start: number } | undefined {
  let comma = end;
  for (let commas = 0; commas < MAX_COMMAS && comma > 0; commas += 1) {
    comma = list.lastIndexOf(",", comma - 1);
    const hop = readElement(list.slice(comma + 1, end));
    if (hop !== undefined) return { hop, start: comma + 1 };
  }
  return undefined;
}

function readElement(element: string): ForwardedHop | undefined {
  const pairs = new Map<string, string>();
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < element.length) {
    const match = PAIR.exec(element);
    if (match === null) return undefined;
    const [, name = "", value = ""] = match;
    if (pairs.has(name.toLowerCase())) return undefined; // RFC 7239 §4: each parameter once in an element
    pairs.set(name.toLowerCase(), unquote(value));
  }
  if (pairs.size === 0) return undefined;
  const node = pairs.get("for");
  return {
    address: node === undefined ? undefined : nodeAddress(node),
    proto: pairs.get("proto"),
    host: pairs.get("host"),
  };
}

function unquote(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
}
