/**
 * The three ways to ask for the addresses of a host: the system (getaddrinfo: hosts file, then name servers), chosen name
 * servers (A and AAAA at once, RFC 8305 §3), or a function of the user's.
 *
 * All answer in a later turn and never throw. localhost never leaves the machine (RFC 6761 §6.3).
 */

import { type LookupAddress, lookup, Resolver } from "node:dns";
import { isIP } from "node:net";
import { UsageError } from "../errors.js";
import type { ResolvedAddress } from "./happy-eyeballs.js";

/** A user's own look-up: IP literals, best first; rejects, or gives none, when there are none. */
export type UserLookup = (host: string) => Promise<readonly string[]> | readonly string[];

type Answer = (failure: Error | undefined, addresses: readonly ResolvedAddress[]) => void;

/** Asks for the addresses of `host`; `answer` is called once, later. */
export type AskForAddresses = (host: string, answer: Answer) => void;

/** Asks getaddrinfo, whose order (RFC 6724) is kept. */
export function askSystem(host: string, answer: Answer): void {
  lookup(host, { all: true, verbatim: true }, (error, found) =>
    answer(error ?? undefined, error ? [] : found.map(typed)),
  );
}

/** Asks these name servers. Throws {@link UsageError} `options/bad-dns-server` when one is not an IP address. */
export function askServers(servers: readonly string[]): AskForAddresses {
  const resolver = new Resolver();
  try {
    resolver.setServers(servers);
  } catch (cause) {
    throw new UsageError(
      "options/bad-dns-server",
      `Cannot use dns.servers: expected IP addresses, received ${servers.join(", ")}`,
      { cause },
    );
  }
  return (host, answer) => {
    if (isLocalhost(host)) askSystem(host, answer);
    else askBothFamilies(resolver, host, answer);
  };
}

/** Asks the user's function, and believes it only IP literals. */
export function askUser(find: UserLookup): AskForAddresses {
  return (host, answer) => {
    // The chain ends in `answer`, which must not be called twice if it throws: hence two arguments and no catch().
    Promise.resolve(host)
      .then(find)
      .then((found) => found.map((address) => typedLiteral(address, host)))
      .then(
        (addresses) => answer(undefined, addresses),
        (reason: unknown) => answer(reason instanceof Error ? reason : new Error(String(reason)), []),
      );
  };
}

/** IPv6 first, as RFC 6724 has it where both work; one family's failure does not matter if the other has addresses. */
function askBothFamilies(resolver: Resolver, host: string, answer: Answer): void {
  let ipv6: readonly string[] | undefined;
  let ipv4: readonly string[] | undefined;
  let failure: Error | undefined;
  const settle = () => {
    if (ipv6 === undefined || ipv4 === undefined) return;
    const addresses: ResolvedAddress[] = [
      ...ipv6.map((address) => ({ address, family: 6 as const })),
      ...ipv4.map((address) => ({ address, family: 4 as const })),
    ];
    answer(addresses.length === 0 ? failure : undefined, addresses);
  };
  resolver.resolve6(host, (error, found) => {
    failure ??= error ?? undefined;
    ipv6 = error ? [] : found;
    settle();
  });
  resolver.resolve4(host, (error, found) => {
    failure ??= error ?? undefined;
    ipv4 = error ? [] : found;
    settle();
  });
}

function isLocalhost(host: string): boolean {
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  return name === "localhost" || name.endsWith(".localhost");
}

function typed({ address, family }: LookupAddress): ResolvedAddress {
  return { address, family: family === 6 ? 6 : 4 };
}

function typedLiteral(address: string, host: string): ResolvedAddress {
  const family = isIP(address);
  if (family === 4 || family === 6) return { address, family };
  throw new UsageError(
    "options/bad-dns-answer",
    `Cannot use the answer of dns.lookup for ${host}: expected IP addresses, received ${String(address)}`,
  );
}
