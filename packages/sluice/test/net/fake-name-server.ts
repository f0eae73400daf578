/** A name server on loopback that answers A and AAAA questions from a table (RFC 1035 §4), and NXDOMAIN for the rest. */

import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";

const TYPE_A = 1;
const TYPE_AAAA = 28;
const HEADER_BYTES = 12;

export class FakeNameServer {
  /** "A name" or "AAAA name" for each question, in order. */
  readonly asked: string[] = [];
  readonly #socket: Socket;
  readonly #table: Readonly<Record<string, readonly string[]>>;

  private constructor(socket: Socket, table: Readonly<Record<string, readonly string[]>>) {
    this.#socket = socket;
    this.#table = table;
    socket.on("message", (message, from) => socket.send(this.#answer(message), from.port, from.address));
  }

  static async start(table: Readonly<Record<string, readonly string[]>>): Promise<FakeNameServer> {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    return new FakeNameServer(socket, table);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #answer(message: Buffer): Buffer {
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
      labels.push(message.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join(".").toLowerCase();
    const type = message.readUInt16BE(at + 1);
    const question = message.subarray(HEADER_BYTES, at + 5);
    this.asked.push(`${type === TYPE_AAAA ? "AAAA" : "A"} ${name}`);
    const known = this.#table[name];
    const found = (known ?? []).filter((address) => isIPv6(address) === (type === TYPE_AAAA));
    const header = Buffer.alloc(HEADER_BYTES);
    message.copy(header, 0, 0, 2);
    header.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    return Buffer.concat([header, question, ...found.map((address) => record(type, address))]);
  }
}

function record(type: number, address: string): Buffer {
  const literal = type === TYPE_A ? ipv4Bytes(address) : ipv6Bytes(address);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0); // the name is the question's
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(60, 6);
  head.writeUInt16BE(literal.length, 10);
  return Buffer.concat([head, literal]);
}

function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

/** Addresses of the form x:y::z only. */
function ipv6Bytes(address: string): Buffer {
  const [before = "", after = ""] = address.split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const [head, tail] = [groups(before), groups(after)];
  const all = [...head, ...new Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
