/**
 * Who owns which bytes. A piece on its way through the engine is *borrowed* (its buffer will be reused), *kept* (ours,
 * perhaps inside a larger buffer) or *exact* (alone in its `ArrayBuffer`, which is what users get and may transfer).
 *
 * Three ways to copy, because their prices differ by a factor of four (Node 20): up to 64 bytes a new typed array lives
 * in V8's own heap (30 ns); up to half of Node's buffer pool a slice of the pool saves the allocation (250 ns for 1 KiB
 * against 650); beyond that an own buffer is the cheapest that there is. Slices of the pool never leave the engine.
 */

const ON_HEAP_BYTES = 64;
const POOLED_BYTES = 4_095;

/** A copy for keeping inside the engine; may be a slice of Node's buffer pool. */
export function copyBorrowed(piece: Uint8Array): Uint8Array {
  if (piece.byteLength <= ON_HEAP_BYTES || piece.byteLength > POOLED_BYTES) return new Uint8Array(piece);
  return Buffer.from(piece);
}

/** The same bytes alone in their `ArrayBuffer`: a copy unless they are so already. */
export function ownExactly(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = piece;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === piece.byteLength) return new Uint8Array(buffer);
  return new Uint8Array(piece);
}

/**
 * A kept piece in the form in which users get it: small ones are copied out of whatever they lie in, so that keeping one
 * keeps no more than itself alive; large ones are handed over with their buffer. Never a `Buffer`, whose `slice` means
 * something else.
 */
export function handOver(piece: Uint8Array): Uint8Array {
  if (piece.byteLength <= POOLED_BYTES && piece.buffer.byteLength !== piece.byteLength) return new Uint8Array(piece);
  return Buffer.isBuffer(piece) ? new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength) : piece;
}
