/** Somebody who looks on as a body passes, without reading it. */
export interface BodyTap {
  /** The next content bytes, decoded. `piece` is borrowed until this returns. Must not throw. */
  onPiece(piece: Uint8Array): void;
  /** All of the body has been seen. */
  onEnd(): void;
  /** It will not be seen whole: it broke, was given up, or had begun to be read before anybody looked on. */
  onLost(): void;
}
