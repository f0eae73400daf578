/** A certificate that signs itself, for a test among friends: whoever connects has to be told that it is right. */
import { isIP } from "node:net";

/** Certificate and key, PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
/** Longer is refused by some clients, whoever signed it. */
const VALID_DAYS = 397;
/** Machines whose clocks are behind are let in, too. */
const BACKDATED_MS = 3_600_000;
/** RFC 5280 §4.2.1.6, as the module numbers them. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** Makes one with a new key (P-256) for these names and addresses; the first is the subject. */
export async function selfSigned(names: readonly string[]): Promise<KeyPair> {
  const { generate } = await import("selfsigned");
  const altNames = [...new Set(names)].map((name) =>
    isIP(name) === 0 ? ({ type: DNS_NAME, value: name } as const) : ({ type: IP_ADDRESS, ip: name } as const),
  );
  const now = Date.now();
  const made = await generate([{ name: "commonName", value: names[0] ?? "localhost" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now - BACKDATED_MS),
    notAfterDate: new Date(now - BACKDATED_MS + VALID_DAYS * DAY_MS),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames },
    ],
  });
  return { cert: made.cert, key: made.private };
}
