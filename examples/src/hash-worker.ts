/** CPU work for a worker thread: a plain module that exports a function. */
import { pbkdf2Sync } from "node:crypto";

const ROUNDS = 250_000;

/** A hash that is slow on purpose. */
export function slowHash(bytes: Uint8Array): string {
  return pbkdf2Sync(bytes, "salt", ROUNDS, 32, "sha256").toString("hex");
}
