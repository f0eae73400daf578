/**
 * Lines by a pattern of one's own, with the directives that Apache, nginx' users and aiohttp know:
 *
 *   %a client address    %t time in brackets   %r request line        %m method       %U path     %H protocol
 *   %s status            %b body bytes or "-"  %B body bytes or 0     %R route        %L request id
 *   %T seconds, whole    %Tf with a fraction   %D microseconds        %P process id   %% a percent sign
 *   %{Name}i a field of the request            %{Name}o a field of the answer         %{NAME}e an environment variable
 *
 * The pattern is taken apart once; a line costs what its directives cost.
 */

import { UsageError } from "../../errors.js";
import type { AccessLogEntry, Formatter, Shown } from "./entry.js";
import { commonTime, logEscape, requestLine, showField, showTarget } from "./shown-text.js";

const DIRECTIVE = /%(?:\{([^}]*)\}([a-zA-Z])|(Tf|[a-zA-Z%]))|%/g;
const MS_PER_SECOND = 1_000;
const US_PER_MS = 1_000;

const PLAIN: Readonly<Record<string, (entry: AccessLogEntry, shown: Shown) => string | number>> = {
  "%": () => "%",
  a: ({ remoteAddress }) => remoteAddress ?? "-",
  t: ({ wallTimeMs }) => `[${commonTime(wallTimeMs)}]`,
  r: requestLine,
  m: ({ request }) => logEscape(request.method),
  U: ({ request }, shown) => logEscape(showTarget(request.path, shown.query)),
  H: ({ request }) => `HTTP/${request.httpVersion}`,
  s: ({ status }) => status,
  b: ({ bodyBytes }) => (bodyBytes === 0 ? "-" : bodyBytes),
  B: ({ bodyBytes }) => bodyBytes,
  R: ({ request }) => (request.route === undefined ? "-" : logEscape(request.route)),
  L: ({ request }) => logEscape(request.id),
  T: ({ durationMs }) => Math.floor(durationMs / MS_PER_SECOND),
  Tf: ({ durationMs }) => (durationMs / MS_PER_SECOND).toFixed(6),
  D: ({ durationMs }) => Math.round(durationMs * US_PER_MS),
  P: () => process.pid,
};

/** Whether a format is a pattern, and not a name. */
export function isPattern(format: string): boolean {
  return format.includes("%");
}

/** Takes a pattern apart. Throws `UsageError` `options/unknown-value` for a directive that there is not. */
export function compilePattern(pattern: string, shown: Shown): Formatter {
  const pieces: (string | ((entry: AccessLogEntry, shown: Shown) => string | number))[] = [];
  let end = 0;
  for (const match of pattern.matchAll(DIRECTIVE)) {
    const [whole, name, kind, plain = ""] = match;
    pieces.push(pattern.slice(end, match.index));
    const piece = name === undefined || kind === undefined ? PLAIN[plain] : named(name, kind);
    if (piece === undefined) {
      const known = Object.keys(PLAIN).map((directive) => `%${directive}`);
      throw new UsageError(
        "options/unknown-value",
        `Cannot log by the pattern ${JSON.stringify(pattern)}: it has ${whole}, known are ${known.join(" ")} %{}i %{}o %{}e`,
      );
    }
    pieces.push(piece);
    end = match.index + whole.length;
  }
  pieces.push(pattern.slice(end));
  return (entry) => pieces.map((piece) => (typeof piece === "string" ? piece : piece(entry, shown))).join("");
}

function named(name: string, kind: string): ((entry: AccessLogEntry, shown: Shown) => string) | undefined {
  const lower = name.toLowerCase();
  const field = (value: string | null, shown: Shown) => logEscape(showField(lower, value, shown) ?? "-");
  if (kind === "i") return ({ request }, shown) => field(request.headers.get(lower), shown);
  if (kind === "o") return ({ reply }, shown) => field(reply.headers.get(lower), shown);
  if (kind !== "e") return undefined;
  const value = logEscape(process.env[name] ?? "-");
  return () => value;
}
