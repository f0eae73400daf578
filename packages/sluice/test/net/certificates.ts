/** The certificates of fixtures/tls, as text. */

import { readFileSync } from "node:fs";

function pem(name: string): string {
  return readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), "latin1");
}

export const AUTHORITY = pem("authority-cert");
export const SERVER = { cert: pem("server-cert"), key: pem("server-key") };
export const EXPIRED = { cert: pem("expired-cert"), key: pem("expired-key") };
export const SELF_SIGNED = { cert: pem("self-signed-cert"), key: pem("self-signed-key") };
export const CLIENT = { cert: pem("client-cert"), key: pem("client-key") };
