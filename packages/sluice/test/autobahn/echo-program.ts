/** The program that the testsuite has every implementation run: what comes is sent back. And what leaves, read by other means than ours. */
import { Linked } from "../wire/websocket/websocket-setup.js";

export { turns } from "../wire/websocket/websocket-setup.js";

export type Role = "server" | "client";

export interface GotFrame {
  readonly op: number;
  readonly fin: boolean;
  readonly rsv: number;
  readonly payload: Buffer;
}

const MASK_BYTES = 4;

/** A connection under test, which echoes. */
export class EchoProgram {
  readonly linked: Linked;
  readonly role: Role;
  /** Ends with the connection. */
  readonly done: Promise<void>;
  /** Its close frames. */
  readonly closing: GotFrame[] = [];
  #bytes: Buffer = Buffer.alloc(0);

  constructor(role: Role, setup: ConstructorParameters<typeof Linked>[1] = {}) {
    this.role = role;
    // Nothing may hang on the sizes that are tested here; limits have tests of their own.
    this.linked = new Linked({ maxMessageSize: 64 * 1024 * 1024 }, { role, ...setup }, { lends: true });
    this.done = this.#echo().catch(() => undefined);
  }

  async #echo(): Promise<void> {
    const { socket } = this.linked;
    for await (const message of socket) await socket.send(message);
  }

  /** The frames that left since the last look (RFC 6455 §5.2), unmasked. Throws for one that a peer would have to refuse. */
  takeFrames(): GotFrame[] {
    const { transport } = this.linked;
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(transport.takeWritten(), "latin1")]);
    const frames: GotFrame[] = [];
    for (let taken = this.#takeFrame(); taken !== undefined; taken = this.#takeFrame()) frames.push(taken);
    return frames;
  }

  #takeFrame(): GotFrame | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    const masked = second >= 128;
    if (masked !== (this.role === "client")) throw new Error(`A ${this.role}'s frame is masked: ${masked}`);
    let length = second % 128;
    let at = 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
      if (length < 126) throw new Error(`A length of ${length} in 2 octets`);
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
      if (length < 65_536) throw new Error(`A length of ${length} in 8 octets`);
    }
    const key = bytes.subarray(at, at + MASK_BYTES);
    if (masked) at += MASK_BYTES;
    if (bytes.length < at + length) return undefined;
    const payload = Buffer.from(bytes.subarray(at, at + length));
    if (masked)
      for (let index = 0; index < length; index += 1) payload[index] = (payload[index] ?? 0) ^ (key[index % 4] ?? 0);
    this.#bytes = bytes.subarray(at + length);
    return { op: first % 16, fin: first >= 128, rsv: (first >> 4) % 8, payload };
  }
}
