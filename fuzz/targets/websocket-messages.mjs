/** Compressed messages: what inflates at all stays within its limit; what was deflated, whole or in parts, inflates to itself. */
import { deflateRawSync, constants as zlib } from "node:zlib";
import { RawDeflater } from "../../packages/sluice/dist/body/messages/raw-deflater.js";
import { RawInflater } from "../../packages/sluice/dist/body/messages/raw-inflater.js";
import { WebSocketFault } from "../../packages/sluice/dist/websocket/websocket-fault.js";

const MOST_BYTES = 200_000;
const PLAIN = [
  Buffer.alloc(0),
  Buffer.from("Hello"),
  Buffer.from("hello, ".repeat(300)),
  Buffer.alloc(300_000, "zero "),
];

export const corpus = [
  ...PLAIN.map((plain) => deflateRawSync(plain, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4)),
  ...PLAIN.map((plain) => Buffer.concat([deflateRawSync(plain), Buffer.from([0])])),
  Buffer.from("f248cdc9c90700", "hex"),
  Buffer.from("f200110000", "hex"),
  Buffer.from("000500faff48656c6c6f00", "hex"),
  Buffer.from("f348cdc9c9070000", "hex"),
  Buffer.from("03000300030000", "hex"),
];
export const dictionary = ["\x00\x00\xff\xff", "\x03\x00", "\x00", "\xff\xff\xff\xff", "\xed\xc1\x01"];

async function inflated(inflater, coded) {
  try {
    return await inflater.inflate(coded);
  } catch (error) {
    if (error instanceof WebSocketFault && [1007, 1009].includes(error.closeCode)) return undefined;
    throw error;
  }
}

export async function run(input, random) {
  const maxWindowBits = 8 + random.below(8);
  const settings = { maxWindowBits, contextTakeover: random.chance(0.5) };
  const hostile = new RawInflater({ ...settings, maxMessageSize: MOST_BYTES });
  for (let count = 0; count < 2; count += 1) {
    const plain = await inflated(hostile, input);
    if (plain !== undefined && plain.byteLength > MOST_BYTES) throw new Error(`${plain.byteLength} bytes came out`);
  }
  const deflater = new RawDeflater({ ...settings, level: 1 + random.below(9) });
  const inflater = new RawInflater({ ...settings, maxMessageSize: Number.POSITIVE_INFINITY });
  for (let count = 0; count < 2; count += 1) {
    const cut = random.chance(0.5) ? random.below(input.length + 1) : 0;
    const coded = cut === 0 ? [] : [await deflater.deflatePart(input.subarray(0, cut))];
    coded.push(await deflater.deflate(input.subarray(cut)));
    const plain = await inflater.inflate(Buffer.concat(coded));
    if (Buffer.compare(plain, input) !== 0) throw new Error(`${plain.byteLength} bytes came back for ${input.length}`);
  }
}
