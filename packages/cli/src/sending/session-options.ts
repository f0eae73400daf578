/** What the commands that send requests have in common, as a session takes it. */
import type { AuthOptions, ConnectorOptions, SessionOptions } from "sluice";
import { parseCredentials } from "../parse/pairs.js";
import type { Io } from "../terminal/io.js";
import { UsageProblem } from "../usage-problem.js";
import { secretFrom } from "./secret.js";
import type { AuthSettings, Secret, SendingSettings } from "./settings.js";
import { type BeforeLine, traceOf } from "./trace-lines.js";
import { trustOptions } from "./trust.js";

/** Variables that name proxies, in either case. */
const PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy"];

/** What a command adds of its own. */
export interface OwnParts {
  readonly connector: ConnectorOptions;
  /** Called before each line of a trace: what stands at the foot of the terminal has to go. */
  readonly beforeLine?: BeforeLine;
}

/** Reads the files that the settings name. Throws `UsageProblem` for one that cannot be used. */
export async function sessionOptions(settings: SendingSettings, io: Io, own: OwnParts): Promise<SessionOptions> {
  const { followRedirects, maxRedirects, maxSize, showQuery, retry, compress, trace } = settings;
  return {
    connector: { ...own.connector, ...proxyOption(settings, io, own), tls: await trustOptions(settings.trust) },
    retry,
    redirect: followRedirects ? "follow" : "manual",
    showQuery,
    ...(maxRedirects === undefined ? {} : { maxRedirects }),
    ...(maxSize === undefined ? {} : { maxResponseSize: maxSize }),
    ...(compress === undefined ? {} : { compress }),
    ...(settings.auth === undefined ? {} : { auth: await authOptions(settings.auth, settings.authOrigins, io) }),
    ...(trace === undefined ? {} : { trace: traceOf(trace, io.stderr, own.beforeLine) }),
  };
}

/** As other commands do: what the environment says, unless the command line says something else. */
function proxyOption(
  { proxy }: SendingSettings,
  { env }: Io,
  { connector }: OwnParts,
): Pick<ConnectorOptions, "proxy"> {
  if (proxy === false) return {};
  if (connector.unixSocket !== undefined) {
    if (proxy === undefined) return {};
    throw new UsageProblem("Cannot use --proxy with --unix-socket: there is one way to a socket");
  }
  if (proxy !== undefined) return { proxy };
  const isNamed = PROXY_VARIABLES.some((name) => (env[name] ?? env[name.toUpperCase()] ?? "") !== "");
  return isNamed ? { proxy: "env" } : {};
}

async function authOptions(
  auth: AuthSettings,
  authOrigins: readonly string[] | undefined,
  io: Io,
): Promise<AuthOptions> {
  const origins = authOrigins === undefined ? {} : { origins: authOrigins };
  switch (auth.kind) {
    case "basic":
      return { ...(await credentialsOf(auth.secret, io)), ...origins };
    case "digest":
      return { digest: { ...(await credentialsOf(auth.secret, io)), ...origins } };
    case "bearer":
      return { bearer: await textOf(auth.secret, io), ...origins };
    case "netrc": {
      const { path, scheme } = auth;
      return { netrc: { scheme, ...(path === undefined ? {} : { path }), ...origins } };
    }
  }
}

async function credentialsOf(
  secret: Secret,
  io: Io,
): Promise<{ readonly username: string; readonly password: string }> {
  const text = await textOf(secret, io);
  try {
    return parseCredentials(text);
  } catch (error) {
    if (!(error instanceof UsageProblem) || secret.kind === "given") throw error;
    throw new UsageProblem(`Cannot use ${secret.place}: ${error.message}`);
  }
}

function textOf(secret: Secret, io: Io): Promise<string> | string {
  return secret.kind === "given" ? secret.text : secretFrom(secret.place, io);
}
