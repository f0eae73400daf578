/** Under which addresses others reach this machine. */
import { networkInterfaces } from "node:os";

/** A network interface's address, as Node tells of it. */
export interface InterfaceAddress {
  readonly address: string;
  readonly family: string;
  readonly internal: boolean;
}

/**
 * The machine's addresses on its networks where `host` means all of them; none where it means one. Addresses that hold for one link
 * alone (RFC 4291 §2.5.6) are left out: they need to be written with the link's name.
 */
export function networkAddresses(host: string, interfaces: readonly InterfaceAddress[] = allInterfaces()): string[] {
  if (host !== "0.0.0.0" && host !== "::") return [];
  const others = interfaces.filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address));
  const reachable = host === "::" ? others : others.filter(({ family }) => family === "IPv4");
  return reachable.map(({ address }) => address);
}

/** Whether only this machine gets there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** The URL of another address of the server at `url`. */
export function urlAt(url: string, address: string): string {
  const { protocol, port } = new URL(url);
  return `${protocol}//${address.includes(":") ? `[${address}]` : address}${port === "" ? "" : `:${port}`}`;
}

function allInterfaces(): InterfaceAddress[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
}
