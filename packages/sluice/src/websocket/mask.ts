/**
 * Masking (RFC 6455 §5.3): octet i of a payload is combined with octet i mod 4 of the key. It keeps no secret; it keeps
 * intermediaries from taking a payload for HTTP (§10.3).
 *
 * Strategy: long runs are taken in words of 32 bits where memory is aligned for them, an octet at a time before and behind; the
 * word is put together in memory, so that the machine's order of octets plays no part. Short runs are not worth a view.
 */

/** Below this many octets a view of words costs more than it saves (`bench/src/codec`). */
const SHORT_RUN = 96;
const WORD_BYTES = 4;
const KEY_OCTETS = new Uint8Array(WORD_BYTES);
const KEY_WORD = new Int32Array(KEY_OCTETS.buffer);

/**
 * Masks, or unmasks, `bytes` in place. `key` has the key's octets as one big-endian number of 32 bits; `offset` counts the
 * octets of the payload that stand before `bytes`. O(n).
 */
export function mask(bytes: Uint8Array, key: number, offset = 0): void {
  const { length } = bytes;
  if (length < SHORT_RUN) {
    maskOctets(bytes, 0, length, rotated(key, offset));
    return;
  }
  const lead = (WORD_BYTES - (bytes.byteOffset & 3)) & 3;
  const wordCount = (length - lead) >>> 2;
  const behind = lead + wordCount * WORD_BYTES;
  const turned = rotated(key, offset);
  maskOctets(bytes, 0, lead, turned);
  const inner = rotated(turned, lead);
  maskWords(new Int32Array(bytes.buffer, bytes.byteOffset + lead, wordCount), inner);
  maskOctets(bytes, behind, length, turned);
}

/** The key as it begins `offset` octets further on. */
function rotated(key: number, offset: number): number {
  const bits = (offset & 3) * 8;
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits));
}

function maskWords(words: Int32Array, key: number): void {
  KEY_OCTETS[0] = key >>> 24;
  KEY_OCTETS[1] = key >>> 16;
  KEY_OCTETS[2] = key >>> 8;
  KEY_OCTETS[3] = key;
  const word = KEY_WORD[0] ?? 0;
  for (let at = 0; at < words.length; at += 1) words[at] = (words[at] ?? 0) ^ word;
}

function maskOctets(bytes: Uint8Array, start: number, end: number, key: number): void {
  for (let at = start; at < end; at += 1) bytes[at] = (bytes[at] ?? 0) ^ (key >>> (24 - (at & 3) * 8));
}
