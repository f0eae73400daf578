/**
 * Why there is no connection, in words a person can act on. One failed address gives its own reason; of several, the most
 * telling one names the error, and `causes` has them all.
 */

import { ConnectError, DnsError } from "../errors.js";
import { errorCodeOf } from "./error-code.js";

/** Refusals of the name service that say the name itself is at fault, not the moment. */
const NAME_NOT_FOUND: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "ENONAME", "EBADNAME"]);

type ConnectFault = readonly [system: string, code: string, explanation: string];

/** System error → our code and explanation, the most telling first: see {@link connectError}. */
const CONNECT_FAULTS: readonly ConnectFault[] = [
  [
    "EMFILE",
    "too-many-files",
    "this process has too many open files and sockets; raise its limit or connect to less at once",
  ],
  ["ENFILE", "too-many-files", "this machine has too many open files and sockets"],
  ["ECONNREFUSED", "refused", "the connection was refused; nothing listens there, or a firewall refuses"],
  ["ECONNRESET", "reset", "the connection was reset while it was being made"],
  ["ETIMEDOUT", "timed-out", "the system gave up waiting for an answer"],
  ["EACCES", "not-permitted", "the system does not permit it"],
  ["EPERM", "not-permitted", "the system does not permit it"],
  ["ENOENT", "no-such-socket", "there is no such Unix socket"],
  ["EADDRNOTAVAIL", "no-local-address", "no local address or port is left to connect from"],
  ["EHOSTUNREACH", "unreachable", "there is no route to the host"],
  ["ENETUNREACH", "unreachable", "there is no route to its network"],
  ["EHOSTDOWN", "unreachable", "the host is down"],
];

/** The name has no address, or nobody could say. Out of descriptors, it is the ConnectError that says so. */
export function dnsError(host: string, cause: Error): ConnectError {
  const system = errorCodeOf(cause);
  if (system === "EMFILE" || system === "ENFILE") return connectError(host, [cause]);
  if (system === undefined) {
    return new DnsError("dns/failed", `Cannot resolve ${host}: ${cause.message}`, { cause, phase: "dns" });
  }
  if (NAME_NOT_FOUND.has(system)) {
    const family: unknown = Reflect.get(cause, "family");
    const wanted = family === undefined ? "address" : `IPv${String(family)} address, which dns.family asks for`;
    const message = `Cannot resolve ${host}: the name has no ${wanted} (${system})`;
    return new DnsError("dns/not-found", message, { cause, phase: "dns" });
  }
  if (system.startsWith("options/")) return new DnsError("dns/bad-answer", cause.message, { cause, phase: "dns" });
  const message = `Cannot resolve ${host}: the name service did not answer (${system}); try again, or check the network`;
  return new DnsError("dns/unavailable", message, { cause, phase: "dns" });
}

/** No address of `place` could be connected to. `failures` has one error for each, in the order of failing. */
export function connectError(place: string, failures: readonly Error[]): ConnectError {
  if (failures.length === 0) {
    const message = `Cannot connect to ${place}: none of its addresses is of the family of localAddress`;
    return new ConnectError("connect/no-usable-address", message, { phase: "connect" });
  }
  const refused = failures.find((failure) => failure instanceof ConnectError);
  const [fault, cause] = mostTelling(failures);
  if (fault === undefined && refused instanceof ConnectError) {
    return new ConnectError(refused.code, refused.message, { cause: refused, causes: failures, phase: "connect" });
  }
  const [, code, explanation] = fault ?? ["", "failed", cause?.message ?? "no address could be tried"];
  const tried = failures.length > 1 ? ` (${failures.length} addresses tried)` : "";
  return new ConnectError(`connect/${code}`, `Cannot connect to ${place}: ${explanation}${tried}`, {
    cause: cause ?? failures.at(-1),
    causes: failures,
    phase: "connect",
  });
}

/** Asks the policy about `address`, found under `host`: why it is refused, or undefined. A policy that throws refuses. */
export function refusalOf(
  allowAddress: (address: string, host: string) => boolean,
  address: string,
  host: string,
): ConnectError | undefined {
  try {
    return allowAddress(address, host) ? undefined : addressRefused(host, address);
  } catch (error) {
    return addressRefused(host, address, error);
  }
}

/** The policy forbids connecting to `address`. */
export function addressRefused(host: string, address: string, cause?: unknown): ConnectError {
  const found = host === address ? "" : `, an address of ${host}`;
  const message = `Cannot connect to ${address}${found}: allowAddress refuses it`;
  return new ConnectError("connect/address-refused", message, { cause, phase: "connect" });
}

function mostTelling(failures: readonly Error[]): readonly [fault: ConnectFault | undefined, cause: Error | undefined] {
  for (const fault of CONNECT_FAULTS) {
    const cause = failures.find((failure) => errorCodeOf(failure) === fault[0]);
    if (cause !== undefined) return [fault, cause];
  }
  return [undefined, failures.find((failure) => !(failure instanceof ConnectError))];
}
