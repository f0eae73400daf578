/** How requests are sent, whether one or many: resolved, every field present and in range. */
import type { RetryOptions } from "sluice";
import type { TrustSettings } from "./trust.js";

/** A secret as it was given, or the place where it is. */
export type Secret =
  | { readonly kind: "given"; readonly text: string }
  | { readonly kind: "place"; readonly place: string };

/** How requests authenticate. */
export type AuthSettings =
  | { readonly kind: "basic" | "digest" | "bearer"; readonly secret: Secret }
  | { readonly kind: "netrc"; readonly path: string | undefined; readonly scheme: "basic" | "digest" };

/** Retries, with what they need to be counted and spaced by us as well. */
export type RetrySettings = RetryOptions & Required<Pick<RetryOptions, "attempts" | "baseDelay" | "maxDelay">>;

/** How a request's life is told. */
export type TraceFormat = "text" | "json";

/** See {@link "./define-sending.js"} for what each option means to people. */
export interface SendingSettings {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly cookies: readonly (readonly [name: string, value: string])[];
  /** File of the jar; undefined for none. */
  readonly cookieFile: string | undefined;
  readonly retry: RetrySettings;
  readonly auth: AuthSettings | undefined;
  /** The only origins that get credentials; undefined for all that are asked for. */
  readonly authOrigins: readonly string[] | undefined;
  readonly trust: TrustSettings;
  /** A URL, `env`, false for none; undefined where nobody said: what the environment says, if it says something. */
  readonly proxy: string | false | undefined;
  readonly connectTimeout: number;
  readonly followRedirects: boolean;
  readonly maxRedirects: number | undefined;
  /** Most bytes of a body, decoded; undefined where none was named. */
  readonly maxSize: number | undefined;
  /** Coding of the bodies that are sent. */
  readonly compress: "gzip" | "deflate" | "br" | "zstd" | undefined;
  readonly showQuery: readonly string[];
  /** `"fitting"`: text on a terminal, JSON elsewhere. */
  readonly trace: TraceFormat | "fitting" | undefined;
}
