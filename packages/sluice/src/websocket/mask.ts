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
  maskRange(bytes, 0, bytes.length, rotated(key, offset));
}

/** The same for a whole payload that lies in `bytes` from `start` up to `end`: no view of it is made. */
export function maskPayload(bytes: Uint8Array, start: number, end: number, key: number): void {
  maskRange(bytes, start, end, rotated(key, -start));
}

/** `key` as it would begin with the first octet of `bytes`. */
function maskRange(bytes: Uint8Array, start: number, end: number, key: number): void {
  if (end - start < SHORT_RUN) {
    maskOctets(bytes, start, end, key);
    return;
  }
  const aligned = start + ((WORD_BYTES - ((bytes.byteOffset + start) & 3)) & 3);
  const wordCount = (end - aligned) >>> 2;
  maskOctets(bytes, start, aligned, key);
  maskWords(new Int32Array(bytes.buffer, bytes.byteOffset + aligned, wordCount), rotated(key, aligned));
  maskOctets(bytes, aligned + wordCount * WORD_BYTES, end, key);
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
