/**
 * Why an address could not be bound, in words a person can act on. Binding is the caller's choice of address, so these are
 * usage errors: another attempt with the same options has no better chance.
 */

import { UsageError } from "../errors.js";
import { errorCodeOf } from "./error-code.js";
import type { ListenOptions } from "./listen.js";

const NOT_PERMITTED = "the system does not permit it to this user";

/** The error for a `listen` that failed with `cause`; an error of our own is returned as it is. */
export function listenError(cause: unknown, options: ListenOptions): UsageError {
  if (cause instanceof UsageError) return cause;
  const place = options.path ?? `${options.host ?? "*"}:${options.port}`;
  const [code, explanation] = explain(errorCodeOf(cause), options);
  const detail = explanation ?? (cause instanceof Error ? cause.message : String(cause));
  return new UsageError(`listen/${code}`, `Cannot listen on ${place}: ${detail}`, { cause });
}

function explain(code: string | undefined, options: ListenOptions): readonly [code: string, explanation?: string] {
  switch (code) {
    case "EADDRINUSE":
      return ["address-in-use", options.path === undefined ? "the port is taken by another socket" : "the file exists"];
    case "EADDRNOTAVAIL":
      return ["address-not-available", "this machine has no such address"];
    case "ENOTFOUND":
      return ["address-not-available", "the host name has no address"];
    case "EACCES":
    case "EPERM":
      // For a path, libuv says EACCES for ENOENT too.
      return [
        "not-permitted",
        options.path === undefined ? NOT_PERMITTED : `${NOT_PERMITTED}, or there is no such directory`,
      ];
    default:
      return ["failed"];
  }
}
