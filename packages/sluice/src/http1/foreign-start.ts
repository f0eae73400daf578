/**
 * What came instead of a status line, for a message: nobody can see what a server of another protocol says, and it is nearly
 * always one of few.
 *
 * What is shown is bounded, of one line, and printable. Secrets may come back in whatever a peer sends: shown is a greeting
 * that is known, the version and status of what begins as HTTP does, and else no more than tells one format from another. What follows an
 * answer may be the rest of its body, and a request line our own, sent back: of these nothing is shown.
 */

/** As much of it as is looked at. */
const MOST_READ = 40;
/** `HTTP/1.1 2000`, and of the rest as many as most formats are told by. */
const UNKNOWN = /^(?:HTTP\/.{0,8}|(?:\\x..|.){0,4})/;
const REQUEST_LINE = /^[A-Z]{3,20} (?:\/|https?:)/;
const SPECIAL = /[^\x20-\x7e]|["\\]/g;

/** How those begin who are asked for HTTP by mistake, escaped; what matches is shown. */
const KINDS: readonly (readonly [start: RegExp, what: string])[] = [
  // RFC 8446 §5.1: an alert or a handshake, of versions up to 1.3, which all begin with a 3.
  [/^\\x1[56]\\x03\\x0[0-4]/, "it looks like TLS: the URL should begin with https"],
  // RFC 9113 §3.4, §4.1: the preface of a client, or SETTINGS and GOAWAY for the connection as a whole.
  [
    /^PRI \* HTTP\/2\.0|^\\x00(?:\\x..|.){2}\\x0[47]\\x0[01](?:\\x00){4}/,
    "it looks like HTTP/2, which this client does not speak",
  ],
  [/^SSH-.*/, "it looks like SSH"],
  [/^220[ -].*/, "it looks like a mail server or FTP"],
  [/^(?:\* OK|\+OK).*/, "it looks like a mail server"],
  [/^-(?:ERR|NOAUTH|DENIED)/, "it looks like Redis"],
  [/^<(?:!doctype|html|\?xml)/i, "it looks like a body without a head"],
];

/** `received`: the line as far as it has come, one character for each octet. `follows`: whether an answer was before it. */
export function describeStart(received: string, follows: boolean): string {
  if (follows) return "what follows the last answer is no status line; that answer may be longer than it said";
  if (REQUEST_LINE.test(received)) return "it begins with a request: the peer sends back what it gets";
  const line = received.endsWith("\r") ? received.slice(0, -1) : received;
  const start = line.slice(0, MOST_READ).replace(SPECIAL, escapeOctet);
  const kind = KINDS.find(([greeting]) => greeting.test(start));
  const [shown = ""] = (kind?.[0] ?? UNKNOWN).exec(start) ?? [];
  const more = shown.length < start.length || line.length > MOST_READ ? "…" : "";
  const hint = kind === undefined ? "" : `; ${kind[1]}`;
  return `it begins with "${shown}${more}", not with version, space, three digits, space, reason phrase${hint}`;
}

function escapeOctet(octet: string): string {
  return `\\x${octet.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
