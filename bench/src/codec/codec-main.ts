/** A process that has a client read awkward answers, without a network: `codec-main.js`. */
import { performance } from "node:perf_hooks";
import { ClientSession } from "sluice";
import type { Run } from "../harness/row.js";
import { cpuMilliseconds, serveOrders } from "../harness/serve-orders.js";
import { CannedTransport } from "./canned-transport.js";

/** An answer and how it arrives. */
export interface AwkwardAnswer {
  /** Field lines beyond the usual ones. */
  readonly fields: number;
  /** Bytes of the body. */
  readonly body: number;
  /** Bytes of each chunk; 0 for a body that is not chunked. */
  readonly chunk: number;
  /** Bytes of each read. */
  readonly read: number;
}

/** What the process can be told. */
export interface CodecOrders {
  /** Microseconds for each answer. */
  read(order: { readonly answer: AwkwardAnswer; readonly milliseconds: number }): Promise<Run>;
}

const MICROSECONDS = 1_000;
/** A look at the clock after so many answers. */
const BATCH = 10;

serveOrders<CodecOrders>({
  async read({ answer, milliseconds }) {
    const pieces = cut(Buffer.from(textOf(answer), "latin1"), answer.read);
    await using session = new ClientSession({ connector: { connect: () => new CannedTransport(pieces) } });
    await readFor(session, answer.body, milliseconds / BATCH);
    const [time, cpu] = [performance.now(), cpuMilliseconds()];
    const count = await readFor(session, answer.body, milliseconds);
    const wall = ((performance.now() - time) / count) * MICROSECONDS;
    return { wall, cpu: ((cpuMilliseconds() - cpu) / count) * MICROSECONDS };
  },
});

async function readFor(session: ClientSession, bodyBytes: number, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds;
  let count = 0;
  do {
    for (let time = 0; time < BATCH; time += 1) {
      const { byteLength } = await session.get("http://example.com/").bytes();
      if (byteLength !== bodyBytes) throw new Error(`Expected ${bodyBytes} bytes, received ${byteLength}`);
    }
    count += BATCH;
  } while (performance.now() < end);
  return count;
}

function textOf({ fields, body, chunk }: AwkwardAnswer): string {
  // All of one length, so that twice as many are twice the bytes.
  const lines = Array.from({ length: fields }, (_, at) => `X-Field-${1_000 + at}: value number ${1_000 + at}\r\n`).join(
    "",
  );
  const head = (framing: string) => `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${framing}\r\n${lines}\r\n`;
  if (chunk === 0) return head(`Content-Length: ${body}`) + "x".repeat(body);
  const whole = `${chunk.toString(16)}\r\n${"x".repeat(chunk)}\r\n`;
  return `${head("Transfer-Encoding: chunked")}${whole.repeat(body / chunk)}0\r\n\r\n`;
}

function cut(bytes: Buffer, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}
