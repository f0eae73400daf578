/**
 * A folder as a tar archive, made as it is read (POSIX.1-2017, pax interchange format): headers of 512 bytes, contents padded to that,
 * and before a name that does not fit a header that says it in full.
 */
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";

const BLOCK = 512;
const NAME_BYTES = 100;
/** What eleven octal digits can say. */
const LARGEST_OCTAL = 8 ** 11 - 1;

interface Entry {
  readonly name: string;
  readonly type: "0" | "2" | "5" | "x";
  readonly size: number;
  readonly mode: number;
  /** Seconds since the Unix epoch. */
  readonly modified: number;
  readonly link: string;
}

/** The pieces of the archive. Rejects where a file cannot be read, or has another length than at first. */
export async function* tarStream(folder: string, prefix = ""): AsyncGenerator<Uint8Array, void, undefined> {
  yield* entriesOf(folder, prefix);
  if (prefix === "") yield Buffer.alloc(2 * BLOCK);
}

async function* entriesOf(folder: string, prefix: string): AsyncGenerator<Uint8Array, void, undefined> {
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    const stats = await lstat(path);
    const about = { mode: stats.mode & 0o7777, modified: Math.floor(stats.mtimeMs / 1_000), link: "", size: 0 };
    if (stats.isDirectory()) {
      yield* header({ ...about, name: `${prefix}${name}/`, type: "5" });
      yield* tarStream(path, `${prefix}${name}/`);
    } else if (stats.isSymbolicLink()) {
      yield* header({ ...about, name: prefix + name, type: "2", link: await readlink(path) });
    } else if (stats.isFile()) {
      yield* header({ ...about, name: prefix + name, type: "0", size: stats.size });
      yield* content(path, stats.size);
    }
  }
}

async function* content(path: string, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0;
  for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    read += (piece as Buffer).byteLength;
    if (read > size) break;
    yield piece as Buffer;
  }
  if (read !== size) throw new Error(`${path} has changed while it was read`);
  if (size % BLOCK !== 0) yield Buffer.alloc(BLOCK - (size % BLOCK));
}

/** The header, after one that says what it has no room for. */
function* header(entry: Entry): Generator<Uint8Array, void, undefined> {
  const long = [
    ...(Buffer.byteLength(entry.name) > NAME_BYTES ? [paxLine("path", entry.name)] : []),
    ...(Buffer.byteLength(entry.link) > NAME_BYTES ? [paxLine("linkpath", entry.link)] : []),
    ...(entry.size > LARGEST_OCTAL ? [paxLine("size", String(entry.size))] : []),
  ].join("");
  if (long !== "") {
    const bytes = Buffer.from(long);
    yield plainHeader({ ...entry, name: "pax", type: "x", size: bytes.byteLength, link: "" });
    yield Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.byteLength % BLOCK)) % BLOCK)]);
  }
  yield plainHeader(entry);
}

/** `length key=value`, where the length counts itself. */
function paxLine(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function plainHeader({ name, type, size, mode, modified, link }: Entry): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  block.write(name.slice(0, NAME_BYTES), 0, NAME_BYTES, "utf8");
  octal(block, 100, 8, mode);
  octal(block, 108, 8, 0);
  octal(block, 116, 8, 0);
  octal(block, 124, 12, Math.min(size, LARGEST_OCTAL));
  octal(block, 136, 12, modified);
  block.write("        ", 148, "latin1");
  block.write(type, 156, "latin1");
  block.write(link, 157, NAME_BYTES, "utf8");
  block.write("ustar\u000000", 257, "latin1");
  // The sum of all bytes, those of the sum itself taken for spaces.
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
}
