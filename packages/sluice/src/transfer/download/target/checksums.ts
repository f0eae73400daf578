/** Digests of a finished file: which ones it must have, and whether it has. The file is read again, so what is checked is what is there. */

import { SluiceError, UsageError } from "../../../errors.js";
import type { DigestAlgorithm, FieldDigests } from "../../../http/digest-fields.js";
import { refuseUnknown } from "../../../options.js";
import { type FileHashName, fileHash } from "../../../platform/file-hash.js";

/** Digests in hexadecimal digits or base64. */
export interface ExpectedChecksums {
  readonly md5?: string;
  readonly sha1?: string;
  readonly sha256?: string;
  readonly sha384?: string;
  readonly sha512?: string;
}

/** What is read to be checked. */
export interface CheckedFile {
  read(bytes: Uint8Array, position: number): Promise<number>;
}

const BYTES: Readonly<Record<FileHashName, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const FIELD_NAMES: Readonly<Record<DigestAlgorithm, FileHashName>> = { "sha-256": "sha256", "sha-512": "sha512" };
/** One read: long enough for the disk, short enough for the event loop. */
const READ_BYTES = 512 * 1024;

/** Expected digests in lower-case hexadecimal, by algorithm. Throws `UsageError` `options/unknown…` for what can be no digest. */
export function readChecksums(given: ExpectedChecksums): Map<FileHashName, string> {
  refuseUnknown("checksum", given, new Map(Object.entries(BYTES)));
  const expected = new Map<FileHashName, string>();
  for (const name of Object.keys(given) as FileHashName[]) {
    const text = given[name];
    if (text !== undefined) expected.set(name, hexOf(name, text));
  }
  return expected;
}

/** What `fields` say, with what was expected in place of it where both name one algorithm. */
export function withFieldDigests(expected: ReadonlyMap<string, string>, fields: FieldDigests): Map<string, string> {
  const all = new Map<string, string>();
  for (const [name, base64] of fields) all.set(FIELD_NAMES[name], Buffer.from(base64, "base64").toString("hex"));
  for (const [name, hex] of expected) all.set(name, hex);
  return all;
}

/**
 * Reads the whole file and throws `SluiceError` `download/checksum` for a digest that it has not. `aborted` is asked now and then and
 * throws to end it.
 */
export async function verifyChecksums(
  file: CheckedFile,
  expected: ReadonlyMap<string, string>,
  aborted: () => void,
): Promise<void> {
  const hashes = [...expected.keys()].map((name) => ({ name, hash: fileHash(name as FileHashName) }));
  const bytes = Buffer.allocUnsafeSlow(READ_BYTES);
  for (let at = 0; ; ) {
    const count = await file.read(bytes, at);
    if (count === 0) break;
    aborted();
    for (const { hash } of hashes) hash.update(bytes.subarray(0, count));
    at += count;
  }
  for (const { name, hash } of hashes) {
    const found = hash.hex();
    if (found === expected.get(name)) continue;
    const message = `Cannot keep the file: its ${name} is ${found}, expected ${expected.get(name)}`;
    throw new SluiceError("download/checksum", message);
  }
}

function hexOf(name: FileHashName, text: string): string {
  const byteLength = BYTES[name];
  const bytes =
    /^[0-9a-f]+$/i.test(text) && text.length === byteLength * 2 ? Buffer.from(text, "hex") : fromBase64(text);
  if (bytes?.byteLength === byteLength) return bytes.toString("hex");
  const message = `Cannot use the checksum ${name}: expected ${byteLength} bytes in hexadecimal digits or base64, received ${JSON.stringify(text)}`;
  throw new UsageError("options/unknown-value", message);
}

function fromBase64(text: string): Buffer | undefined {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : undefined;
}
