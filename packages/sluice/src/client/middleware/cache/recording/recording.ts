/**
 * Takes a body down as it passes by on its way to the caller, who notices nothing: no piece is held back, and a body that nobody
 * reads is not read for our sake. Recordings under way share one bound; what is longer than an entry may be, breaks off, or is given
 * up by its reader is forgotten.
 */
import type { Body } from "../../../../body/body.js";
import type { BodyTap } from "../../../../body/body-tap.js";
import { Collector } from "../../../../body/collect.js";
import type { RecordingRoom } from "./recording-room.js";

/** The last net: a body that nobody reads on, and nobody gives up, is collected one day, and takes no room after that. */
const forgotten = new FinalizationRegistry<Recording>((recording) => recording.stop());

/** One body being recorded. */
export class Recording implements BodyTap {
  readonly #room: RecordingRoom;
  readonly #collector: Collector;
  readonly #maxBytes: number;
  #finish: (body: Uint8Array | undefined) => void;
  #over = false;

  /** `finish` is called once: with the whole body, or with undefined. `declaredBytes`: its length, if known. */
  constructor(
    room: RecordingRoom,
    maxBytes: number,
    declaredBytes: number | undefined,
    finish: (body: Uint8Array | undefined) => void,
  ) {
    this.#room = room;
    this.#maxBytes = maxBytes;
    this.#collector = new Collector(Number.POSITIVE_INFINITY, declaredBytes);
    this.#finish = finish;
  }

  /** Begins with what of `body` is there already. */
  follow(body: Body): void {
    forgotten.register(body, this, this);
    body.tapBy(this);
  }

  onPiece(piece: Uint8Array): void {
    if (this.#over) return;
    const tooLong = this.#collector.byteLength + piece.byteLength > this.#maxBytes;
    if (tooLong || !this.#room.take(piece.byteLength)) {
      this.stop();
      return;
    }
    // The reader may write into its pieces.
    this.#collector.add(piece, true);
  }

  onEnd(): void {
    this.#end((collector) => collector.take());
  }

  onLost(): void {
    this.stop();
  }

  /** Nothing of it will be stored. Harmless when it is over. */
  stop(): void {
    this.#end(() => undefined);
  }

  #end(result: (collector: Collector) => Uint8Array | undefined): void {
    if (this.#over) return;
    this.#over = true;
    forgotten.unregister(this);
    this.#room.giveBack(this.#collector.byteLength);
    const finish = this.#finish;
    const body = result(this.#collector);
    this.#finish = () => undefined;
    finish(body);
  }
}
