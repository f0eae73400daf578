/** Finds the user's `.netrc`, reads it once, and gives each request what is there for its host. */
import { UsageError } from "../../../errors.js";
import { netrcPath } from "../../../platform/home.js";
import { readPrivateTextFile } from "../../../platform/text-file.js";
import type { ClientMiddleware } from "../../middleware.js";
import { basicCredentials, basicMiddleware } from "./basic.js";
import type { CredentialRule } from "./credential-rule.js";
import { digestMiddleware } from "./digest.js";
import type { ResolvedNetrc } from "./netrc.js";
import { entryFor, type NetrcEntry, parseNetrc } from "./netrc-file.js";

/** One file, and who has been found in it. */
export class NetrcClient {
  readonly #options: ResolvedNetrc;
  #reading: Promise<readonly NetrcEntry[]> | undefined;
  /** One for each entry, so that a Digest one remembers its nonces. The file bounds their number. */
  readonly #middleware = new Map<NetrcEntry, ClientMiddleware>();

  constructor(options: ResolvedNetrc) {
    this.#options = options;
  }

  /** For requests that may have what the file says of their host; `mayHaveDefault` says which may have `default`. */
  middleware(mayHaveDefault: CredentialRule): ClientMiddleware {
    return async (request, next) => {
      const entries = await this.#entries();
      const entry = entryFor(entries, request.target.hostname, mayHaveDefault(request));
      return entry === undefined ? next(request) : this.#middlewareOf(entry)(request, next);
    };
  }

  #middlewareOf(entry: NetrcEntry): ClientMiddleware {
    let middleware = this.#middleware.get(entry);
    if (middleware === undefined) {
      const { login = "", password = "" } = entry;
      middleware =
        this.#options.scheme === "digest"
          ? digestMiddleware(login, password, {}, always)
          : basicMiddleware(basicCredentials(login, password), always);
      this.#middleware.set(entry, middleware);
    }
    return middleware;
  }

  /** A failure is not kept: the user may mend the file meanwhile. */
  #entries(): Promise<readonly NetrcEntry[]> {
    this.#reading ??= this.#read().catch((error: unknown) => {
      this.#reading = undefined;
      throw error;
    });
    return this.#reading;
  }

  async #read(): Promise<readonly NetrcEntry[]> {
    const { path: given, checkPermissions, maxFileBytes } = this.#options;
    const { path, required } = given === undefined ? netrcPath() : { path: given, required: true };
    const text = await readPrivateTextFile(path, { maxBytes: maxFileBytes, checkPermissions }).catch(
      (error: unknown) => {
        if (isMissing(error) && !required) return "";
        throw error instanceof UsageError ? error : unreadable(path, error);
      },
    );
    return parseNetrc(text, path);
  }
}

/** Whether the request may have them has been asked before. */
const always: CredentialRule = () => true;

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function unreadable(path: string, cause: unknown): UsageError {
  return new UsageError("auth/netrc-unreadable", `Cannot read ${path} for credentials: see the cause`, { cause });
}
