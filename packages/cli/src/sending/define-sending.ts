/** The options that all commands which send requests have in common: as they are written, and what they mean together. */
import { type Command, Option } from "commander";
import { value, values } from "../option-parsers.js";
import { parseDelay, parseDuration, parseTimeLimit } from "../parse/duration.js";
import { parseOrigin } from "../parse/origin.js";
import { parseCookie, parseCredentialText, parseHeader, parseNames } from "../parse/pairs.js";
import { parseProxy } from "../parse/proxy.js";
import { parseSize } from "../parse/size.js";
import { parseStatuses } from "../parse/statuses.js";
import { parseWholeNumber } from "../parse/whole-number.js";
import { UsageProblem } from "../usage-problem.js";
import type { AuthSettings, RetrySettings, Secret, SendingSettings, TraceFormat } from "./settings.js";

type Pairs = readonly (readonly [name: string, value: string])[];

const CODINGS = ["gzip", "deflate", "br", "zstd"];
const MOST_RETRIES = 100;
const MOST_REDIRECTS = 1_000;
/** The library's own, named here because retries of broken bodies are counted and spaced by the commands. */
const BACK_OFF_MS = [250, 10_000] as const;

/** What the parser has made of the command line. */
export interface SendingFlags {
  readonly header?: Pairs;
  readonly cookie?: Pairs;
  readonly cookieFile?: string;
  readonly follow: boolean;
  readonly maxRedirects?: number;
  readonly maxSize?: number;
  readonly compress?: SendingSettings["compress"];
  readonly showQuery?: readonly string[];
  /** @default 0, also where the command has no retries */
  readonly retries?: number;
  readonly retryOn?: readonly number[];
  readonly backoff?: readonly [firstMs: number, mostMs: number];
  readonly maxRetryAfter?: number;
  readonly idempotencyKey?: boolean;
  readonly user?: string;
  readonly userFrom?: string;
  readonly digest?: boolean;
  readonly bearer?: string;
  readonly bearerFrom?: string;
  readonly netrc?: boolean;
  readonly netrcFile?: string;
  readonly authFor?: readonly string[];
  readonly connectTimeout: number;
  /** False for none, whatever the environment says. */
  readonly proxy?: string | false;
  readonly insecure?: boolean;
  readonly pinned?: readonly string[];
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tlsMin?: "1.2" | "1.3";
  readonly trace?: boolean;
  readonly traceFormat?: TraceFormat;
}

/** Fields, cookies, redirects, bodies, and what is told of them. */
export function addMessageOptions(command: Command): Command {
  return addAskingOptions(command)
    .addOption(new Option("--compress <coding>", "compress the body that is sent").choices(CODINGS))
    .option("--max-size <size>", "longest body taken, decoded: 500, 64KiB, 10MB", value(parseSize));
}

/** The same for requests without a body, whose answers have no end. */
export function addAskingOptions(command: Command): Command {
  return command
    .option("-H, --header <name:value>", "header field, may be repeated", values(parseHeader))
    .option("--cookie <name=value>", "cookie, may be repeated; sent as it is", values(parseCookie))
    .option("--cookie-file <file>", "keep cookies in this file: JSON, or cookies.txt")
    .option("-L, --follow", "follow redirects", true)
    .option("--no-follow", "take a redirect as the answer")
    .option("--max-redirects <n>", "redirects followed (default: 10)", whole(0, MOST_REDIRECTS))
    .option("--show-query <names>", "query parameters shown in errors; others appear as …", value(parseNames));
}

/** What is tried again, and when. */
export function addRetryOptions(command: Command): Command {
  return command
    .optionsGroup("Retries:")
    .option("--retries <n>", "further tries after a fault, or a status of --retry-on", whole(0, MOST_RETRIES), 0)
    .option("--retry-on <statuses>", "429,503 or 5xx (default: 408,425,429,500,502-504)", value(parseStatuses))
    .option("--backoff <first-most>", "bounds of the waits between tries (default: 250ms-10s)", value(parseDelay))
    .option("--max-retry-after <time>", "longest Retry-After obeyed (default: 60s)", value(parseAge))
    .option("--idempotency-key", "give POST and PATCH a key, and try them again as well");
}

/** Who we are to servers. */
export function addAuthOptions(command: Command): Command {
  return command
    .optionsGroup("Authentication:")
    .option("-u, --user <user:password>", "Basic credentials", value(parseCredentialText))
    .option("--user-from <place>", "the same from the first line of a file, or env:NAME")
    .option("--digest", "prove the password by Digest instead of sending it")
    .option("--bearer <token>", "bearer token")
    .option("--bearer-from <place>", "the same from the first line of a file, or env:NAME")
    .option("--netrc", "what .netrc has for the host")
    .option("--netrc-file <file>", "the same from another file")
    .option("--auth-for <origin>", "who alone gets credentials, may be repeated", values(parseOrigin));
}

/** How connections are made. */
export function addConnectionOptions(command: Command): Command {
  return command
    .optionsGroup("Connections:")
    .addOption(timeOption("--connect-timeout <time>", "for connecting", 30_000, "30s"))
    .option(
      "--proxy <url>",
      "http, https, socks5h, socks5, socks4a or socks4; env for HTTPS_PROXY …",
      value(parseProxy),
    )
    .option("--no-proxy", "none, whatever the environment says")
    .option("--pinned <sha256>", "certificate or key that must be shown, may be repeated", values(asItIs))
    .option("--insecure", "take any certificate")
    .option("--cacert <file>", "authorities to trust instead of the built-in ones (PEM)")
    .option("--cert <file>", "client certificate (PEM), with its key or beside --key")
    .option("--key <file>", "key of the client certificate (PEM)")
    .addOption(new Option("--tls-min <version>", "oldest TLS version (default: 1.2)").choices(["1.2", "1.3"]));
}

/** What is told while it happens. */
export function addTraceOptions(command: Command): Command {
  const formats = new Option("--trace-format <how>", "text or json (default: text on a terminal, else json)");
  return command
    .option("--trace", "tell on standard error what happens to each request")
    .addOption(formats.choices(["text", "json"]));
}

/** A time limit with a default, which help shows as `shown`. */
export function timeOption(flags: string, description: string, ms: number, shown: string): Option {
  return new Option(flags, `time ${description}; a bare number is in seconds`)
    .default(ms, shown)
    .argParser(value(parseTimeLimit));
}

/** Completes and checks what the options mean together. Throws `UsageProblem`. */
export function sendingSettings(flags: SendingFlags): SendingSettings {
  const { insecure = false, cacert, cert, key, pinned, tlsMin } = flags;
  if (key !== undefined && cert === undefined) throw new UsageProblem("Cannot use --key without --cert");
  const auth = authSettings(flags);
  if (flags.authFor !== undefined && auth === undefined) {
    throw new UsageProblem("Cannot use --auth-for without credentials: give --user, --bearer or --netrc");
  }
  return {
    headers: flags.header ?? [],
    cookies: flags.cookie ?? [],
    cookieFile: flags.cookieFile,
    retry: retrySettings(flags),
    auth,
    authOrigins: flags.authFor,
    trust: {
      insecure,
      caFile: cacert,
      certFile: cert,
      keyFile: key ?? cert,
      pins: pinned,
      minVersion: tlsMin === undefined ? undefined : `TLSv${tlsMin}`,
    },
    proxy: flags.proxy,
    connectTimeout: flags.connectTimeout,
    followRedirects: flags.follow,
    maxRedirects: flags.maxRedirects,
    maxSize: flags.maxSize,
    compress: flags.compress,
    showQuery: flags.showQuery ?? [],
    trace: traceSettings(flags),
  };
}

function retrySettings(flags: SendingFlags): RetrySettings {
  const { retries = 0, retryOn, backoff, maxRetryAfter, idempotencyKey } = flags;
  if (retries === 0) {
    const idle = { retryOn, backoff, maxRetryAfter, idempotencyKey };
    for (const [name, flag] of Object.entries(idle)) {
      if (flag !== undefined) throw new UsageProblem(`Cannot use ${asOption(name)} without --retries`);
    }
  }
  const [baseDelay, maxDelay] = backoff ?? BACK_OFF_MS;
  return {
    attempts: retries + 1,
    baseDelay,
    maxDelay,
    ...(retryOn === undefined ? {} : { statuses: retryOn }),
    ...(maxRetryAfter === undefined ? {} : { maxRetryAfter }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

function authSettings(flags: SendingFlags): AuthSettings | undefined {
  const { user, userFrom, bearer, bearerFrom, netrc, netrcFile, digest = false } = flags;
  const ways = { user, userFrom, bearer, bearerFrom, netrc, netrcFile };
  const given = Object.entries(ways).flatMap(([name, flag]) => (flag === undefined ? [] : [asOption(name)]));
  const [first, second] = given.filter((name) => !(name === "--netrc" && netrcFile !== undefined));
  if (first !== undefined && second !== undefined) {
    throw new UsageProblem(`Cannot authenticate in two ways: give one of ${first} and ${second}`);
  }
  if (digest && (first === undefined || first.startsWith("--bearer"))) {
    throw new UsageProblem("Cannot use --digest without a password: give --user, --user-from or --netrc");
  }
  const password = secretOf(user, userFrom);
  if (password !== undefined) return { kind: digest ? "digest" : "basic", secret: password };
  const token = secretOf(bearer, bearerFrom);
  if (token !== undefined) return { kind: "bearer", secret: token };
  if (first === undefined) return undefined;
  return { kind: "netrc", path: netrcFile, scheme: digest ? "digest" : "basic" };
}

function secretOf(text: string | undefined, place: string | undefined): Secret | undefined {
  if (text !== undefined) return { kind: "given", text };
  return place === undefined ? undefined : { kind: "place", place };
}

function traceSettings({ trace, traceFormat }: SendingFlags): SendingSettings["trace"] {
  if (trace) return traceFormat ?? "fitting";
  if (traceFormat !== undefined) throw new UsageProblem("Cannot use --trace-format without --trace");
  return undefined;
}

/** The library reads it, and says what is wrong with it. */
function asItIs(text: string): string {
  return text;
}

function parseAge(text: string): number {
  return parseDuration(text, "s");
}

function whole(least: number, most: number): (text: string) => number {
  return value((text) => parseWholeNumber(text, least, most));
}

/** `retryOn` as `--retry-on`. */
function asOption(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
