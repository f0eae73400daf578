/** The other end of a compressed connection: streams of the platform's, whose context lasts as long as was agreed. Not our code. */
import { createDeflateRaw, createInflateRaw, constants as zlib } from "node:zlib";

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

interface Direction {
  readonly windowBits: number;
  readonly takeover: boolean;
}

export class ZlibPeer {
  readonly #deflate: ReturnType<typeof createDeflateRaw>;
  readonly #inflate: ReturnType<typeof createInflateRaw>;
  readonly #sending: Direction;
  readonly #receiving: Direction;

  constructor(sending: Direction, receiving: Direction) {
    this.#sending = sending;
    this.#receiving = receiving;
    this.#deflate = createDeflateRaw({ windowBits: sending.windowBits });
    this.#inflate = createInflateRaw({ windowBits: receiving.windowBits });
  }

  async deflate(plain: Buffer): Promise<Buffer> {
    const coded = await through(this.#deflate, plain);
    if (!this.#sending.takeover) this.#deflate.reset();
    return coded.subarray(0, -TAIL.length);
  }

  async inflate(coded: Buffer): Promise<Buffer> {
    const plain = await through(this.#inflate, Buffer.concat([coded, TAIL]));
    if (!this.#receiving.takeover) this.#inflate.reset();
    return plain;
  }

  close(): void {
    this.#deflate.close();
    this.#inflate.close();
  }
}

/** What a stream gives for one message. */
function through(
  stream: ReturnType<typeof createDeflateRaw | typeof createInflateRaw>,
  bytes: Buffer,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const collect = (piece: Buffer): number => pieces.push(piece);
    stream.on("data", collect);
    stream.once("error", reject);
    stream.write(bytes);
    stream.flush(zlib.Z_SYNC_FLUSH, () => {
      stream.off("data", collect);
      stream.off("error", reject);
      resolve(Buffer.concat(pieces));
    });
  });
}
